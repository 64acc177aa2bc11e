"""Whole distributions at some positions, a few rows at a time, for sums over those positions.

An objective that compares distributions says what it sums over rows of logits. Where these come from hidden states
and a head, a chunk's logits are made, the sum and its gradient taken, and the logits forgotten: what is kept are
gradients of the size of the states and of the head. With z the logits of a chunk and d the gradient of its sum,

    d/dhidden = d W,   d/dW = d^T hidden

A sum reaches the loss by one factor, so the gradient can be taken before that factor is known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from tokstudio.train.head import Head, shaped

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_ELEMENTS = {
    "cpu": 1 << 20,
    "cuda": 1 << 25,
}  # logits of a chunk; an objective makes several values of each
CHUNK_ROWS = 32  # at least: every chunk reads the whole matrix
WHOLE_ELEMENTS = (
    1 << 24
)  # logits up to which they are made at once: fewer products, and no memory to speak of


@dataclass(frozen=True, eq=False)
class Reading:
    """Rows of states and the head that reads them."""

    hidden: "Tensor"  # [n, d]
    head: Head
    dtype: "torch.dtype"  # of the products

    def __len__(self) -> int:
        return len(self.hidden)

    def logits(self, part: slice) -> "Tensor":
        """[r, v] in fp32"""
        return self.head.logits(self.hidden[part].to(self.dtype))


@dataclass(frozen=True, eq=False)
class Given:
    """Rows of logits that are there anyway."""

    rows: "Tensor"  # [n, v]

    def __len__(self) -> int:
        return len(self.rows)

    def logits(self, part: slice) -> "Tensor":
        return self.rows[part]


AnyReading = Reading | Given


def total(term: Callable[..., "Tensor"], *readings: AnyReading, rows: int = 0) -> "Tensor":
    """Sum of `term(part, *logits)` over slices `part` of the rows, with gradient to states and heads.

    `term` gives a scalar that is a sum over its rows; whatever else it uses gets no gradient. `rows`: at one time.
    """
    if any(isinstance(reading, Given) for reading in readings):
        every = slice(0, len(readings[0]))
        return term(every, *(reading.logits(every) for reading in readings))
    tensors = [t for r in readings for t in (r.hidden, r.head.weight, r.head.bias)]
    return _Total.apply(term, readings, rows or chunk_rows(readings), torch.is_grad_enabled(), *tensors)


def chunks(*readings: AnyReading) -> list[slice]:
    """The rows in parts that `total` would take."""
    rows = chunk_rows(readings)
    return [slice(start, start + rows) for start in range(0, len(readings[0]), rows)]


def chunk_rows(readings: Sequence[AnyReading]) -> int:
    widest = max(r.rows.shape[-1] if isinstance(r, Given) else len(r.head.weight) for r in readings)
    first = readings[0]
    device = first.rows.device if isinstance(first, Given) else first.hidden.device
    return max(CHUNK_ROWS, CHUNK_ELEMENTS.get(device.type, 1 << 22) // widest)


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx, term, readings, rows, grad, *tensors):
        wanted = [grad and need for need in ctx.needs_input_grad[4:]]
        grads = [torch.zeros_like(t) if w else None for t, w in zip(tensors, wanted, strict=True)]
        sides = [_Side(r, grads[3 * i : 3 * i + 3]) for i, r in enumerate(readings)]
        count, device = len(readings[0]), readings[0].hidden.device
        sums = torch.zeros((), device=device, dtype=sides[0].wide)
        with torch.autocast(device.type, enabled=False):
            for start in range(0, count, rows):
                part = slice(start, start + rows)
                logits = [side.logits(part) for side in sides]
                with torch.set_grad_enabled(any(wanted)):
                    value = term(part, *logits)
                sums += value.detach()
                taught = [i for i, z in enumerate(logits) if z.requires_grad]
                if not (taught and value.requires_grad):
                    continue
                found = torch.autograd.grad(value, [logits[i] for i in taught], allow_unused=True)
                for i, d in zip(taught, found, strict=True):
                    if d is not None:
                        sides[i].back(part, d, logits[i].detach())
        ctx.save_for_backward(*grads)
        return sums

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return None, None, None, None, *(None if t is None else t * g for t in ctx.saved_tensors)


class _Side:
    def __init__(self, reading: Reading, grads: list):
        self.reading, self.grads = reading, grads
        self.hidden = reading.hidden.detach()
        self.cast = reading.head.weight.detach().to(reading.dtype)
        self.wide = torch.float64 if reading.dtype == torch.float64 else torch.float32

    def logits(self, part: slice) -> "Tensor":
        z = shaped(self.hidden[part].to(self.cast.dtype) @ self.cast.T, self.reading.head)
        return z.detach().requires_grad_(any(g is not None for g in self.grads))

    def back(self, part: slice, d: "Tensor", z: "Tensor") -> None:
        head, (d_hidden, d_weight, d_bias) = self.reading.head, self.grads
        if head.cap:
            d = d * (1 - (z / head.cap).square())
        if head.scale != 1.0:
            d = d * head.scale
        if d_bias is not None:
            d_bias += d.sum(0)
        d = d.to(self.cast.dtype)
        if d_hidden is not None:
            d_hidden[part] = (d @ self.cast).to(d_hidden.dtype)
        if d_weight is not None:
            h = self.hidden[part].to(self.cast.dtype)
            if d_weight.dtype == d.dtype:
                d_weight.addmm_(d.T, h)
            else:
                d_weight += d.T @ h
