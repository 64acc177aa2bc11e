"""Approximate likelihood matching between two tokenizers (ALM, arXiv 2503.20083).

Both tokenizations of a text are cut where their byte edges coincide. With T, S the log-probability that teacher
and student give to the same chunk of text, the loss of a chunk is a divergence of two coin flips (`divergences.py`).

Chunks are merged until the teacher finds it at least `threshold` likely that a word ends there, and each side adds
the log-probability of that word end: tokenizers differ in how they score a prefix of a word, not in how they score
words. Or they are merged at white space, until the last tokens' biases are small (`pair_bias.py`), or not at all.
"""

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.train.chunks import Chunks, chunk, merge, word_starts
from tokstudio.train.data import TokenBatch, held_out_windows
from tokstudio.train.divergences import EPSILON, binary_cross_entropy, divergence, log1mexp
from tokstudio.train.objectives.base import AnyScores, Objective, objective
from tokstudio.train.pair_bias import TEXT_BYTES, PairBias
from tokstudio.train.sources import load_data

if TYPE_CHECKING:
    import torch

__all__ = [
    "EPSILON",
    "Alm",
    "Chunks",
    "Groups",
    "binary_cross_entropy",
    "chunk",
    "divergence",
    "log1mexp",
    "merge",
    "word_starts",
]


@dataclass(frozen=True, eq=False)
class Groups:
    """Merged chunks of a batch, numbered through all its texts.

    Every group has at least one scored token on each side, and no token belongs to two.
    """

    teacher: "torch.Tensor"  # float32 [g] log-probability, boundary included
    segment: (
        "torch.Tensor"  # int64 [b * (l-1)] group of the student token predicted there; g where there is none
    )
    end: "torch.Tensor"  # int64 [g] flat position in [b * l] of the group's last student token
    tokens: "torch.Tensor"  # float32 [g] scored teacher tokens in it

    def __len__(self) -> int:
        return len(self.end)


@objective(
    "alm",
    title="Chunk likelihoods (ALM)",
    needs_teacher=True,
    paper="https://arxiv.org/abs/2503.20083",
    cached=True,
)
class Alm(Objective):
    def __init__(self, pair, config):
        import torch

        self.settings = config.alm
        starts = word_starts(pair.source), word_starts(pair.target)
        self.source_starts, self.target_starts = (torch.from_numpy(s).to(pair.device) for s in starts)
        self.starts = starts
        self.specials = tuple(
            np.array(sorted(side.special_tokens.values()), np.int64) for side in (pair.source, pair.target)
        )
        self.bias = None
        if self.settings.chunks == "pairs":
            with contextlib.closing(load_data(config.data, config.model)) as corpus:
                texts = held_out_windows(corpus.train, window_bytes=4000, total_bytes=TEXT_BYTES)
            self.bias = PairBias.of(pair.source, pair.target, texts)

    def prepare(self, student: TokenBatch, teacher: TokenBatch, scores: AnyScores) -> Groups:
        import torch

        chunks = chunk(teacher, student)
        device = teacher.input_ids.device
        mass = scores.mass(torch.from_numpy(chunks.teacher_end).to(device), self.source_starts)
        picked = scores.picked
        group = merge(chunks.text, self._boundary(chunks, student, teacher, mass) | chunks.gap)
        count = int(group[-1]) + 1 if len(group) else 0
        last = np.searchsorted(group, np.arange(count), side="right") - 1  # last chunk of each group
        width, scored = teacher.input_ids.shape[1], picked.shape[1]
        at = torch.from_numpy(chunks.teacher_token // width * scored + chunks.teacher_token % width).to(
            device
        )
        where = torch.from_numpy(group[chunks.teacher_chunk]).to(device)
        total = torch.zeros(count, device=device).index_add_(0, where, picked.flatten()[at])
        tokens = torch.zeros(count, device=device).index_add_(
            0, where, torch.ones_like(where, dtype=torch.float32)
        )
        if self.settings.boundary_mass:
            total = total + mass[torch.from_numpy(last).to(device)]
        segment = np.full(student.input_ids.shape[0] * (student.input_ids.shape[1] - 1), count, np.int64)
        width = student.input_ids.shape[1]
        segment[chunks.student_token // width * (width - 1) + chunks.student_token % width] = group[
            chunks.student_chunk
        ]
        return Groups(
            total,
            torch.from_numpy(segment).to(device),
            torch.from_numpy(chunks.student_end[last]).to(device),
            tokens,
        )

    def _boundary(
        self, chunks: Chunks, student: TokenBatch, teacher: TokenBatch, mass: "torch.Tensor"
    ) -> np.ndarray:
        """bool [c]: may a group end with this chunk?"""
        if self.settings.chunks == "unconstrained":
            return np.ones(len(chunks.text), bool)
        if self.settings.chunks == "merge":
            return (mass.exp() > self.settings.threshold).cpu().numpy()
        if self.bias is not None:
            ids = (
                batch.input_ids.cpu().numpy().reshape(-1)[ends]
                for batch, ends in ((teacher, chunks.teacher_end), (student, chunks.student_end))
            )
            return self.bias.small(*ids, self.settings.pair_threshold)
        follows, special = [], []
        sides = ((teacher, chunks.teacher_end), (student, chunks.student_end))
        for (batch, ends), starts, specials in zip(sides, self.starts, self.specials, strict=True):
            ids = np.append(batch.input_ids.cpu().numpy().reshape(-1), -1)
            follows.append(np.isin(ids[ends + 1], starts))
            special.append(np.isin(ids[ends], specials))
        return np.logical_and(*follows) | np.logical_or(*special)

    def expect(self, scores: AnyScores, student: TokenBatch, prepared: Groups) -> None:
        if self.settings.boundary_mass:
            scores.expect(prepared.end, self.target_starts)

    def count(self, student: TokenBatch, prepared: Groups) -> float:
        return float(len(prepared) if self.settings.denominator == "chunk_count" else prepared.tokens.sum())

    def loss_sum(self, scores: AnyScores, student: TokenBatch, prepared: Groups) -> "torch.Tensor":
        import torch

        picked = scores.picked
        total = torch.zeros(len(prepared) + 1, device=picked.device)
        total = total.index_add(0, prepared.segment, picked.flatten())[:-1]  # the last one collects the rest
        if self.settings.boundary_mass:
            total = total + scores.mass(prepared.end, self.target_starts)
        settings = self.settings
        values = divergence(
            prepared.teacher,
            total,
            temperature=settings.temperature,
            kind=settings.divergence,
            renyi_alpha=settings.renyi_alpha,
        )
        if settings.numerator == "token_count":
            values = values * prepared.tokens
        elif settings.numerator == "log1p_token_count":
            values = values * prepared.tokens.log1p()
        return values.sum()
