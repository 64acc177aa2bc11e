"""Failures of the libraries' native code."""

from collections.abc import Iterator
from contextlib import contextmanager

from tokstudio.errors import TokenizerError


@contextmanager
def native_errors(message: str, hint: str, *, tell: bool = True) -> Iterator[None]:
    """Turn whatever the library raises into a TokenizerError of `message` and, with `tell`, its own reason.

    A panic of Rust code derives from BaseException, and its class cannot be imported: only its name is there.
    """
    try:
        yield
    except TokenizerError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise TokenizerError(
            f"{message}: {str(error).rstrip('.') or type(error).__name__}.", hint=hint
        ) from error
