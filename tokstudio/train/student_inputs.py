"""What is done around a change of vocabulary: rows of its own for the head, subword context for bytes."""

from typing import TYPE_CHECKING, Any

from tokstudio.train.config import TransferConfig
from tokstudio.train.projector import install
from tokstudio.transfer.expansion import expand, expansion_of
from tokstudio.transfer.surgery import Surgery, is_tied, numpy_of, untie

if TYPE_CHECKING:
    from tokstudio.train.students.base import Operate
    from tokstudio.train.transfer import Pair


def dressed(operate: "Operate", pair: "Pair", config: TransferConfig) -> "Operate":
    """`operate`, and what the settings want before and after it."""

    def apply(model: Any) -> Surgery:
        rows = numpy_of(model.get_input_embeddings().weight).copy() if config.expansion.longest else None
        if config.untie and is_tied(model):
            untie(model)
        surgery = operate(model)
        if rows is not None:
            wanted = config.expansion
            expand(
                model,
                pair.source,
                pair.target,
                rows,
                longest=wanted.longest,
                trained=wanted.train,
                empty_bytes=wanted.empty_bytes,
            )
        return surgery

    return apply


def finish(model: Any, config: TransferConfig) -> None:
    """What comes between the token rows and a student that is otherwise complete."""
    install(model, config.projector)


def train_rows(model: Any, config: TransferConfig) -> None:
    """Let the token rows of both ends learn, in a model that is frozen but for its adapters."""
    model.get_input_embeddings().weight.requires_grad_(True)
    if expansion_of(model) is not None:
        model.get_input_embeddings().subwords.requires_grad_(config.expansion.train)
    if (head := model.get_output_embeddings()) is not None:
        head.weight.requires_grad_(True)
