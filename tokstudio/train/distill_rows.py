"""Token distillation (Dobler, Elliott and de Melo 2025, arXiv 2505.20133): input rows that lead to the old states.

The source model reads a text in its tokens, the student in the new ones. Where tokens of both end at the same byte,
the student's last hidden state shall be the source's. Only input rows that are not copies move. Differences that
matter: all new rows are fitted together on windows of the domain's text, not one by one on snippets about each; a
tied head moves with its rows.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer
from tokstudio.train.corpus import Document
from tokstudio.train.data import TokenBatch, WindowOrder, token_batch
from tokstudio.train.objectives.alm import chunk
from tokstudio.train.student_config import RowFitConfig
from tokstudio.transfer.base import COPIED, SOLVED
from tokstudio.transfer.surgery import Surgery, numpy_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

MEASURED = 4  # batches, before the fit and after it


def frozen_copy(model: "PreTrainedModel") -> "PreTrainedModel":
    """`model` with embeddings of its own and the same body, not copied: one that still reads the source's tokens once
    `model` has other rows, as long as the body does not move."""
    ends = [m for m in (model.get_input_embeddings(), model.get_output_embeddings()) if m is not None]
    own = {id(p) for end in ends for p in end.parameters()}
    return copy.deepcopy(model, {id(p): p for p in model.parameters() if id(p) not in own}).eval()


def fit_new_rows(
    teacher: "PreTrainedModel",
    student: "PreTrainedModel",
    source: Tokenizer,
    target: Tokenizer,
    surgery: Surgery,
    texts: Sequence[str],
    settings: RowFitConfig,
    *,
    seed: int = 0,
) -> Surgery:
    """Fit the input rows of `student` that are no copies. Returns `surgery` with those that moved as what they are now:
    solved, and no mixtures. Its `fit`: the mean squared error before and after, on the same windows in an order of
    their own, the steps, the rows, and how many of them the texts never reached, so that they are as they began.

    Raises TransferError where there is no text to learn from, and where the fit runs away.
    """
    new = np.flatnonzero(surgery.origin != COPIED)
    if not len(new) or not settings.steps:
        return surgery
    before = numpy_of(student.get_input_embeddings().weight)[new].copy()
    first = distance(teacher, student, source, target, texts, settings, seed=seed + 1)
    for _ in distill_rows(teacher, student, source, target, new, texts, settings, seed=seed):
        pass
    after = numpy_of(student.get_input_embeddings().weight)[new]
    if not np.isfinite(after).all():
        raise TransferError(
            "Token distillation ran away: rows are not finite any more.",
            hint="Lower row_fit.learning_rate, or choose mean-pieces.",
        )
    still = (before == after).all(1)  # as they began, and what they began as
    origin, moved = surgery.origin.copy(), new[~still]
    origin[moved] = SOLVED
    lengths = dict(surgery.lengths)
    if "input" in lengths:
        lengths["input"] = replace(lengths["input"], after=float(np.linalg.norm(after, axis=1).mean()))
    told = {
        "first": first,
        "last": distance(teacher, student, source, target, texts, settings, seed=seed + 1),
        "steps": settings.steps,
        "rows": len(new),
        "unreached": int(still.sum()),
    }
    mix = surgery.mix and surgery.mix.without(moved)
    return replace(surgery, origin=origin, mix=mix, lengths=lengths, fit=told)


def distill_rows(
    teacher: "PreTrainedModel",
    student: "PreTrainedModel",
    source: Tokenizer,
    target: Tokenizer,
    fitted: np.ndarray,
    texts: Sequence[str],
    settings: RowFitConfig,
    *,
    seed: int = 0,
) -> Iterator[float]:
    """Fit the input rows `fitted` (ids) of `student` in place. Yields the mean squared error of each step.

    Raises TransferError where there is no text to learn from.
    """
    import torch

    order = _order(texts, settings, seed)
    rows = student.get_input_embeddings().weight
    kept = torch.ones(len(rows), 1, dtype=torch.bool, device=rows.device)
    kept[torch.from_numpy(fitted)] = False
    before = rows.detach().clone()
    training, trained = student.training, [p for p in student.parameters() if p.requires_grad]
    student.eval().requires_grad_(False)
    rows.requires_grad_(True)
    optimizer = torch.optim.AdamW([rows], lr=settings.learning_rate, weight_decay=0.0)
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - step / settings.steps)
        error = _error(teacher, student, source, target, order[step])
        error.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            rows.copy_(torch.where(kept, before, rows))
        yield float(error.detach())
    rows.requires_grad_(False)
    for parameter in trained:
        parameter.requires_grad_(True)
    student.train(training)


def distance(
    teacher: "PreTrainedModel",
    student: "PreTrainedModel",
    source: Tokenizer,
    target: Tokenizer,
    texts: Sequence[str],
    settings: RowFitConfig,
    *,
    seed: int = 0,
) -> float:
    """Mean squared difference of the hidden states on a few batches that depend on `seed` alone."""
    import torch

    order = _order(texts, settings, seed)
    training = student.training
    student.eval()
    with torch.no_grad():
        errors = [float(_error(teacher, student, source, target, order[i])) for i in range(MEASURED)]
    student.train(training)
    return sum(errors) / MEASURED


def _order(texts: Sequence[str], settings: RowFitConfig, seed: int) -> WindowOrder:
    if not any(texts):
        raise TransferError(
            "Token distillation learns from texts of the domain.", hint="Name some with --texts."
        )
    documents = [Document(str(i), text) for i, text in enumerate(texts)]
    return WindowOrder(
        documents, window_bytes=settings.window_bytes, batch_size=settings.batch_size, seed=seed
    )


def _error(teacher, student, source: Tokenizer, target: Tokenizer, texts: list[str]) -> "torch.Tensor":
    import torch

    device = next(student.parameters()).device
    limit = student.config.max_position_embeddings
    old, new = (token_batch(t, texts, limit=limit, device=device) for t in (source, target))
    ends = chunk(old, new)
    if not len(ends.text):
        return student.get_input_embeddings().weight.sum() * 0
    with torch.no_grad():
        wanted = _hidden(teacher, old)[torch.from_numpy(ends.teacher_end).to(device)]
    found = _hidden(student, new)[torch.from_numpy(ends.student_end).to(device)]
    return torch.nn.functional.mse_loss(found, wanted)


def _hidden(model, batch: TokenBatch) -> "torch.Tensor":
    """Last hidden states, [b * l, d]."""
    output = model(input_ids=batch.input_ids, use_cache=False, output_hidden_states=True)
    return output.hidden_states[-1].flatten(0, 1)
