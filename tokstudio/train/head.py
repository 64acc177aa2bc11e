"""Scores of tokens from hidden states, without the whole matrix of logits.

Of every position three numbers are wanted: z, the logsumexp of its logits; the logit of the token that follows; and
at some positions the logsumexp over a set of tokens. They are made a few rows at a time, forward and backward, so
that memory does not grow with the vocabulary: the logits of a chunk are made again in the backward pass. With p the
softmax, q the softmax over the set, e the following token, and g the gradients that come back,

    d/dlogits = g_z p + g_e e + g_set q,   d/dhidden = d/dlogits W,   d/dW = d/dlogits^T hidden

Products are in the precision of the forward pass (bf16 or fp32), everything after them in fp32.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_ELEMENTS = {
    "cpu": 1 << 20,
    "cuda": 1 << 27,
}  # logits that are there at one time; on a CPU they fit its cache
CHUNK_ROWS = 256  # at least: every chunk reads its part of the matrix
DEEP = 60.0  # nats: e^-60 is far from where fp32 loses digits


@dataclass(frozen=True, eq=False)
class Head:
    """logits = cap * tanh(scale * (hidden W^T + bias) / cap), the cap where there is one."""

    weight: "Tensor"  # [v, d]
    bias: "Tensor | None" = None  # [v]
    scale: float = 1.0
    cap: float = 0.0

    def logits(self, hidden: "Tensor") -> "Tensor":
        """The whole of them, in fp32."""
        return shaped(torch.nn.functional.linear(hidden, self.weight.to(hidden.dtype)), self)

    def chunk(self) -> tuple[int, int]:
        """How many positions, and how many tokens, at one time."""
        elements = CHUNK_ELEMENTS.get(self.weight.device.type, 1 << 24)
        rows = max(CHUNK_ROWS, elements // len(self.weight))
        return rows, max(1, elements // rows)

    def blocks(self, size: int, dtype: "torch.dtype") -> "list[Block]":
        """Runs of `size` tokens."""
        cast = self.weight.detach().to(dtype)
        starts = range(0, len(cast), size)
        return [Block(i, cast[i : i + size], self.part(slice(i, i + size))) for i in starts]

    def part(self, tokens: slice) -> "Head":
        bias = None if self.bias is None else self.bias.detach()[tokens]
        return Head(self.weight.detach()[tokens], bias, self.scale, self.cap)

    def first(self, tokens: int) -> "Head":
        """Without the rows that pad the matrix beyond the tokenizer."""
        return self if tokens >= len(self.weight) else self.part(slice(tokens))


@dataclass(frozen=True, eq=False)
class Block:
    start: int
    cast: "Tensor"  # [w, d] in the precision of the products
    head: Head

    @property
    def tokens(self) -> slice:
        return slice(self.start, self.start + len(self.cast))

    def logits(self, hidden: "Tensor", buffer: "Tensor") -> "Tensor":
        """[r, w] as `Head.logits`, in `buffer` where that is possible."""
        room = buffer[: len(hidden) * len(self.cast)].view(len(hidden), -1)
        if self.cast.dtype == buffer.dtype:
            z = torch.mm(hidden.to(self.cast.dtype), self.cast.T, out=room)
        else:
            z = room.copy_(hidden.to(self.cast.dtype) @ self.cast.T)
        return shaped(z, self.head)

    def holds(self, tokens: "Tensor") -> "tuple[Tensor, Tensor]":
        """(which of `tokens` [r] are in this block, their columns [r, 1]; 0 for the others)"""
        column = tokens - self.start
        here = (column >= 0) & (column < len(self.cast))
        return here, torch.where(here, column, 0)[:, None]


def split(model: Any) -> "tuple[Any, Head] | None":
    """The body of a causal language model and its head, or None where its head is no plain matrix."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    if not hasattr(plain, "get_output_embeddings"):
        return None
    head, body = plain.get_output_embeddings(), plain.base_model
    if type(head) is not torch.nn.Linear or body is plain:
        return None
    config = plain.config
    scale = float(getattr(config, "logit_scale", None) or 1.0)  # Cohere multiplies
    scale /= float(getattr(config, "logits_scaling", None) or 1.0)  # Granite divides
    cap = float(getattr(config, "final_logit_softcapping", None) or 0.0)  # Gemma
    return body, Head(head.weight, head.bias, scale, cap)


def splits_well(model: Any) -> bool:
    """Does the split give the model's own logits? Architectures do more to them than a config says."""
    found = split(model)
    if found is None:
        return False
    body, head = found
    device = head.weight.device
    ids = torch.arange(8, device=device)[None] % len(head.weight)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            whole = model(input_ids=ids, use_cache=False).logits.float()
            mine = head.logits(body(input_ids=ids, use_cache=False).last_hidden_state).float()
    finally:
        model.train(was_training)
    return mine.shape == whole.shape and bool(
        (mine - whole).abs().max() <= 1e-4 * whole.abs().max().clamp(min=1)
    )


def token_scores(
    hidden: "Tensor",
    head: Head,
    following: "Tensor",
    marked: "Tensor",
    members: "Tensor",
    *,
    dtype: "torch.dtype | None" = None,
    rows: int = 0,
    columns: int = 0,
) -> "tuple[Tensor, Tensor, Tensor]":
    """(z, logit of `following`, logsumexp over `members` where `marked` and 0 elsewhere), fp32 [n] each.

    `hidden` [n, d], `following` int64 [n], `marked` bool [n], `members` int64 [t]. `dtype`: of the products,
    that of `hidden` unless said; `rows`, `columns`: positions and tokens at one time.
    """
    inside = torch.zeros(len(head.weight), dtype=torch.bool, device=hidden.device)
    inside[members] = True
    return _TokenScores.apply(
        hidden,
        head.weight,
        head.bias,
        following,
        marked,
        inside,
        head,
        dtype or hidden.dtype,
        (rows or head.chunk()[0], columns or head.chunk()[1]),
    )


def shaped(z: "Tensor", head: Head) -> "Tensor":
    z = z.double() if z.dtype == torch.float64 else z.float()
    if head.bias is not None:
        z = z + head.bias
    if head.scale != 1.0:
        z = z * head.scale
    return head.cap * torch.tanh(z / head.cap) if head.cap else z


class _TokenScores(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, weight, bias, following, marked, inside, head, dtype, chunk):
        rows, columns = chunk
        wide = torch.float64 if dtype == torch.float64 else torch.float32
        count, device = len(hidden), hidden.device
        picked = torch.zeros(count, dtype=wide, device=device)
        top = torch.full((count, 1), -torch.inf, dtype=wide, device=device)
        sums = torch.zeros(
            count, 2, dtype=wide, device=device
        )  # of e^(logit - top): over all tokens, over the set
        members = _columns(inside, wide)
        buffer = torch.empty(min(rows, count) * min(columns, len(weight)), dtype=wide, device=device)
        with torch.autocast(device.type, enabled=False):
            for block in head.blocks(columns, dtype):  # outside: a block stays in the cache
                for start in range(0, count, rows):
                    part = slice(start, start + rows)
                    z = block.logits(hidden[part], buffer)
                    here, column = block.holds(following[part])
                    picked[part] = torch.where(here, z.gather(1, column)[:, 0], picked[part])
                    before = top[part].clone()
                    torch.maximum(before, z.amax(-1, keepdim=True), out=top[part])
                    sums[part].mul_((before - top[part]).exp_())
                    sums[part].add_(z.sub_(top[part]).exp_() @ members[block.tokens])
            logs = sums.log_().add_(top)
            log_z, mass = logs[:, 0].contiguous(), torch.where(marked, logs[:, 1], 0.0)
            _deep_mass(hidden, head, dtype, marked, inside, log_z, mass, rows)
        ctx.save_for_backward(hidden, weight, bias, following, marked, inside, log_z, mass)
        ctx.head, ctx.dtype, ctx.chunk = head, dtype, chunk
        return log_z, picked, mass

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g_z, g_picked, g_mass):
        hidden, weight, bias, following, marked, inside, log_z, mass = ctx.saved_tensors
        head, dtype, (rows, columns) = ctx.head, ctx.dtype, ctx.chunk
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        d_hidden = torch.zeros_like(hidden) if wants_hidden else None
        d_weight = torch.zeros_like(weight) if wants_weight else None
        d_bias = torch.zeros_like(bias) if wants_bias else None
        deep = marked & (log_z - mass > DEEP)
        # g_z p + g_set q = p (g_z + g_set e^(log_z - mass) [in the set])
        share = torch.where(marked & ~deep, g_mass * (log_z - mass).clamp(max=DEEP).exp(), 0.0)
        factors, members = torch.stack([g_z, share], 1), _columns(inside, log_z.dtype)
        size = min(rows, len(hidden)) * min(columns, len(weight))
        buffers = [torch.empty(size, dtype=log_z.dtype, device=hidden.device) for _ in range(2)]
        any_deep = bool(deep.any())
        with torch.autocast(hidden.device.type, enabled=False):
            for block in head.blocks(columns, dtype):
                tokens, width = block.tokens, len(block.cast)
                for start in range(0, len(hidden), rows):
                    part = slice(start, start + rows)
                    h = hidden[part].to(dtype)
                    z = block.logits(h, buffers[0])
                    slope = 1 - (z / head.cap).square() if head.cap else None
                    at = deep[part].nonzero()[:, 0] if any_deep else ()
                    among = z[at].masked_fill_(~inside[tokens], -torch.inf) if len(at) else None
                    room = buffers[1][: len(h) * width].view(len(h), -1)
                    factor = torch.mm(factors[part], members[tokens].T, out=room)
                    d = z.sub_(log_z[part, None]).exp_().mul_(factor)
                    here, column = block.holds(following[part])
                    d.scatter_add_(1, column, torch.where(here, g_picked[part], 0.0)[:, None])
                    if among is not None:
                        among.sub_(mass[start + at, None]).exp_().mul_(g_mass[start + at, None])
                        d.index_add_(0, at, among)
                    if slope is not None:
                        d.mul_(slope)
                    if head.scale != 1.0:
                        d.mul_(head.scale)
                    if wants_bias:
                        d_bias[tokens] += d.sum(0)
                    d = d.to(dtype)
                    if wants_hidden:
                        _add(d_hidden[part], d, block.cast)
                    if wants_weight:
                        _add(d_weight[tokens], d.T, h)
        return d_hidden, d_weight, d_bias, None, None, None, None, None, None


def _add(total: "Tensor", left: "Tensor", right: "Tensor") -> None:
    if total.dtype == left.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right


def _columns(inside: "Tensor", dtype: "torch.dtype") -> "Tensor":
    """[v, 2]: ones, and ones where a token is in the set."""
    return torch.stack([torch.ones_like(inside), inside], 1).to(dtype)


def _deep_mass(hidden, head, dtype, marked, inside, log_z, mass, rows) -> None:
    """Where the set is so unlikely that its exponentials beside the largest one were lost: with a top of its own."""
    deep = (marked & ~(log_z - mass < DEEP)).nonzero()[:, 0]
    for start in range(0, len(deep), rows):
        at = deep[start : start + rows]
        z = shaped(hidden[at].to(dtype) @ head.weight.to(dtype).T, head)
        mass[at] = torch.logsumexp(z.masked_fill(~inside, -torch.inf), -1)
