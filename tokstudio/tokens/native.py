"""Failures of the libraries' native code."""

from collections.abc import Iterator
from contextlib import contextmanager

from tokstudio.errors import TokenizerError

SAID = 300  # characters of a reason that are shown


def of_library(error: BaseException) -> bool:
    """Is it an error that a library raised, or a panic of its native code, and not someone's wish to stop?

    A panic of Rust code derives from BaseException, and its class cannot be imported: only its name is there.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def short(error: object) -> str:
    """What it says, without its last full stop and no longer than a message may be: a file may choose some of it."""
    said = str(error)
    return (said if len(said) <= SAID else f"{said[:SAID]}...").rstrip(".")


@contextmanager
def native_errors(message: str, hint: str, *, tell: bool = True) -> Iterator[None]:
    """Turn whatever the library raises into a TokenizerError of `message` and, with `tell`, its own reason."""
    try:
        yield
    except TokenizerError:
        raise
    except BaseException as error:
        if not of_library(error):
            raise
        reason = f": {short(error) or type(error).__name__}" if tell else ""
        raise TokenizerError(f"{message}{reason}.", hint=hint) from error
