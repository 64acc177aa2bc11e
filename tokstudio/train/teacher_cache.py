"""What a teacher says of every token, written once: 8 bytes a token, memory-mapped.

Two fp32 numbers: the log-probability of the token, and the log-probability that a word ends after it. This is all
that `alm` asks of its teacher, which leaves memory afterwards; losses are the same to the bit.

`numbers` holds the tokens of batch after batch, `ends` the number of tokens up to the end of each batch (int64). A
killed writer leaves a cache that goes on at its last whole batch. The folder's name is a fingerprint of everything
the numbers depend on; the number of steps is not part of it, so a longer run only adds to it.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tokstudio.errors import RunError
from tokstudio.models.load import model_folder
from tokstudio.paths import cache_folder
from tokstudio.tokens.base import Tokenizer
from tokstudio.train.chunks import word_starts
from tokstudio.train.data import TokenBatch
from tokstudio.train.scores import AnyScores
from tokstudio.train.teachers import Teacher

if TYPE_CHECKING:
    import torch

BYTES_A_TOKEN = 8
VERSION = 1


def fingerprint(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([VERSION, facts], sort_keys=True).encode()).hexdigest()[:32]


def weights_fingerprint(reference: str) -> str:
    """Hash of a model's weights and config."""
    folder, digest = model_folder(reference), hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), folder / "config.json"]):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class TeacherCache:
    def __init__(self, folder: Path):
        self.folder = folder
        self.numbers, self.ends = folder / "numbers", folder / "ends"
        self._mapped: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def of(cls, facts: Mapping[str, Any], root: Path | None = None) -> "TeacherCache":
        folder = (root or cache_folder() / "teacher") / fingerprint(facts)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "facts.json").write_text(json.dumps(facts, indent=1, sort_keys=True))
        cache = cls(folder)
        cache.numbers.touch()
        cache.ends.touch()
        return cache

    def batches(self) -> int:
        """How many whole batches there are. What a killed writer left behind them is cut off."""
        ends = np.fromfile(self.ends, np.int64, count=self.ends.stat().st_size // 8)
        have = self.numbers.stat().st_size // BYTES_A_TOKEN
        count = int(np.searchsorted(ends, have, side="right"))
        stop = int(ends[count - 1]) if count else 0
        for path, size in ((self.ends, count * 8), (self.numbers, stop * BYTES_A_TOKEN)):
            if path.stat().st_size != size:
                with path.open("r+b") as file:
                    file.truncate(size)
        return count

    def append(self, values: np.ndarray) -> None:
        """One batch: float32 [tokens, 2]. Raises RunError where the disk is full."""
        done = self.numbers.stat().st_size // BYTES_A_TOKEN
        try:
            with self.numbers.open("ab") as file:
                file.write(np.ascontiguousarray(values, np.float32).tobytes())
            with self.ends.open("ab") as file:
                file.write(np.int64(done + len(values)).tobytes())
        except OSError as error:
            raise RunError(
                f"The teacher cache could not be written to {self.folder}: {error.strerror}.",
                hint="Make room there, or set train.teacher_cache=false. What is written so far is kept.",
            ) from None
        self._mapped = None

    def batch(self, index: int) -> np.ndarray:
        """float32 [tokens, 2]"""
        if self._mapped is None:
            empty = not self.numbers.stat().st_size
            numbers = np.zeros(0, np.float32) if empty else np.memmap(self.numbers, np.float32, mode="r")
            numbers = numbers.reshape(-1, 2)
            self._mapped = numbers, np.fromfile(self.ends, np.int64)
        numbers, ends = self._mapped
        return np.array(numbers[(ends[index - 1] if index else 0) : ends[index]])

    def bytes(self) -> int:
        return self.numbers.stat().st_size


class CachedScores:
    """What the cache knows of a batch; asked for anything else, it is a bug of the objective's entry."""

    latents: Mapping[str, Any] = {}

    def __init__(self, values: np.ndarray, batch: TokenBatch, boundary: np.ndarray):
        import torch

        if len(values) != batch.tokens:
            raise RunError(
                "The teacher cache is of other texts than this run's.",
                hint="Remove its folder and start again.",
            )
        self.boundary = boundary
        size, device = batch.input_ids.numel(), batch.input_ids.device
        places = token_positions(batch)
        picked, mass = np.zeros(size, np.float32), np.zeros(size, np.float32)
        scored = batch.scored().cpu().numpy()
        before = places[places > 0] - 1
        picked[before] = values[places > 0, 0]
        mass[places] = values[:, 1]
        picked = np.where(scored, picked.reshape(batch.input_ids.shape)[:, :-1], np.float32(0))
        self.picked = torch.from_numpy(picked).to(device)
        self._mass = torch.from_numpy(mass).to(device)

    def expect(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> None:
        pass

    def mass(self, positions: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
        if not np.array_equal(tokens.cpu().numpy(), self.boundary):
            raise RunError("The teacher cache knows only the probability that a word ends.")
        return self._mass[positions]


def token_positions(batch: TokenBatch) -> np.ndarray:
    """Flat position of every token of every text, int64 [tokens]."""
    parts = [
        batch.base(text) + batch.offset + np.arange(len(encoding))
        for text, encoding in enumerate(batch.encodings)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def said(scores: AnyScores, batch: TokenBatch, boundary: "torch.Tensor") -> np.ndarray:
    """float32 [tokens, 2] for the cache."""
    import torch

    places = token_positions(batch)
    at = torch.from_numpy(places).to(batch.input_ids.device)
    mass = scores.mass(at, boundary)
    width = batch.input_ids.shape[1]
    picked = np.zeros(batch.input_ids.numel(), np.float32)
    picked.reshape(-1, width)[:, 1:] = scores.picked.cpu().numpy()
    return np.stack([picked[places], mass.cpu().numpy()], 1)


class CachedTeacher(Teacher):
    def __init__(self, cache: TeacherCache, tokenizer: Tokenizer, limit: int):
        self.cache, self.tokenizer, self.limit = cache, tokenizer, limit
        self.boundary = word_starts(tokenizer)

    def scores(self, index: int, batch: TokenBatch, needs: frozenset[str], precision: str) -> CachedScores:
        return CachedScores(self.cache.batch(index), batch, self.boundary)
