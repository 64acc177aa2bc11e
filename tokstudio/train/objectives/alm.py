"""Approximate likelihood matching between two tokenizers (ALM, arXiv 2503.20083).

Both tokenizations of a text are cut where their byte edges coincide. With T, S the log-probability that teacher
and student give to the same chunk of text, and tau the temperature, the loss of a chunk compares two coin flips:

    a = T / tau - eps,  b = S / tau - eps
    binary_ce = -[e^a b + (1 - e^a) log(1 - e^b)],   binary_kl = binary_ce - entropy(e^a)

Chunks are merged until the teacher finds it at least `threshold` likely that a word ends there, and each side adds
the log-probability of that word end: tokenizers differ in how they score a prefix of a word, not in how they score
words. The gradient of both divergences is the same; binary_kl is zero where the sides agree.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.align.spans import align
from tokstudio.tokens.base import Tokenizer
from tokstudio.train.data import TokenBatch
from tokstudio.train.objectives.base import Scores, objective

if TYPE_CHECKING:
    import torch

EPSILON = 1e-6  # in the scaled domain, so that log(1 - e^x) stays above log(1e-6)
_WORD_STARTS = (b" ", b"\n", b"\t", b"\r")


def log1mexp(x: "torch.Tensor") -> "torch.Tensor":
    """log(1 - e^x) for x < 0, by the branch that keeps its digits; gradients stay finite on both branches.

    Source: M. Maechler, "Accurately Computing log(1 - exp(-|a|))", 2012.
    """
    import torch

    near = x > -0.6931472
    safe_near = torch.where(near, x, -0.5)  # the dead branch gets an input whose gradient is finite
    safe_far = torch.where(near, -1.0, x)
    return torch.where(near, torch.log(-torch.expm1(safe_near)), torch.log1p(-torch.exp(safe_far)))


def binary_cross_entropy(a: "torch.Tensor", b: "torch.Tensor") -> "torch.Tensor":
    """-[e^a b + (1 - e^a) log(1 - e^b)] for log-probabilities a (wanted) and b (predicted), both below 0."""
    p = a.exp()
    return -(p * b + (1 - p) * log1mexp(b))


def divergence(
    teacher: "torch.Tensor", student: "torch.Tensor", *, temperature: float, kind: str
) -> "torch.Tensor":
    """Elementwise, fp32 or better; arguments are log-probabilities of chunks and are clipped at 0."""
    a = teacher.clamp(max=0) / temperature - EPSILON
    b = student.clamp(max=0) / temperature - EPSILON
    cross = binary_cross_entropy(a, b)
    return cross - binary_cross_entropy(a, a) if kind == "binary_kl" else cross


def word_starts(tokenizer: Tokenizer) -> np.ndarray:
    """Ids (int64) of tokens that begin with white space, and of the special tokens: after them a word has ended."""
    ordinary = [
        i
        for i in range(len(tokenizer))
        if (data := tokenizer.token_bytes(i)) and data.startswith(_WORD_STARTS)
    ]
    return np.array(sorted({*ordinary, *tokenizer.special_tokens.values()}), np.int64)


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

    def __len__(self) -> int:
        return len(self.end)


@dataclass(frozen=True, eq=False)
class Chunks:
    """The alignment of a batch before merging; positions are flat indices into [b, l] of each side."""

    text: np.ndarray  # int64 [c] which text
    teacher_end: np.ndarray  # int64 [c]
    student_end: np.ndarray  # int64 [c]
    teacher_token: np.ndarray  # int64 [n] position that predicts each scored teacher token
    teacher_chunk: np.ndarray  # int64 [n]
    student_token: np.ndarray  # int64 [m]
    student_chunk: np.ndarray  # int64 [m]


def chunk(teacher: TokenBatch, student: TokenBatch) -> Chunks:
    """Align every text. A chunk whose first token on either side is not scored (no BOS before it) is left out on
    both sides."""
    parts: list[list[np.ndarray]] = [[] for _ in Chunks.__dataclass_fields__]
    total = 0
    for row, (t, s) in enumerate(zip(teacher.encodings, student.encodings, strict=True)):
        blocks = align(t, s)
        skip = (
            0 if teacher.offset and student.offset else 1
        )  # without a BOS the first block is not fully scored
        count = max(0, len(blocks) - skip)
        sides = []
        for batch, block in ((teacher, blocks.source_block), (student, blocks.target_block)):
            width = batch.input_ids.shape[1]
            position = row * width + np.arange(len(block)) + batch.offset  # where the token stands
            kept = block >= skip
            last = np.searchsorted(block, np.arange(skip, len(blocks)), side="right") - 1
            sides.append(
                (position[last] if count else last[:0], position[kept] - 1, block[kept] - skip + total)
            )
        (t_end, t_token, t_chunk), (s_end, s_token, s_chunk) = sides
        text = np.full(count, row)
        for part, values in zip(parts, (text, t_end, s_end, t_token, t_chunk, s_token, s_chunk), strict=True):
            part.append(values.astype(np.int64))
        total += count
    return Chunks(*(np.concatenate(part) for part in parts))


def merge(text: np.ndarray, boundary: np.ndarray) -> np.ndarray:
    """Group number of each chunk: a group ends at a chunk whose `boundary` is true, and at the end of its text."""
    if not len(text):
        return np.zeros(0, np.int64)
    last = np.append(text[1:] != text[:-1], True)
    ends = boundary | last
    return np.concatenate([[0], np.cumsum(ends)[:-1]]).astype(np.int64)


@objective(
    "alm", title="Chunk likelihoods (ALM)", needs_teacher=True, paper="https://arxiv.org/abs/2503.20083"
)
class Alm:
    def __init__(self, pair, config):
        import torch

        self.settings = config.alm
        self.source_starts = torch.from_numpy(word_starts(pair.source)).to(pair.device)
        self.target_starts = torch.from_numpy(word_starts(pair.target)).to(pair.device)

    def prepare(self, student: TokenBatch, teacher: TokenBatch, scores: Scores) -> Groups:
        import torch

        chunks = chunk(teacher, student)
        device = scores.picked.device
        mass = scores.mass(torch.from_numpy(chunks.teacher_end).to(device), self.source_starts)
        group = merge(chunks.text, (mass.exp() > self.settings.threshold).cpu().numpy())
        count = int(group[-1]) + 1 if len(group) else 0
        last = np.searchsorted(group, np.arange(count), side="right") - 1  # last chunk of each group
        width, scored = teacher.input_ids.shape[1], scores.picked.shape[1]
        at = torch.from_numpy(chunks.teacher_token // width * scored + chunks.teacher_token % width).to(
            device
        )
        where = torch.from_numpy(group[chunks.teacher_chunk]).to(device)
        total = torch.zeros(count, device=device).index_add_(0, where, scores.picked.flatten()[at])
        if self.settings.boundary_mass:
            total = total + mass[torch.from_numpy(last).to(device)]
        segment = np.full(student.input_ids.shape[0] * (student.input_ids.shape[1] - 1), count, np.int64)
        width = student.input_ids.shape[1]
        segment[chunks.student_token // width * (width - 1) + chunks.student_token % width] = group[
            chunks.student_chunk
        ]
        return Groups(
            total, torch.from_numpy(segment).to(device), torch.from_numpy(chunks.student_end[last]).to(device)
        )

    def count(self, student: TokenBatch, prepared: Groups) -> float:
        return float(len(prepared))

    def loss_sum(self, scores: Scores, student: TokenBatch, prepared: Groups) -> "torch.Tensor":
        import torch

        total = torch.zeros(len(prepared) + 1, device=scores.picked.device)
        total = total.index_add(0, prepared.segment, scores.picked.flatten())[
            :-1
        ]  # the last one collects the rest
        if self.settings.boundary_mass:
            total = total + scores.mass(prepared.end, self.target_starts)
        settings = self.settings
        return divergence(
            prepared.teacher, total, temperature=settings.temperature, kind=settings.divergence
        ).sum()
