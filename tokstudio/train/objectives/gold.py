"""Hybrid of both ideas (after GOLD): shared tokens are compared as themselves, the others sorted.

At every byte where both tokenizers cut: tokens that both vocabularies have, and one class for the rest, by the
Jensen-Shannon divergence; the probabilities of the tokens that only one side has, sorted, by their absolute
difference. The weight of the first part is the probability that the teacher gives to shared tokens, unless it is set.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.align.overlap import overlap
from tokstudio.train.chunks import edges
from tokstudio.train.distances import log_distance
from tokstudio.train.objectives.base import AnyScores, Objective, objective

if TYPE_CHECKING:
    import torch

SMALLEST = 1e-30


@dataclass(frozen=True, eq=False)
class Parts:
    shared: "torch.Tensor"  # [n, s + 1] log-probabilities of shared tokens and of the rest
    others: "torch.Tensor"  # [n, k] probabilities of the others, largest first


@objective("gold", title="Shared tokens and sorted rest (GOLD)", needs_teacher=True, needs=("distributions",))
class Gold(Objective):
    def __init__(self, pair, config):
        import torch

        match = overlap(pair.source, pair.target).match
        mine = np.unique(match, return_index=True)[
            1
        ]  # of several target tokens for one source token, the first
        mine = np.sort(mine[match[mine] >= 0])
        theirs = match[mine].astype(np.int64)
        rest = [np.setdiff1d(np.arange(len(t)), i) for t, i in ((pair.source, theirs), (pair.target, mine))]
        self.sides = [
            tuple(torch.from_numpy(np.asarray(a, np.int64)).to(pair.device) for a in side)
            for side in ((theirs, rest[0]), (mine, rest[1]))
        ]
        self.sizes = len(pair.source), len(pair.target)
        self.width = max(len(r) for r in rest)
        self.weight = config.kd.matched_weight

    def parts(self, logits: "torch.Tensor", side: int) -> Parts:
        import torch

        shared, others = self.sides[side]
        p = torch.softmax(logits[:, : self.sizes[side]], -1)
        rest = p[:, others]
        classes = torch.cat([p[:, shared], rest.sum(-1, keepdim=True)], -1)
        others = torch.nn.functional.pad(
            rest.sort(-1, descending=True).values, (0, self.width - rest.shape[-1])
        )
        return Parts((classes + SMALLEST).log(), others)

    def prepare(self, student, teacher, scores: AnyScores):
        import torch

        theirs, mine = (torch.from_numpy(a).to(teacher.input_ids.device) for a in edges(teacher, student))
        return mine, scores.reading(theirs)

    def count(self, student, prepared) -> float:
        return float(len(prepared[0]))

    def loss_sum(self, scores: AnyScores, student, prepared) -> "torch.Tensor":
        from tokstudio.train.readings import total

        at, theirs = prepared

        def term(part: slice, logits: "torch.Tensor") -> "torch.Tensor":
            wanted, mine = self.parts(theirs.logits(part), 0), self.parts(logits, 1)
            weight = 1 - wanted.shared[:, -1].exp() if self.weight < 0 else self.weight
            matched = log_distance(wanted.shared, mine.shared, "js")
            rest = (wanted.others - mine.others).abs().sum(-1)
            return (weight * matched + (1 - weight) * rest).sum()

        return total(term, scores.reading(at))
