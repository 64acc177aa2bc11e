"""What differs between two checkpoints, tensor by tensor. Reads safetensors by memory map; no model is built."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokstudio.embed.read import INPUT, OUTPUT
from tokstudio.errors import ModelError

ROWS = 5


@dataclass(frozen=True, eq=False)
class Change:
    name: str
    shape: tuple[int, ...]
    other_shape: tuple[int, ...]  # of the second checkpoint; () where it has no such tensor
    relative: float  # ||b - a|| / ||a||; NaN where shapes differ
    cosine: float  # of both, flattened
    rows: np.ndarray  # int64 [k] rows of the first that moved most, in that order
    distances: np.ndarray  # float32 [k] how far


def changes(
    before: Path, after: Path, pairs: tuple[np.ndarray, np.ndarray] | None = None
) -> Iterator[Change]:
    """For all tensors of `before`, in the order of their names, then those that only `after` has.

    `pairs`: rows of the tokens that both vocabularies have, where they are two: the same row number is another word
    then. A matrix that only grew or shrank in rows is else compared on the rows that both have.
    """
    from safetensors import safe_open

    with _Shards(before, safe_open) as old, _Shards(after, safe_open) as new:
        for name in sorted(old.where):
            a = old.read(name)
            if name not in new.where:
                yield Change(name, a.shape, (), *_nothing())
                continue
            b = new.read(name)
            if a.shape[1:] != b.shape[1:]:
                yield Change(name, a.shape, b.shape, *_nothing())
                continue
            if pairs is not None and a.ndim == 2 and is_by_token(name):
                there = (pairs[0] < len(a)) & (pairs[1] < len(b))
                left, right = pairs[0][there], pairs[1][there]
                relative, cosine, rows, moved = _compare(a[left], b[right])
                yield Change(name, a.shape, b.shape, relative, cosine, left[rows], moved)
                continue
            rows = min(len(a), len(b)) if a.ndim else 0
            yield Change(name, a.shape, b.shape, *_compare(a[:rows], b[:rows]))
        for name in sorted(set(new.where) - set(old.where)):
            yield Change(name, (), new.read(name).shape, *_nothing())


def is_by_token(name: str) -> bool:
    """Does the tensor hold a row a token, by its name?"""
    return bool(INPUT.search(name) or OUTPUT.search(name))


def _nothing():
    return float("nan"), float("nan"), np.zeros(0, np.int64), np.zeros(0, np.float32)


def _compare(a: np.ndarray, b: np.ndarray):
    flat_a, flat_b = a.reshape(len(a), -1).astype(np.float64), b.reshape(len(b), -1).astype(np.float64)
    moved = np.linalg.norm(flat_b - flat_a, axis=1)
    length, other = np.linalg.norm(flat_a), np.linalg.norm(flat_b)
    cosine = float((flat_a * flat_b).sum() / (length * other)) if length and other else float("nan")
    relative = float(np.linalg.norm(moved) / length) if length else float("nan")
    rows = np.argsort(-moved, kind="stable")[:ROWS]
    return relative, cosine, rows, moved[rows].astype(np.float32)


class _Shards:
    """All tensors of a folder's safetensors files."""

    def __init__(self, folder: Path, opener):
        self.folder, self.opener = folder, opener

    def __enter__(self):
        from safetensors import SafetensorError

        files = sorted(self.folder.glob("*.safetensors")) if self.folder.is_dir() else []
        if not files:
            raise ModelError(f"{self.folder} has no .safetensors file.", hint="Choose a model folder.")
        try:
            self.files = [self.opener(f, framework="pt") for f in files]
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{self.folder} cannot be read: {error}", hint="Check that it is complete."
            ) from error
        self.where = {name: file for file in self.files for name in file.keys()}  # noqa: SIM118  no mapping
        return self

    def read(self, name: str) -> np.ndarray:
        return self.where[name].get_tensor(name).float().numpy()

    def __exit__(self, *_):
        self.where, self.files = {}, []
