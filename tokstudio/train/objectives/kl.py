"""The whole next-token distribution where teacher and student have one tokenizer."""

from typing import TYPE_CHECKING

from tokstudio.errors import ConfigError
from tokstudio.train.distances import distribution_distance
from tokstudio.train.objectives.base import AnyScores, Objective, objective

if TYPE_CHECKING:
    import torch


@objective("kl", title="Next-token distributions (KL)", needs_teacher=True, needs=("logits",))
class Kl(Objective):
    def __init__(self, pair, config):
        if pair.source.fingerprint != pair.target.fingerprint:
            raise ConfigError(
                f"kl compares distributions over one vocabulary; {pair.source.name} and {pair.target.name} differ.",
                hint="Choose projected_kl, uld, mined or gold, or a target that is the teacher's own tokenizer.",
            )
        self.size, self.settings = len(pair.target), config.kd

    def prepare(self, student, teacher, scores: AnyScores) -> "torch.Tensor":
        return scores.logits[:, :-1][teacher.scored()][:, : self.size]

    def count(self, student, prepared) -> float:
        return float(len(prepared))

    def loss_sum(self, scores: AnyScores, student, prepared) -> "torch.Tensor":
        mine = scores.logits[:, :-1][student.scored()][:, : self.size]
        return distribution_distance(
            prepared, mine, direction=self.settings.direction, temperature=self.settings.temperature
        ).sum()
