"""A matrix in NumPy's own format: the header says type and shape, the values follow as they are."""

import math
from pathlib import Path

import numpy as np

from tokstudio.embed.header import AGAIN, Tensor
from tokstudio.errors import ModelError

CODES = {"<f8": "F64", "<f4": "F32", "<f2": "F16"}


def read_npy(path: Path) -> dict[str, Tensor]:
    """The one array, named after its file. Objects are refused: they are pickles."""
    try:
        with open(path, "rb") as stream:
            version = np.lib.format.read_magic(stream)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, fortran, dtype = read(stream)
            offset, total = stream.tell(), stream.seek(0, 2)
    except (OSError, ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ModelError(f"{path.name} is no intact .npy file: {_first(error)}.", hint=AGAIN) from None
    if dtype.hasobject:
        raise ModelError(
            f"{path.name} holds Python objects, and those can run any program when they are opened.",
            hint="Save the matrix as numbers: numpy.save(path, matrix.astype('float32')).",
        )
    if fortran and len(shape) == 2 and min(shape) > 1:
        raise ModelError(
            f"{path.name} is stored by columns, so no row can be read by itself.",
            hint="Save it by rows: numpy.save(path, numpy.ascontiguousarray(matrix)).",
        )
    size = math.prod(shape) * dtype.itemsize
    if offset + size > total:
        raise ModelError(
            f"{path.name} is cut off: its header promises {size:,} bytes and {max(0, total - offset):,} follow.",
            hint=AGAIN,
        )
    code = CODES.get(dtype.newbyteorder("<").str if dtype.byteorder in "=|" else dtype.str, dtype.str)
    return {path.stem: Tensor(path.stem, code, tuple(shape), path, offset, size)}


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
