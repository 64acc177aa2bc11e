"""Distributions handed over by the nearest spelling (MinED; FuseLLM, arXiv 2401.10491).

A target token takes the teacher's logit of the source token with the least edit distance. Where one token of each side
covers the same bytes, the distributions that predict them are compared by KL; of any longer chunk only the last
target token is taught, as the one answer.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.train.chunks import chunk
from tokstudio.train.distances import distribution_distance
from tokstudio.train.nearest import nearest_map
from tokstudio.train.objectives.base import AnyScores, Objective, objective

if TYPE_CHECKING:
    import torch

    from tokstudio.train.readings import AnyReading


@dataclass(frozen=True, eq=False)
class Wanted:
    single: "torch.Tensor"  # int64 [n] student positions that predict a chunk of one token on each side
    theirs: "AnyReading"  # [n] the teacher's distributions there
    last: "torch.Tensor"  # int64 [m] positions in [b * (l-1)] that predict the last token of any other chunk


@objective(
    "mined",
    title="Nearest spelling (MinED)",
    needs_teacher=True,
    paper="https://arxiv.org/abs/2401.10491",
    needs=("distributions",),
)
class Mined(Objective):
    def __init__(self, pair, config):
        import torch

        self.settings = config.kd
        found = nearest_map(pair.source, pair.target)
        self.none = torch.from_numpy(found < 0).to(pair.device)
        self.map = torch.from_numpy(np.maximum(found, 0)).to(pair.device)

    def prepare(self, student, teacher, scores: AnyScores) -> Wanted:
        import torch

        device = teacher.input_ids.device
        chunks = chunk(teacher, student)
        count = len(chunks.text)
        tokens = [np.bincount(c, minlength=count) for c in (chunks.teacher_chunk, chunks.student_chunk)]
        one = (tokens[0] == 1) & (tokens[1] == 1)
        theirs, mine = chunks.teacher_end[one] - 1, chunks.student_end[one] - 1
        width = student.input_ids.shape[1]
        rest = chunks.student_end[~one] - 1
        return Wanted(
            torch.from_numpy(mine).to(device),
            scores.reading(torch.from_numpy(theirs).to(device)),
            torch.from_numpy(rest // width * (width - 1) + rest % width).to(device),
        )

    def count(self, student, prepared: Wanted) -> float:
        return float(len(prepared.single) + len(prepared.last))

    def loss_sum(self, scores: AnyScores, student, prepared: Wanted) -> "torch.Tensor":
        from tokstudio.train.readings import total

        settings = self.settings

        def term(part: slice, mine: "torch.Tensor") -> "torch.Tensor":
            """The teacher's logits by the nearest token."""
            wanted = prepared.theirs.logits(part)[:, self.map].masked_fill(self.none, -1e4)
            return distribution_distance(
                wanted,
                mine[:, : len(self.map)],
                direction=settings.direction,
                temperature=settings.temperature,
            ).sum()

        return total(term, scores.reading(prepared.single)) - scores.picked.flatten()[prepared.last].sum()
