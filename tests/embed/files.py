"""Small safetensors files, written by hand so that a test says every byte of them."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import numpy as np

from tokstudio.embed.known import known_matrices

MINILM = next((known.path for known in known_matrices() if known.name == "all-MiniLM-L6"), None)
T = TypeVar("T")
CODES = {"float64": "F64", "float32": "F32", "float16": "F16", "int32": "I32", "uint8": "U8", "uint16": "U16"}


def write(path: Path, tensors: dict[str, np.ndarray], dtypes: dict[str, str] | None = None) -> Path:
    """`dtypes` names a type that NumPy has not, for example {"w": "BF16"} over uint16 values."""
    header, blob = {}, b""
    for name, values in tensors.items():
        raw = np.ascontiguousarray(values).tobytes()
        dtype = (dtypes or {}).get(name, CODES[str(values.dtype)])
        header[name] = {
            "dtype": dtype,
            "shape": values.shape,
            "data_offsets": [len(blob), len(blob) + len(raw)],
        }
        blob += raw
    return write_raw(path, json.dumps(header).encode(), blob)


def write_raw(path: Path, header: bytes, blob: bytes = b"") -> Path:
    path.write_bytes(len(header).to_bytes(8, "little") + header + blob)
    return path


def model(folder: Path, tensors: dict[str, np.ndarray], **config) -> Path:
    """A model folder with a configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    write(folder / "model.safetensors", tensors)
    return folder


def random(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, (rows, columns)).astype(np.float32)


def watched(steps: Generator[float, None, T]) -> tuple[list[float], T]:
    """What a computation said of its progress, and what it found."""
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as end:
            return shares, end.value
