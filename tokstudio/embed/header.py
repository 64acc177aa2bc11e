"""The header of a safetensors file, read and checked without reading a tensor.

Layout: 8 bytes little-endian length `n`, `n` bytes of JSON, then the tensors. Nothing in it is executed,
but everything in it may lie, so every offset is checked against the file before anything is mapped.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from tokstudio.errors import ModelError

MAX_HEADER = 100_000_000  # bytes; the format's own limit
ITEM_SIZE = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}  # fmt: skip
AGAIN = "Download or export the file again."


@dataclass(frozen=True)
class Tensor:
    """One entry of a header. `offset` counts from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int
    size: int  # bytes


def read_header(path: Path) -> dict[str, Tensor]:
    """Every tensor of one safetensors file, by name. Raises ModelError for a file that does not hold
    together."""
    try:
        with open(path, "rb") as stream:
            total = stream.seek(0, 2)
            stream.seek(0)
            length = int.from_bytes(stream.read(8), "little")
            if total < 8 or length > min(MAX_HEADER, total - 8):
                raise _corrupt(path, "its header is longer than the file")
            raw = stream.read(length)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from None
    entries = _parse(path, raw)
    entries.pop("__metadata__", None)
    tensors = {name: _entry(path, name, entry, 8 + length) for name, entry in entries.items()}
    _check_layout(path, tensors, 8 + length, total)
    return tensors


def _parse(path: Path, raw: bytes) -> dict:
    try:
        entries = json.loads(raw, object_pairs_hook=_unique)
    except (
        ValueError,
        RecursionError,
    ):  # ValueError: no JSON, no UTF-8, a name twice, a number of 5,000 digits
        raise _corrupt(path, "its header is no valid JSON") from None
    if not isinstance(entries, dict):
        raise _corrupt(path, "its header is no list of tensors")
    return entries


def _unique(pairs: list[tuple[str, object]]) -> dict:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _entry(path: Path, name: str, entry: object, start: int) -> Tensor:
    if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str):
        raise _corrupt(path, f"the entry {name!r} has no type")
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _corrupt(path, f"the entry {name!r} has no usable shape or position")
    size = offsets[1] - offsets[0]
    item = ITEM_SIZE.get(entry["dtype"])
    if item is not None and math.prod(shape) * item != size:
        raise _corrupt(path, f"the size of {name!r} does not fit its shape")
    return Tensor(name, entry["dtype"], tuple(shape), path, start + offsets[0], size)


def _counts(values: object) -> bool:
    """Is it a list of whole numbers from 0 up? (`bool` is an `int` in Python, not in JSON.)"""
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _check_layout(path: Path, tensors: dict[str, Tensor], start: int, total: int) -> None:
    """The tensors must lie one after another and fill the file, as the format's own reader demands."""
    end = start
    for tensor in sorted(tensors.values(), key=lambda t: (t.offset, t.size)):
        if tensor.offset < end:
            raise _corrupt(path, f"{tensor.name!r} overlaps another tensor")
        if tensor.offset > end:
            raise _corrupt(path, f"there is a hole before {tensor.name!r}")
        end += tensor.size
    if end > total:
        raise ModelError(
            f"{path.name} is cut off: its header promises {end:,} bytes and the file has {total:,}.",
            hint=AGAIN,
        )
    if end < total:
        raise _corrupt(path, f"{total - end:,} bytes at its end belong to no tensor")


def _corrupt(path: Path, what: str) -> ModelError:
    return ModelError(f"{path.name} is no intact safetensors file: {what}.", hint=AGAIN)
