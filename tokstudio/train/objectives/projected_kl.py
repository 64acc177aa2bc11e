"""The whole next-token distribution, compared where both tokenizers have a token edge.

Teacher and student predict over different vocabularies. Both are folded onto the tokens that the two share: a
shared token counts for itself, any other for the first shared token of its spelling, and what has none counts for
one rest class. With p, q the folded distributions at an edge e, the loss is

    sum over e of KL(p_e || q_e) = sum_e sum_c p_e(c) (log p_e(c) - log q_e(c))

Where the target only adds tokens that the source spells out, folding is exact: the chance that the text goes on with
a first piece is the chance of that piece or of any token that begins with it. For other pairs it is an
approximation, the same on both sides: a model that matches the teacher on every text still has a small loss.
Unlike the chunk likelihoods of `alm`, each edge teaches thousands of numbers and not one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.align.overlap import overlap
from tokstudio.tokens.base import Tokenizer
from tokstudio.train.chunks import edges
from tokstudio.train.data import TokenBatch
from tokstudio.train.objectives.base import AnyScores, Objective, objective
from tokstudio.transfer.base import Pieces

if TYPE_CHECKING:
    import torch

    from tokstudio.train.readings import AnyReading

SMALLEST = 1e-30  # added to a folded probability before its logarithm: a class that underflowed stays finite


@dataclass(frozen=True, eq=False)
class Fold:
    """Class of every token; both vocabularies have the same classes, the last one is the rest."""

    source: np.ndarray  # int64 [v_source]
    target: np.ndarray  # int64 [v_target]
    classes: int


def fold(source: Tokenizer, target: Tokenizer) -> Fold:
    match = overlap(source, target).match
    shared = np.flatnonzero(match >= 0)
    rest = len(shared)
    sides = (
        np.full(len(source), rest, np.int64),
        np.full(len(target), rest, np.int64),
    )
    sides[1][shared] = np.arange(rest)
    sides[0][match[shared]] = np.arange(rest)
    spellings = Pieces(source), Pieces(target)
    for side, tokenizer in enumerate((source, target)):
        for token in np.flatnonzero(sides[side] == rest):
            sides[side][token] = _first_shared(
                tokenizer.token_bytes(int(token)), side, spellings, sides, rest
            )
    return Fold(*sides, rest + 1)


def _first_shared(
    data: bytes | None, side: int, spellings: Sequence[Pieces], sides: Sequence[np.ndarray], rest: int
) -> int:
    """Class of the first shared token in the spelling of `data`: spelled by the other side, and where its first
    piece is not shared either, that piece by this side, and so on; every turn is shorter."""
    while data:
        side = 1 - side
        pieces = spellings[side].of(data)
        if not pieces:
            break
        if (found := sides[side][pieces[0]]) != rest:
            return int(found)
        piece = spellings[side].source.token_bytes(pieces[0])
        if piece is None or len(piece) >= len(data):
            break
        data = piece
    return rest


@dataclass(frozen=True, eq=False)
class Wanted:
    """What the teacher says at the edges of a batch."""

    at: "torch.Tensor"  # int64 [e] flat position in [b, l] of the student token that ends there
    theirs: "AnyReading"  # [e] the teacher's distributions there


@objective(
    "projected_kl",
    title="Projected distributions (KL)",
    label="Projected KL",
    needs_teacher=True,
    needs=("distributions",),
)
class ProjectedKl(Objective):
    def __init__(self, pair, config):
        import torch

        folded = fold(pair.source, pair.target)
        self.classes = folded.classes
        self.source = torch.from_numpy(folded.source).to(pair.device)
        self.target = torch.from_numpy(folded.target).to(pair.device)

    def folded(self, logits: "torch.Tensor", classes: "torch.Tensor") -> "torch.Tensor":
        """Probabilities [e, c] from logits [e, v]. Columns that pad the matrix beyond the tokenizer stand for no
        text and are left out: what remains adds up to 1."""
        probabilities = logits[:, : len(classes)].softmax(-1)
        return probabilities.new_zeros(len(logits), self.classes).index_add(1, classes, probabilities)

    def prepare(self, student: TokenBatch, teacher: TokenBatch, scores: AnyScores) -> Wanted:
        import torch

        device = scores.picked.device
        source_at, at = (torch.from_numpy(a).to(device) for a in edges(teacher, student))
        return Wanted(at, scores.reading(source_at))

    def count(self, student: TokenBatch, prepared: Wanted) -> float:
        return float(len(prepared.at))

    def loss_sum(self, scores: AnyScores, student: TokenBatch, prepared: Wanted) -> "torch.Tensor":
        from tokstudio.train.readings import total

        def term(part: slice, mine: "torch.Tensor") -> "torch.Tensor":
            p = self.folded(prepared.theirs.logits(part), self.source)
            q = self.folded(mine, self.target)
            return (p * ((p + SMALLEST).log() - (q + SMALLEST).log())).sum()

        return total(term, scores.reading(prepared.at))
