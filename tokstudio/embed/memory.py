"""How much of a matrix fits into memory here, and a decoded copy where it does."""

import numpy as np
import psutil

from tokstudio.embed.header import Tensor
from tokstudio.embed.matrix import BLOCK_VALUES, EmbeddingMatrix, Steps
from tokstudio.errors import ModelError

SHARE = 0.25  # of the free memory may go into a decoded copy
MOST = 2 << 30  # bytes of one copy


def free_memory() -> int:
    return psutil.virtual_memory().available


def in_memory(matrix: EmbeddingMatrix) -> Steps[EmbeddingMatrix]:
    """Float32 rows in memory; `matrix` itself where it is float32
    already (the system keeps what was read), or where a copy would be too large."""
    n, d = matrix.shape
    size = 4 * n * d
    if matrix.tensor.dtype in ("F32", "F64") or size > min(MOST, SHARE * free_memory()):
        return matrix
    values = np.empty((n, d), np.float32)
    step = max(1, BLOCK_VALUES // d)
    for start in range(0, n, step):
        values[start : start + step] = matrix.block(start, min(start + step, n))
        yield start / n
    tensor = Tensor(matrix.tensor.name, "F32", (n, d), matrix.tensor.file, 0, size)
    return EmbeddingMatrix(tensor, matrix.role, values)


def need(size: int, what: str) -> None:
    """Raises ModelError, with the figures, where `size` bytes are more than is free."""
    if size > (free := free_memory()):
        raise ModelError(
            f"{what} needs {size / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free.",
            hint="Close other programs, or take fewer rows.",
        )
