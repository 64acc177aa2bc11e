"""Give a model another vocabulary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer, special_id
from tokstudio.transfer.audit import audit
from tokstudio.transfer.base import (
    COPIED,
    METHODS,
    ORIGINS,
    Donor,
    Options,
    TransferProblem,
    assemble,
    check_matrix,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tokstudio.transfer.plan import Plan


@dataclass(frozen=True, eq=False)
class Surgery:
    """What was done: where each target row comes from, and whether one matrix serves both ends."""

    origin: np.ndarray  # uint8 [v_target], indices of ORIGINS
    tied: bool
    remarks: tuple[str, ...] = ()  # what the audit found, in sentences

    def counts(self) -> dict[str, int]:
        """How many rows were copied, composed and sampled."""
        return {name: int((self.origin == i).sum()) for i, name in enumerate(ORIGINS)}


def is_tied(model: "PreTrainedModel") -> bool:
    output = model.get_output_embeddings()
    return output is not None and output.weight is model.get_input_embeddings().weight


def replace_vocabulary(
    model: "PreTrainedModel",
    source: Tokenizer,
    target: Tokenizer,
    *,
    method: str,
    seed: int,
    texts: Sequence[str] = (),
    donor: Donor | None = None,
    options: Options | None = None,
    audited: bool = False,
) -> Surgery:
    """Replace the input and output embeddings of `model` in place by rows for `target`.

    Afterwards: embedding rows = config.vocab_size = len(target). Raises TransferError where the model has no rows
    for some ids of `source`, and where the method lacks what it learns from. `audited`: untrained source rows are
    not copied.
    """
    check_rows(model, source)
    tied = is_tied(model)
    rule = METHODS[method].solve
    values = numpy_of(model.get_input_embeddings().weight)
    problem = TransferProblem.of(source, target, values, seed=seed, texts=texts, donor=donor, options=options)
    remarks: tuple[str, ...] = ()
    if audited:
        found = audit(problem)
        problem, remarks = problem.without(found.untrained), found.warnings
    values, origin = assemble(problem, rule(problem))
    output = None
    head = model.get_output_embeddings()
    if head is not None and not tied:
        check_matrix(source, matrix := numpy_of(head.weight))
        output, _ = assemble(problem, rule(problem.with_matrix(matrix)))
    install_rows(model, target, values, output)
    return Surgery(origin, tied, remarks)


def keep_vocabulary(model: "PreTrainedModel", tokenizer: Tokenizer) -> Surgery:
    """The same tokenizer before and after: every row stays what it is, and rows beyond the tokenizer, which pad some
    models' matrices, are left out. Raises TransferError where the model has too few rows."""
    check_rows(model, tokenizer)
    if len(model.get_input_embeddings().weight) != len(tokenizer):
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return Surgery(np.full(len(tokenizer), COPIED, np.uint8), is_tied(model))


def donor_of(model: "PreTrainedModel", tokenizer: Tokenizer) -> Donor:
    head = model.get_output_embeddings()
    output = None if head is None or is_tied(model) else numpy_of(head.weight)
    return Donor(tokenizer, numpy_of(model.get_input_embeddings().weight), output)


def check_rows(model: "PreTrainedModel", source: Tokenizer) -> None:
    """Raises TransferError where the model has no rows for some ids of `source`."""
    rows = len(model.get_input_embeddings().weight)
    if len(source) > rows:
        raise TransferError(
            f"{source.name} has {len(source):,} ids, but the model has only {rows:,} rows.",
            hint="Choose the tokenizer that the model was trained with.",
        )


def apply_plan(model: "PreTrainedModel", source: Tokenizer, target: Tokenizer, plan: "Plan") -> Surgery:
    """Replace the embeddings of `model` in place by what `plan` makes of them: weak to strong.

    Tied embeddings stay tied where the plan is one for both ends, else they part.
    Raises TransferError where the plan is of other tokenizers.
    """
    plan.check(source, target)
    check_rows(model, source)
    tied = is_tied(model) and plan.output is None
    matrix = numpy_of(model.get_input_embeddings().weight)
    check_matrix(source, matrix)
    output, head = None, model.get_output_embeddings()
    if head is not None and not tied:
        check_matrix(source, head_matrix := numpy_of(head.weight))
        output = plan.apply(head_matrix, "output")
    if is_tied(model) and not tied:
        untie(model)
    install_rows(model, target, plan.apply(matrix, "input"), output)
    return Surgery(plan.origin(), tied)


def untie(model: "PreTrainedModel") -> None:
    """Give the head rows of its own, equal to the input's."""
    import torch

    head = model.get_output_embeddings()
    model.config.tie_word_embeddings = False
    head.weight = torch.nn.Parameter(head.weight.detach().clone())


def install_rows(
    model: "PreTrainedModel", target: Tokenizer, values: np.ndarray, output: np.ndarray | None
) -> None:
    """Give `model` these rows and the special ids of `target`. `output` None: tied, or there is no head."""
    _install(model, values, output, is_tied(model))
    _set_special_ids(model, target)


def numpy_of(weight) -> np.ndarray:
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
