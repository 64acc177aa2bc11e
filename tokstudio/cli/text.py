"""The text a command works on: `--text`, `--file`, or standard input, as bytes and never with changed line
ends."""

import argparse
import sys
from pathlib import Path

from tokstudio.errors import InputError


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--text", help="the text itself")
    source.add_argument("--file", help="a UTF-8 text file; without either, standard input is read")


def text_of(args: argparse.Namespace) -> str:
    """Raises InputError where there is no text, or none in UTF-8."""
    if args.text is not None:
        return _argument(args.text)
    if args.file is not None:
        return _decoded(_file(Path(args.file).expanduser()), args.file)
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("There is no text.", hint='Give it with --text "..." or --file NAME, or pipe it in.')
    return _decoded(sys.stdin.buffer.read(), "standard input")


def _argument(text: str) -> str:
    """A byte of the command line that is no UTF-8 arrives as half a character, U+DC80 to U+DCFF."""
    for position, character in enumerate(text):
        if "\udc80" <= character <= "\udcff":
            offset = len(text[:position].encode(errors="surrogatepass"))
            raise InputError(
                f"--text is no UTF-8 text: byte 0x{ord(character) - 0xDC00:02x} at offset {offset:,}.",
                hint="Save the text as UTF-8 in a file and give it with --file.",
            )
    return text


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", hint="Check the spelling of --file.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{path} cannot be read: {reason}.", hint="Name a text file that you may read."
        ) from None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is no UTF-8 text: byte 0x{data[error.start]:02x} at offset {error.start:,}.",
            hint="Convert it first, for example with: iconv -f latin1 -t utf-8 OLD > NEW",
        ) from None
