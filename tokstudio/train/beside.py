"""Weights that objectives train beside the student: they ride along as its submodules, so that the optimizer and the
checkpoints know them, and get off before the export."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tokstudio.train.objectives.base import Objective, Widths
from tokstudio.train.teachers import Teacher

if TYPE_CHECKING:
    import torch


def attach(
    model: Any, objectives: Mapping[str, Objective], teacher: Teacher, device: "torch.device"
) -> tuple[str, ...]:
    """Names of the submodules that were added."""
    names = []
    for name, objective in objectives.items():
        if type(objective).module is Objective.module:
            continue
        with teacher.model() as said:
            widths = Widths(said.config.hidden_size, model.config.hidden_size)
        if (made := objective.module(widths)) is not None:
            names.append(f"beside_{name}")
            model.add_module(names[-1], made.to(device))
    return tuple(names)


def detach(model: Any, names: tuple[str, ...]) -> None:
    from tokstudio.train.projector import fold

    fold(model)
    for name in names:
        if hasattr(model, name):
            delattr(model, name)
