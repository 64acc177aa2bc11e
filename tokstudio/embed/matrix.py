"""A matrix in a file: rows on demand, never the whole of it as a copy."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tokstudio.embed.header import Tensor
from tokstudio.errors import InputError, ModelError

T = TypeVar("T")
Steps = Generator[float, None, T]  # long work: yields the share done (0-1) and returns its result

BLOCK_VALUES = 1 << 20  # values decoded at once: 4 MB as float32, about 10 ms of work between two steps
STORED = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "F8_E4M3": "u1", "F8_E5M2": "u1"},
    "Q8_0": [("scale", "<f2"), ("values", "i1", 32)],  # GGUF: 32 values share a scale
}
Q8_VALUES = 32
DTYPE_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8 e4m3",
    "F8_E5M2": "float8 e5m2",
    "Q8_0": "8 bits, Q8_0",
}


@dataclass(frozen=True, eq=False)
class EmbeddingMatrix:
    """`stored` [n, d] is the memory map in the file's own type; what leaves through a method is float32
    (float64 where the file has that)."""

    tensor: Tensor
    role: str  # input, output, other
    stored: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.tensor.shape

    def __len__(self) -> int:
        return len(self.stored)

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """The rows `ids`, in that order, as a copy [k, d]. Raises InputError for an id without a row."""
        ids = np.asarray(ids, dtype=np.int64)
        wrong = ids[(ids < 0) | (ids >= len(self))]
        if len(wrong):
            raise InputError(
                f"There is no row {wrong[0]:,}.", hint=f"The matrix has the rows 0 to {len(self) - 1:,}."
            )
        return decode(self.stored[ids], self.tensor.dtype)

    def block(self, start: int, stop: int, columns: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Rows `start` to `stop` [m, d]; a view of the map where the file holds float32 and `columns` is a slice."""
        if self.tensor.dtype == "Q8_0":  # columns come in blocks of 32
            return decode(self.stored[start:stop], "Q8_0")[:, columns]
        return decode(self.stored[start:stop, columns], self.tensor.dtype)

    def blocks(self, rows: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, block) from top to bottom, `rows` at a time, by default as many as make about 4 MB."""
        rows = rows or max(1, BLOCK_VALUES // self.shape[1])
        for start in range(0, len(self), rows):
            yield start, self.block(start, min(start + rows, len(self)))


def map_matrix(tensor: Tensor, role: str = "other") -> EmbeddingMatrix:
    """Raises ModelError for a type that is no floating-point number."""
    if tensor.dtype not in STORED:
        raise ModelError(
            f"{tensor.name} holds {tensor.dtype} values, which cannot be shown.",
            hint="Convert it to float32, float16 or bfloat16 and save it as safetensors.",
        )
    rows, columns = tensor.shape
    shape = (rows, columns // Q8_VALUES) if tensor.dtype == "Q8_0" else tensor.shape
    dtype = np.dtype(STORED[tensor.dtype])
    stored = np.memmap(tensor.file, dtype=dtype, mode="r", offset=tensor.offset, shape=shape)
    return EmbeddingMatrix(tensor, role, stored.view(np.ndarray))


def decode(stored: np.ndarray, dtype: str) -> np.ndarray:
    """Stored values as float32; float64 stays, and float32 is handed through without a copy."""
    if dtype in ("F32", "F64"):
        return stored
    if dtype == "BF16":  # the upper half of a float32
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if dtype == "F8_E5M2":  # the upper half of a float16
        return (stored.astype(np.uint16) << 8).view(np.float16).astype(np.float32)
    if dtype == "F8_E4M3":
        return _E4M3[stored]
    if dtype == "Q8_0":
        values = stored["values"] * stored["scale"].astype(np.float32)[..., None]
        return values.reshape(len(stored), -1)
    return _F16.take(stored.view(np.uint16))


def _e4m3_table() -> np.ndarray:
    """All 256 values of float8 e4m3fn: no infinities, NaN only where all exponent and mantissa bits are
    set."""
    code = np.arange(256)
    exponent, mantissa = (code >> 3) & 15, code & 7
    value = np.where(exponent == 0, mantissa / 8 * 2.0**-6, (1 + mantissa / 8) * 2.0 ** (exponent - 7.0))
    value = np.where(code & 127 == 127, np.nan, value)
    return np.where(code & 128, -value, value).astype(np.float32)


_E4M3 = _e4m3_table()
_F16 = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)  # twice as fast as astype


def finish(steps: Steps[T]) -> T:
    """Run long work to its end, for callers that show no progress."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
