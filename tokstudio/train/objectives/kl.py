"""The whole next-token distribution where teacher and student have one tokenizer."""

from typing import TYPE_CHECKING

from tokstudio.errors import ConfigError
from tokstudio.train.distances import distribution_distance
from tokstudio.train.objectives.base import AnyScores, Objective, objective

if TYPE_CHECKING:
    import torch

    from tokstudio.train.readings import AnyReading


@objective(
    "kl",
    title="Next-token distributions (KL)",
    label="Next-token KL",
    needs_teacher=True,
    needs=("distributions",),
)
class Kl(Objective):
    def __init__(self, pair, config):
        if pair.source.fingerprint != pair.target.fingerprint:
            raise ConfigError(
                f"kl compares distributions over one vocabulary; {pair.source.name} and {pair.target.name} differ.",
                hint="Choose projected_kl, uld, mined or gold, or a target that is the teacher's own tokenizer.",
            )
        self.size, self.settings = len(pair.target), config.kd

    def prepare(self, student, teacher, scores: AnyScores) -> "AnyReading":
        return scores.reading(teacher.counted_positions())

    def count(self, student, prepared) -> float:
        return float(len(prepared))

    def loss_sum(self, scores: AnyScores, student, prepared) -> "torch.Tensor":
        from tokstudio.train.readings import total

        def term(part: slice, mine: "torch.Tensor") -> "torch.Tensor":
            return distribution_distance(
                prepared.logits(part)[:, : self.size],
                mine[:, : self.size],
                direction=self.settings.direction,
                temperature=self.settings.temperature,
            ).sum()

        return total(term, scores.reading(student.counted_positions()))
