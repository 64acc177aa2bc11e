"""Universal logit distillation (ULD, arXiv 2402.12030): both next-token distributions, sorted, place by place.

    sum over e, i of | sort(p_e)_i - sort(q_e)_i |

Which token has which probability plays no part, so vocabularies need nothing in common. The paper goes by the number
of the token in the text; here e are the bytes where both tokenizers cut, so that both sides predict the same thing.
"""

from typing import TYPE_CHECKING

from tokstudio.train.chunks import edges
from tokstudio.train.objectives.base import AnyScores, Objective, objective

if TYPE_CHECKING:
    import torch


def sorted_probabilities(logits: "torch.Tensor", size: int) -> "torch.Tensor":
    """[n, size], largest first; padded with zeros."""
    import torch

    found = torch.softmax(logits, -1).sort(-1, descending=True).values
    return torch.nn.functional.pad(found, (0, size - found.shape[-1]))


@objective(
    "uld",
    title="Sorted distributions (ULD)",
    needs_teacher=True,
    paper="https://arxiv.org/abs/2402.12030",
    needs=("distributions",),
)
class Uld(Objective):
    def __init__(self, pair, config):
        self.source, self.target = len(pair.source), len(pair.target)
        self.size = max(self.source, self.target)

    def prepare(self, student, teacher, scores: AnyScores):
        import torch

        device = teacher.input_ids.device
        theirs, mine = (torch.from_numpy(a).to(device) for a in edges(teacher, student))
        return mine, scores.reading(theirs)

    def count(self, student, prepared) -> float:
        return float(len(prepared[0]))

    def loss_sum(self, scores: AnyScores, student, prepared) -> "torch.Tensor":
        from tokstudio.train.readings import total

        at, wanted = prepared

        def term(part: slice, mine: "torch.Tensor") -> "torch.Tensor":
            theirs = sorted_probabilities(wanted.logits(part)[:, : self.source], self.size)
            return (sorted_probabilities(mine[:, : self.target], self.size) - theirs).abs().sum()

        return total(term, scores.reading(at))
