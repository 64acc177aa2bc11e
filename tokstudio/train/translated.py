"""A source model that speaks the target vocabulary through a translation: the body is frozen and not copied."""

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from tokstudio.train.students import Student, _set_embeddings
from tokstudio.transfer.base import COMPOSED, COPIED, SAMPLED
from tokstudio.transfer.sinkhorn import Solution
from tokstudio.transfer.surgery import Surgery, is_tied
from tokstudio.transfer.translate import Translation, handed_on

if TYPE_CHECKING:
    from torch import Tensor


class Tables:
    """Plan and translated tables of one forward pass. With gradients they are made anew each time the input side
    asks; without, they are kept until the scores or alpha change. While `turn` stays the same, passes with gradients
    share one plan, and each hands its gradient through it."""

    def __init__(
        self,
        layer: Translation,
        inputs: "Tensor",
        outputs: "Tensor",
        head: str,
        bias: "Tensor | None" = None,
    ):
        self.layer, self.inputs, self.outputs, self.head = layer, inputs, outputs, head
        self.source_bias = bias  # [>= v] of the source's head
        self.tied = inputs is outputs and layer.of("output") == "input"
        self._key: Any = None
        self._held: dict[str, Any] = {}
        self.turn: int | None = None  # None: no plan is kept
        self._plans: dict[str, tuple[int, Solution]] = {}

    def input_table(self) -> "Tensor":
        key = None if torch.is_grad_enabled() else self._state()
        if key is None or key != self._key:
            self._key, self._held = key, {}
        return self._get(
            "input table", lambda: self.layer.table(self.solution("input"), self.inputs, "input")
        )

    def output_table(self) -> "Tensor":
        if self.tied:
            return self._get("input table", self.input_table)
        return self._get(
            "output table", lambda: self.layer.table(self.solution("output"), self.outputs, "output")
        )

    def bias(self, like: "Tensor") -> "Tensor | None":
        """Of the translated head, in the precision of `like`."""
        if self.source_bias is None:
            return None
        made = self._get("bias", lambda: self.layer.bias(self.solution("output"), self.source_bias))
        return made.to(like.dtype)

    def solution(self, role: str) -> Solution:
        role = self.layer.of(role)
        return self._get(role, lambda: self._solved(role))

    def _solved(self, role: str) -> Solution:
        if self.turn is None or not torch.is_grad_enabled():
            return self.layer.solve(role)
        turn, plan = self._plans.pop(role, (None, None))
        if plan is None or turn != self.turn:
            del plan  # its memory is free before the next one is made
            plan = self.layer.solve(role)
        self._plans[role] = self.turn, plan
        return replace(plan, values=_Again.apply(self.layer.scores[role], (plan.values,)))

    def _get(self, name: str, make):
        if name not in self._held:
            self._held[name] = make()
        return self._held[name]

    def _state(self):
        versions = tuple(p._version for p in self.layer.parameters())
        return versions, self.layer.alpha, torch.is_inference_mode_enabled(), self.inputs.device


class _Again(torch.autograd.Function):
    """The values of a plan that was solved before; their gradient goes to the scores that it was solved from."""

    @staticmethod
    def forward(ctx, scores, solved: "tuple[Tensor]"):
        ctx.scores, ctx.solved = scores, solved[0]
        return solved[0].detach().clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, wanted):
        return torch.autograd.grad(ctx.solved, ctx.scores, wanted, retain_graph=True)[0], None


class TranslatedEmbedding(torch.nn.Module):
    """In place of the model's input embeddings."""

    def __init__(self, tables: Tables):
        super().__init__()
        self.layer = tables.layer
        self._tables = (tables,)  # in a tuple: no submodule, and not saved

    @property
    def weight(self) -> "Tensor":
        """What is trained in place of rows: the optimizer gives it the rows' rate."""
        return self.layer.scores["input"]

    def forward(self, ids: "Tensor") -> "Tensor":
        return functional.embedding(ids, self._tables[0].input_table())


class TranslatedHead(torch.nn.Module):
    """In place of the model's head."""

    def __init__(self, tables: Tables):
        super().__init__()
        self.layer, self._tables = tables.layer, (tables,)

    @property
    def weight(self) -> "Tensor":
        return self.layer.scores[self.layer.of("output")]

    def forward(self, hidden: "Tensor") -> "Tensor":
        tables = self._tables[0]
        if tables.head == "prob":
            solution = tables.solution("output")
            return handed_on(hidden, tables.outputs, self.layer, solution, tables.source_bias)
        return functional.linear(hidden, tables.output_table().to(hidden.dtype), tables.bias(hidden))


@dataclass(frozen=True, eq=False)
class TranslatedStudent(Student):
    """`teacher` holds the source's two embedding modules: the body is the same one."""

    layer: Translation
    tables: Tables

    @contextlib.contextmanager
    def as_source(self):
        own = self.model.get_input_embeddings(), self.model.get_output_embeddings()
        training = self.model.training
        self.model.eval()
        _set_embeddings(self.model, *self.teacher)
        try:
            yield self.model
        finally:
            _set_embeddings(self.model, *own)
            self.model.train(training)

    def released(self) -> Any:
        """The source model as it was."""
        _set_embeddings(self.model, *self.teacher)
        return self.model.eval()

    def merged(self) -> Any:
        raise NotImplementedError("a translation is folded through its plan")


def translated_student(model: Any, layer: Translation, *, head: str) -> TranslatedStudent:
    """Put `layer` in front of and behind the body of `model`, which is frozen."""
    model.requires_grad_(False)
    source = model.get_input_embeddings(), model.get_output_embeddings()
    inputs = source[0].weight.detach()
    outputs = inputs if source[1] is None or is_tied(model) else source[1].weight.detach()
    layer.to(inputs.device)
    bias = getattr(source[1], "bias", None)
    tables = Tables(layer, inputs, outputs, head, None if bias is None else bias.detach())
    _set_embeddings(model, TranslatedEmbedding(tables), None if source[1] is None else TranslatedHead(tables))
    surgery = Surgery(_origin(layer), layer.of("output") == "input")
    return TranslatedStudent(model.train(), surgery, source, layer, tables)


def _origin(layer: Translation) -> np.ndarray:
    counts = layer.rows().counts
    return np.where(counts == 0, SAMPLED, np.where(counts == 1, COPIED, COMPOSED)).astype(np.uint8)
