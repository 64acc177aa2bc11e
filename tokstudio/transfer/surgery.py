"""Give a model another vocabulary."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tokstudio.embed.sparse import SparseRows
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
from tokstudio.transfer.norms import Lengths, Matched
from tokstudio.transfer.provenance import Recorded, special_map, with_specials

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tokstudio.transfer.plan import Plan

NOT_COPIED = "this method copies none"


@dataclass(frozen=True, eq=False)
class Surgery:
    """What was done: where each target row comes from, and whether one matrix serves both ends."""

    origin: np.ndarray  # uint8 [v_target], indices of ORIGINS
    tied: bool
    remarks: tuple[str, ...] = ()  # what the audit found, in sentences
    mix: SparseRows | None = None  # input rows as mixtures of source rows, before their length was changed
    lengths: Mapping[str, Lengths] = field(default_factory=dict)  # by role: of rows that are no copies
    specials: tuple[dict[str, Any], ...] = ()  # each special token of the target, and what it is copied from
    digits: tuple[int, int] | None = None  # most digits in a token, source and target; None: not looked at
    untrained: int = 0  # source rows that were kept out
    fit: Mapping[str, float] = field(default_factory=dict)  # of token distillation: see train/distill_rows.py

    def counts(self) -> dict[str, int]:
        """How many rows were copied, composed and sampled."""
        return {name: int((self.origin == i).sum()) for i, name in enumerate(ORIGINS)}

    def told(self) -> dict[str, Any]:
        """What a report says beside the counts."""
        digits = self.digits and {"source": self.digits[0], "target": self.digits[1]}
        return {
            "norms": {role: asdict(lengths) for role, lengths in self.lengths.items()},
            "special_tokens": list(self.specials),
            "digits_per_token": digits,
            "untrained_source_rows": self.untrained,
            "distillation": dict(self.fit) or None,
            "remarks": list(self.remarks),
        }


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
    norms: tuple[str, str] = ("none", "none"),
    specials: Sequence[str] = (),
) -> Surgery:
    """Replace the input and output embeddings of `model` in place by rows for `target`.

    Afterwards: embedding rows = config.vocab_size = len(target). Raises TransferError where the model has no rows
    for some ids of `source`, and where the method lacks what it learns from. `audited`: no row is made of untrained
    source rows. `norms`: how the length of new rows is matched, input and output (see norms.py). `specials`: special
    tokens that are copied from others than by their names (see provenance.with_specials).
    """
    check_rows(model, source)
    tied = is_tied(model)
    values = numpy_of(model.get_input_embeddings().weight)
    problem = TransferProblem.of(source, target, values, seed=seed, texts=texts, donor=donor, options=options)
    problem = with_specials(problem, specials)
    remarks: list[str] = []
    found = audit(problem) if audited else None
    if found is not None:
        problem, remarks = problem.excluding(found.untrained), list(found.warnings)
    values, origin, mix, lengths = _solved(problem, method, norms[0])
    told = {"input": lengths} if lengths else {}
    output, head_mix = None, mix
    head = model.get_output_embeddings()
    if head is not None and not tied:
        check_matrix(source, matrix := numpy_of(head.weight))
        output, _, head_mix, lengths = _solved(problem.with_matrix(matrix), method, norms[1])
        told |= {"output": lengths} if lengths else {}
    elif norms[1] not in ("none", norms[0]):
        remarks.append(
            "One matrix serves input and output: its rows have the length that was chosen for the input."
        )
    install_rows(model, target, values, output, _bias(model, head_mix))
    return Surgery(
        origin,
        tied,
        tuple(remarks),
        mix,
        told,
        tuple(_as_done(entry, origin) for entry in special_map(problem, specials)),
        found and found.digits,
        0 if found is None else len(found.untrained),
    )


def _as_done(special: dict[str, Any], origin: np.ndarray) -> dict[str, Any]:
    """A special token's counterpart is told only where its row was copied: some methods copy nothing."""
    if special["source_id"] is None or origin[special["id"]] == COPIED:
        return special
    return {**special, "source_id": None, "source": None, "reason": NOT_COPIED}


def _solved(problem: TransferProblem, method: str, norm: str):
    """(values, origin, mixtures, lengths) of one matrix."""
    recorded = Recorded(problem, METHODS[method].solve(problem))
    matched = Matched(problem, recorded, norm)
    values, origin = assemble(problem, matched)
    return values, origin, recorded.mix, matched.lengths


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


def apply_plan(
    model: "PreTrainedModel",
    source: Tokenizer,
    target: Tokenizer,
    plan: "Plan",
    *,
    corrections: Mapping[str, np.ndarray] | None = None,
) -> Surgery:
    """Replace the embeddings of `model` in place by what `plan` makes of them: weak to strong. `corrections`: added
    to the rows of each role, float32 [v_target, d]; where there is one role, to both.

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
        output = plan.apply(head_matrix, "output") + _added(corrections, "output")
    if is_tied(model) and not tied:
        untie(model)
    bias = _bias(model, plan.rows("output"))
    install_rows(model, target, plan.apply(matrix, "input") + _added(corrections, "input"), output, bias)
    return Surgery(plan.origin(), tied, mix=plan.input)


def _added(corrections: Mapping[str, np.ndarray] | None, role: str) -> np.ndarray | float:
    if not corrections:
        return 0.0
    return corrections.get(role, corrections["input"])


def untie(model: "PreTrainedModel") -> None:
    """Give the head rows of its own, equal to the input's."""
    import torch

    head = model.get_output_embeddings()
    model.config.tie_word_embeddings = False
    head.weight = torch.nn.Parameter(head.weight.detach().clone())


def _bias(model: "PreTrainedModel", mix: SparseRows) -> np.ndarray | None:
    """What the head adds to each target token's logit, float32 [v_target]: mixed as its row is, the mean for a row that
    is no mixture. None for a head that adds nothing."""
    found = getattr(model.get_output_embeddings(), "bias", None)
    if found is None:
        return None
    own = numpy_of(found)[: mix.width]
    return np.where(mix.counts > 0, mix.dot(own[:, None])[:, 0], own.mean()).astype(np.float32)


def install_rows(
    model: "PreTrainedModel",
    target: Tokenizer,
    values: np.ndarray,
    output: np.ndarray | None,
    bias: np.ndarray | None = None,
) -> None:
    """Give `model` these rows and the special ids of `target`. `output` None: tied, or there is no head. `bias`: of the
    head, where it has one; None: zeros."""
    _install(model, values, output, is_tied(model), bias)
    _set_special_ids(model, target)


def numpy_of(weight) -> np.ndarray:
    return weight.detach().float().cpu().numpy()


def _install(
    model: "PreTrainedModel",
    values: np.ndarray,
    output: np.ndarray | None,
    tied: bool,
    bias: np.ndarray | None,
) -> None:
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
    own = getattr(model.get_output_embeddings(), "bias", None)
    if own is not None:
        with torch.no_grad():
            own.copy_(torch.zeros_like(own) if bias is None else torch.from_numpy(bias))


def _set_special_ids(model: "PreTrainedModel", target: Tokenizer) -> None:
    for settings in (model.config, getattr(model, "generation_config", None)):
        if settings is not None:
            settings.bos_token_id = special_id(target, "begin")
            settings.eos_token_id = special_id(target, "end")
            settings.pad_token_id = special_id(target, "padding")
