"""Give a model another vocabulary."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer, special_id
from tokstudio.transfer.base import METHODS, ORIGINS, TransferProblem, assemble

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, eq=False)
class Surgery:
    """What was done: where each target row comes from, and whether one matrix serves both ends."""

    origin: np.ndarray  # uint8 [v_target], indices of ORIGINS
    tied: bool

    def counts(self) -> dict[str, int]:
        """How many rows were copied, composed and sampled."""
        return {name: int((self.origin == i).sum()) for i, name in enumerate(ORIGINS)}


def is_tied(model: "PreTrainedModel") -> bool:
    output = model.get_output_embeddings()
    return output is not None and output.weight is model.get_input_embeddings().weight


def replace_vocabulary(
    model: "PreTrainedModel", source: Tokenizer, target: Tokenizer, *, method: str, seed: int
) -> Surgery:
    """Replace the input and output embeddings of `model` in place by rows for `target`.

    Afterwards: embedding rows = config.vocab_size = len(target). Raises TransferError where the model has no rows
    for some ids of `source`.
    """
    rows = model.get_input_embeddings().weight
    if len(source) > len(rows):
        raise TransferError(
            f"{source.name} has {len(source):,} ids, but the model has only {len(rows):,} rows.",
            hint="Choose the tokenizer that the model was trained with.",
        )
    tied = is_tied(model)
    problem = TransferProblem.of(source, target, _numpy(rows), seed=seed)
    rule = METHODS[method].rows
    values, origin = assemble(problem, rule(problem))
    output = None
    head = model.get_output_embeddings()
    if head is not None and not tied:
        output, _ = assemble(problem, rule(problem.with_matrix(_numpy(head.weight))))
    _install(model, values, output, tied)
    _set_special_ids(model, target)
    return Surgery(origin, tied)


def _numpy(weight) -> np.ndarray:
    return weight.detach().float().cpu().numpy()


def _install(model: "PreTrainedModel", values: np.ndarray, output: np.ndarray | None, tied: bool) -> None:
    import torch

    model.resize_token_embeddings(
        len(values), mean_resizing=False
    )  # keeps every architecture's own bookkeeping
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(torch.from_numpy(values))
        if output is not None:
            model.get_output_embeddings().weight.copy_(torch.from_numpy(output))
    if tied:
        model.tie_weights()
    bias = getattr(model.get_output_embeddings(), "bias", None)
    if bias is not None:  # a bias learnt for the old ids means nothing for the new ones
        torch.nn.init.zeros_(bias)


def _set_special_ids(model: "PreTrainedModel", target: Tokenizer) -> None:
    for settings in (model.config, getattr(model, "generation_config", None)):
        if settings is not None:
            settings.bos_token_id = special_id(target, "begin")
            settings.eos_token_id = special_id(target, "end")
            settings.pad_token_id = special_id(target, "padding")
