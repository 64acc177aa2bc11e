"""Dual-space distillation (DSKD, arXiv 2406.17328): states of each model are carried into the other's space.

Attention lines the two token sequences of a text up. With x, y the last states of student and teacher, e a token's
input row beside that of the token that follows it, N(.) divided by its standard deviation, and Q, V, U learnt maps:

    a = (Q e_x) N(e_y)^T / sqrt(2 d_y)
    to the student:  states  softmax_y(a) (V N(y) + its next row),  read by the student's head (held fixed):
        cross-entropy to the student's next tokens, and KL(those logits, held fixed || the student's)
        where their best token is the right one
    to the teacher:  states  softmax_x(a^T) (U x),  read by the teacher's head:  KL(the teacher's || those logits)

Input rows are held fixed. Each part is a mean over the positions that predict a token; a text attends only to
itself. The paper's code also has other divergences than KL; `kd.direction` chooses here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokstudio.train.data import TokenBatch
from tokstudio.train.distances import distribution_distance
from tokstudio.train.objectives.base import AnyScores, Objective, Widths, objective

if TYPE_CHECKING:
    import torch

    from tokstudio.train.readings import AnyReading


@dataclass(frozen=True, eq=False)
class Side:
    """What one model gives to the other, at all positions but the last."""

    states: "torch.Tensor"  # float32 [b, l-1, d] last hidden states
    rows: "torch.Tensor"  # float32 [b, l-1, 2d] input row of a token beside that of the next
    head: "torch.Tensor"  # [v, d]
    reading: "AnyReading"  # the model's own distributions, of what is counted
    scored: "torch.Tensor"  # bool [b, l-1]
    counted: "torch.Tensor"  # bool [b, l-1] those of them that a loss may count

    @classmethod
    def of(cls, scores: AnyScores, batch: TokenBatch) -> "Side":
        import torch

        # held fixed, as the paper's code has it: maps that know nothing yet would spoil the student's rows
        embedded = scores.latents["embeddings"][0].detach().float()
        rows = torch.cat([embedded[:, :-1], embedded[:, 1:]], -1)
        states = scores.latents["hidden"][0].float()[:, :-1]
        reading = scores.reading(batch.counted_positions())
        return cls(states, rows, scores.latents["head"][0], reading, batch.scored(), batch.counted())


@objective(
    "dskd",
    title="Dual-space distillation (DSKD)",
    needs_teacher=True,
    paper="https://arxiv.org/abs/2406.17328",
    needs=("distributions", "hidden", "embeddings", "head"),
)
class Dskd(Objective):
    def __init__(self, pair, config):
        self.settings = config.kd
        self.maps: torch.nn.ModuleDict | None = None

    def module(self, widths: Widths) -> "torch.nn.Module":
        import torch

        student, teacher = widths.student, widths.teacher
        self.maps = torch.nn.ModuleDict(
            {
                "query": torch.nn.Linear(2 * student, 2 * teacher),
                "to_student": torch.nn.Linear(teacher, student),
                "to_teacher": torch.nn.Linear(student, teacher),
            }
        )
        return self.maps

    def prepare(self, student: TokenBatch, teacher: TokenBatch, scores: AnyScores) -> Side:
        return Side.of(scores, teacher)

    def count(self, student: TokenBatch, prepared: Side) -> float:
        return float(student.counted().sum())

    def loss_sum(self, scores: AnyScores, student: TokenBatch, prepared: Side) -> "torch.Tensor":
        mine, theirs = Side.of(scores, student), prepared
        if not (mine.counted.any() and theirs.counted.any()):
            return scores.picked.sum() * 0
        match = self.maps["query"](mine.rows) @ normal(theirs).transpose(1, 2) / theirs.rows.shape[-1] ** 0.5
        count = float(mine.counted.sum())
        return count * (
            self._to_student(match, mine, theirs, student) + self._to_teacher(match, mine, theirs)
        )

    def _to_student(self, match, mine: Side, theirs: Side, student: TokenBatch) -> "torch.Tensor":
        import torch

        from tokstudio.train.head import Head
        from tokstudio.train.readings import Reading, chunks, total

        width = theirs.states.shape[-1]
        following = theirs.rows[..., width:]
        values = self.maps["to_student"](
            spread(theirs.states, theirs.scored) + spread(following, theirs.scored)
        )
        states = (attend(match, theirs.scored) @ values)[mine.counted]
        answers = student.input_ids[:, 1:][mine.counted]
        told = Reading(states, Head(mine.head.detach().float()), states.dtype)
        with torch.no_grad():
            best = [told.logits(part).argmax(-1) for part in chunks(told)]
            hit = torch.cat(best) == answers
        hits = hit.sum().clamp(min=1)

        def term(part: slice, said: "torch.Tensor", own: "torch.Tensor") -> "torch.Tensor":
            taught = distribution_distance(
                said.detach(),
                own,
                direction=self.settings.direction,
                temperature=self.settings.temperature,
            )
            right = torch.nn.functional.cross_entropy(said, answers[part], reduction="sum")
            return right / len(answers) + torch.where(hit[part], taught, 0.0).sum() / hits

        return total(term, told, mine.reading)

    def _to_teacher(self, match, mine: Side, theirs: Side) -> "torch.Tensor":
        from tokstudio.train.head import Head
        from tokstudio.train.readings import Reading, total

        states = attend(match.transpose(1, 2), mine.scored) @ self.maps["to_teacher"](mine.states)
        states = states[theirs.counted]
        read = Reading(states, Head(theirs.head.detach().float()), states.dtype)

        def term(part: slice, said: "torch.Tensor") -> "torch.Tensor":
            return distribution_distance(
                theirs.reading.logits(part),
                said,
                direction=self.settings.direction,
                temperature=self.settings.temperature,
            ).sum()

        return total(term, read) / max(1, len(read))


def spread(values: "torch.Tensor", scored: "torch.Tensor") -> "torch.Tensor":
    """Divided by the standard deviation over what is scored."""
    return values / values[scored].std().clamp(min=1e-6)


def normal(side: Side) -> "torch.Tensor":
    return spread(side.rows, side.scored)


def attend(match: "torch.Tensor", there: "torch.Tensor") -> "torch.Tensor":
    """Weights [b, q, k] over what is scored there; 0 for a text of which nothing is."""
    import torch

    weights = torch.softmax(match.masked_fill(~there[:, None, :], -1e30), -1)
    return weights * there.any(-1)[:, None, None]
