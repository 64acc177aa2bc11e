"""What a GGUF file says about its tokenizer, read without the weights behind it.

The file begins with "GGUF", a version, the number of tensors and the number of settings; then come the settings,
each a name, a kind and a value. Every size is held against what is left of the file before anything is read, so
that a file that lies costs nothing.
"""

import struct
from pathlib import Path
from typing import IO, Any

import numpy as np

from tokstudio.errors import TokenizerError

FETCH = "Fetch or copy it again, or choose another file."
NUMBERS = {
    **{0: "<u1", 1: "<i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4"},
    **{6: "<f4", 7: "|b1", 10: "<u8", 11: "<i8", 12: "<f8"},
}
STRING, ARRAY = 8, 9
MOST_SETTINGS = 100_000
MOST_ENTRIES = 4_000_000
LARGEST = 512 << 20  # bytes of all settings together


class Broken(Exception):
    """The file does not hold what its sizes promise."""


def read_settings(path: Path) -> dict[str, Any]:
    """Names to values; strings as bytes where they are no UTF-8, arrays of numbers as NumPy arrays.

    Raises TokenizerError where the file is cut off or no GGUF of version 2 or 3.
    """
    try:
        with path.open("rb") as file:
            return _settings(_Reader(file, path.stat().st_size))
    except (Broken, OSError, struct.error) as error:
        raise TokenizerError(
            f"{path.name} is damaged, so it cannot be read as a GGUF file: {error}.", hint=FETCH
        ) from None


def read_entries(path: Path, most: int) -> tuple[dict[str, Any], list[tuple[str, list[int], int, int]], int]:
    """Settings; (name, dimensions, kind, place) of each tensor, at most `most`; and where the header ends.

    Raises Broken, OSError or struct.error for a file that does not hold what it promises.
    """
    with path.open("rb") as file:
        reader = _Reader(file, path.stat().st_size)
        settings = _settings(reader)
        if reader.tensors > most:
            raise Broken(f"it promises {reader.tensors:,} tensors")
        entries = [_entry(reader) for _ in range(reader.tensors)]
        return settings, entries, file.tell()


def _entry(reader: "_Reader") -> tuple[str, list[int], int, int]:
    name = reader.string()
    count = reader.number("<u4")
    if not isinstance(name, str) or count > 8:
        raise Broken("it names a tensor that cannot be")
    dimensions = [reader.number("<u8") for _ in range(count)]
    return name, dimensions, reader.number("<u4"), reader.number("<u8")


def _settings(reader: "_Reader") -> dict[str, Any]:
    if reader.take(4) != b"GGUF":
        raise Broken("it does not begin as one")
    version = reader.number("<u4")
    if version not in (2, 3):
        raise Broken(f"its version is {version}, and 2 and 3 are known")
    reader.tensors = reader.number("<u8")
    count = reader.number("<u8")
    if count > MOST_SETTINGS:
        raise Broken(f"it promises {count:,} settings")
    found: dict[str, Any] = {}
    for _ in range(count):
        name = reader.string()
        if not isinstance(name, str):
            raise Broken("the name of a setting is no text")
        found[name] = reader.value(reader.number("<u4"))
    return found


class _Reader:
    def __init__(self, file: IO[bytes], size: int):
        self._file = file
        self._left = min(size, LARGEST)
        self.tensors = 0  # how many the file promises

    def take(self, size: int) -> bytes:
        if size > self._left:
            raise Broken("it ends in the middle of its settings")
        self._left -= size
        data = self._file.read(size)
        if len(data) != size:
            raise Broken("it ends in the middle of its settings")
        return data

    def number(self, kind: str) -> int:
        return int(np.frombuffer(self.take(np.dtype(kind).itemsize), kind)[0])

    def string(self) -> str | bytes:
        data = self.take(self.number("<u8"))
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            return self._array()
        if kind not in NUMBERS:
            raise Broken(f"it has a setting of the unknown kind {kind}")
        return np.frombuffer(self.take(np.dtype(NUMBERS[kind]).itemsize), NUMBERS[kind])[0].item()

    def _array(self) -> list | np.ndarray:
        kind, count = self.number("<u4"), self.number("<u8")
        if count > MOST_ENTRIES:
            raise Broken(f"it promises a list of {count:,} entries")
        if kind in NUMBERS:
            dtype = np.dtype(NUMBERS[kind])
            return np.frombuffer(self.take(count * dtype.itemsize), dtype)
        if kind != STRING:  # lists of lists: none that a tokenizer needs, and no bottom to them
            raise Broken(f"it has a list of the unknown kind {kind}")
        if 8 * count > self._left:
            raise Broken("it ends in the middle of its settings")
        return [self.string() for _ in range(count)]
