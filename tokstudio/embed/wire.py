"""Messages between the window and the maths process: one JSON object and the arrays it names, over a pipe.

Frame: magic, 4 bytes little-endian length of the JSON, the JSON, then the bytes of each array in the order of
`arrays: [[name, dtype, shape], …]`. No pickle: what arrives can be data and nothing else.
"""

import json
import math
from typing import BinaryIO

import numpy as np

MAGIC = b"TSM1"


def write(stream: BinaryIO, head: dict, arrays: dict[str, np.ndarray] | None = None) -> None:
    arrays = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    about = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    raw = json.dumps({**head, "arrays": about}).encode()
    stream.write(MAGIC + len(raw).to_bytes(4, "little") + raw)
    for array in arrays.values():
        stream.write(array.reshape(-1).view(np.uint8).data)
    stream.flush()


def read(stream: BinaryIO) -> tuple[dict, dict[str, np.ndarray]] | None:
    """The next message, or None when the other side has gone. Arrays are read-only."""
    start = _exactly(stream, 8)
    if start is None:
        return None
    if start[:4] != MAGIC:
        raise ValueError("the stream is no message stream")
    raw = _exactly(stream, int.from_bytes(start[4:], "little"))
    if raw is None:
        return None
    head, arrays = json.loads(raw), {}
    for name, dtype, shape in head.pop("arrays"):
        data = _exactly(stream, math.prod(shape) * np.dtype(dtype).itemsize)
        if data is None:
            return None
        arrays[name] = np.frombuffer(data, dtype).reshape(shape)
    return head, arrays


def _exactly(stream: BinaryIO, size: int) -> bytes | None:
    """`size` bytes, or None where the stream ends first: a torn message is no message."""
    data = stream.read(size)
    return data if len(data) == size else None
