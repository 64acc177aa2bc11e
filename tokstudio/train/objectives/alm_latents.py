"""Hidden states agree where both tokenizers cut (the side loss of ALM, arXiv 2503.20083).

With h, h' the states of teacher and student at the last token of a chunk, of one layer or of every layer,

    mean over channels of (h' - h)^2 / mean(h^2),

the mean of squares over the chunks of a batch, for all channels together (l2) or for each (l2_channelwise). Where
sizes differ, or where it is asked for, the student's states go through a learnt linear map first.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokstudio.errors import ConfigError
from tokstudio.train.chunks import chunk
from tokstudio.train.objectives.base import AnyScores, Objective, Widths, objective

if TYPE_CHECKING:
    import torch

KINDS = {"last_hidden": "hidden", "all_hidden": "all_hidden", "qkv": "qkv"}
SMALLEST = 1e-8


@dataclass(frozen=True, eq=False)
class Wanted:
    at: "torch.Tensor"  # int64 [c] flat student positions
    states: list["torch.Tensor"]  # [c, d] of each layer


@objective(
    "alm_latents",
    title="Hidden states at shared edges",
    needs_teacher=True,
    paper="https://arxiv.org/abs/2503.20083",
    needs=lambda config: frozenset({KINDS[config.latents.what]}),
)
class AlmLatents(Objective):
    def __init__(self, pair, config):
        self.settings = config.latents
        self.kind = KINDS[config.latents.what]
        self.map: torch.nn.Linear | None = None

    def module(self, widths: Widths) -> "torch.nn.Module | None":
        import torch

        if not self.settings.project and widths.teacher != widths.student:
            raise ConfigError(
                f"The teacher's states have {widths.teacher:,} channels, the student's {widths.student:,}.",
                hint="Set latents.project=true to learn a map between them.",
            )
        if self.settings.project and self.kind == "qkv":
            raise ConfigError(
                "Queries, keys and values are compared without a map.", hint="Set latents.project=false."
            )
        if self.settings.project:
            self.map = torch.nn.Linear(widths.student, widths.teacher, bias=False)
            if widths.teacher == widths.student:
                torch.nn.init.eye_(self.map.weight)
        return self.map

    def prepare(self, student, teacher, scores: AnyScores) -> Wanted:
        import torch

        chunks, device = chunk(teacher, student), teacher.input_ids.device
        ends = torch.from_numpy(chunks.teacher_end).to(device)
        states = [layer.flatten(0, 1)[ends].float() for layer in scores.latents[self.kind]]
        return Wanted(torch.from_numpy(chunks.student_end).to(device), states)

    def count(self, student, prepared: Wanted) -> float:
        return float(len(prepared.at))

    def loss_sum(self, scores: AnyScores, student, prepared: Wanted) -> "torch.Tensor":
        import torch

        layers = scores.latents[self.kind]
        if len(layers) != len(prepared.states):
            raise ConfigError(
                f"The teacher has {len(prepared.states)} layers, the student {len(layers)}.",
                hint="Set latents.what=last_hidden.",
            )
        total = torch.zeros((), device=prepared.at.device)
        for layer, wanted in zip(layers, prepared.states, strict=True):
            mine = layer.flatten(0, 1)[prepared.at].float()
            mine = mine if self.map is None else self.map(mine)
            if mine.shape != wanted.shape:
                raise ConfigError(
                    f"The teacher's projections have {wanted.shape[-1]:,} channels, the student's {mine.shape[-1]:,}.",
                    hint="Set latents.what=last_hidden and latents.project=true.",
                )
            size = (
                wanted.square().mean(0) if self.settings.norm == "l2_channelwise" else wanted.square().mean()
            )
            if len(wanted):
                total = total + ((mine - wanted).square() / (size + SMALLEST)).mean(-1).sum()
        return total / max(1, len(layers))
