"""The same layers with less memory and fewer passes over it: what a step keeps of them is their input.

A gated MLP as transformers writes it keeps four values of the inner size a token, and reads and writes them from
main memory a dozen times. Here a few rows at a time go through all of it while they are in the cache, and are made
again in the backward pass (two of nine products more). Likewise the root-mean-square norm keeps its input and one
number a token, and an adapter's low-rank part is added in place.

With x the input, s the sigmoid of g = G x, u = U x, y = D (g s u):

    dh = D^T dy,  du = dh g s,  dg = dh u s (1 + g (1 - s)),  dx = G^T dg + U^T du

Layers are replaced one by one, each only where it gives the layer's own numbers for a random input.
"""

import types
from dataclasses import dataclass
from typing import Any

import torch

CHUNK_BYTES = 2 << 20  # of inner values that are there at one time: they stay in the cache
NEAR = 1e-4  # of the largest number, how far a replacement may be from the layer itself


def lean(model: torch.nn.Module) -> int:
    """Replace the forward passes of what layers can be, on the CPU in fp32; how many. Those that are stay so."""
    count = 0
    for module in model.modules():
        if "forward" in vars(module):
            continue
        replacement = _replacement(module)
        if replacement is None or not _plain(module):
            continue
        bound = types.MethodType(replacement, module)
        if _agree(module, bound):
            module.forward = bound
            count += 1
    return count


def _replacement(module: torch.nn.Module) -> Any:
    if _is_gated(module):
        return _mlp_forward
    if type(module).__name__.endswith("RMSNorm") and getattr(module, "weight", None) is not None:
        return _norm_forward
    if _low_rank(module) is not None:
        return _adapted_forward
    return None


def _plain(module: torch.nn.Module) -> bool:
    """Not in bf16, not on a GPU, not split over processes."""
    return all(
        p.dtype == torch.float32 and p.device.type == "cpu" and not hasattr(p, "placements")
        for p in module.parameters()
    )


def _is_gated(module: torch.nn.Module) -> bool:
    names = ("gate_proj", "up_proj", "down_proj")
    if not all(_matrix(getattr(module, name, None)) for name in names):
        return False
    act = getattr(module, "act_fn", None)
    return isinstance(act, torch.nn.SiLU) or type(act).__name__ == "SiLUActivation"


def _matrix(module: Any) -> bool:
    """A linear map without bias, adapted or not."""
    if type(module) is torch.nn.Linear:
        return module.bias is None
    return _low_rank(module) is not None


def _low_rank(module: Any) -> "tuple[Any, Any, float] | None":
    """(A, B, scaling) of the one adapter of a linear map that peft wrapped; None for anything else."""
    base = getattr(module, "base_layer", None)
    names = list(getattr(module, "lora_A", ()))
    if type(base) is not torch.nn.Linear or base.bias is not None or len(names) != 1:
        return None
    name = names[0]
    if list(module.active_adapters) != [name] or getattr(module, "lora_variant", None) or module.merged:
        return None
    if type(module.lora_dropout[name]) is not torch.nn.Identity or getattr(module, "lora_bias", {}).get(name):
        return None
    return module.lora_A[name].weight, module.lora_B[name].weight, float(module.scaling[name])


def _agree(module: torch.nn.Module, replacement: Any) -> bool:
    width = next(p.shape[-1] for p in module.parameters())
    x = torch.randn(3, 5, width, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        own, mine = module.forward(x), replacement(x)
    return own.shape == mine.shape and bool(
        (own - mine).abs().max() <= NEAR * own.abs().max().clamp(min=1e-3)
    )


@dataclass(frozen=True, eq=False)
class Map:
    """x W^T, or with an adapter x W^T + scale x A^T B^T; its gradients are added up over rows."""

    weight: torch.Tensor  # [o, i]
    down: "torch.Tensor | None" = None  # [r, i]
    up: "torch.Tensor | None" = None  # [o, r]
    scale: float = 1.0

    @classmethod
    def of(cls, module: Any) -> "Map":
        if type(module) is torch.nn.Linear:
            return cls(module.weight)
        found = None if module.disable_adapters else _low_rank(module)
        return cls(module.base_layer.weight, *(found or ()))

    def tensors(self) -> tuple:
        return self.weight, self.down, self.up

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        y = x @ self.weight.T
        return y if self.down is None else y.addmm_(x @ self.down.T, self.up.T, alpha=self.scale)

    def back(
        self, dy: torch.Tensor, x: torch.Tensor, grads: list, want_x: bool = True
    ) -> "torch.Tensor | None":
        """The gradient of x; those of `tensors()` are added to `grads`, None where one is not wanted."""
        dx = dy @ self.weight if want_x else None
        _add(grads, 0, dy, x)
        if self.down is not None:
            inner = (dy @ self.up).mul_(self.scale)
            _add(grads, 1, inner, x)
            if grads[2] is not None:
                _add(grads, 2, dy, (x @ self.down.T).mul_(self.scale))
            if want_x:
                dx.addmm_(inner, self.down)
        return dx


def _add(grads: list, at: int, left: torch.Tensor, right: torch.Tensor) -> None:
    if grads[at] is None:
        return
    if grads[at].dtype == left.dtype:
        grads[at].addmm_(left.T, right)
    else:
        grads[at] += left.T @ right


def _lower(x: torch.Tensor) -> torch.dtype:
    """What products are made in: the dtype of autocast where it is on."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


def _grads(tensors: tuple, wanted: tuple) -> list:
    return [
        torch.zeros_like(t) if w and t is not None else None for t, w in zip(tensors, wanted, strict=True)
    ]


def _maps(tensors: tuple, scales: tuple, dtype: torch.dtype) -> list[Map]:
    cast = [None if t is None else t.detach().to(dtype) for t in tensors]
    return [Map(*cast[3 * i : 3 * i + 3], scale) for i, scale in enumerate(scales)]


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dtype, scales, *tensors):
        flat = x.reshape(-1, x.shape[-1])
        ctx.save_for_backward(flat, *tensors)
        ctx.dtype, ctx.scales, ctx.shape = dtype, scales, x.shape
        gate, up, down = _maps(tensors, scales, dtype)
        y = torch.empty(len(flat), len(down.weight), dtype=dtype)
        with torch.autocast("cpu", enabled=False):
            for part in _parts(len(flat), len(gate.weight)):
                rows = flat[part].to(dtype)
                g = torch.nn.functional.silu(gate(rows), inplace=True)
                y[part] = down(g.mul_(up(rows)))
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        flat, *tensors = ctx.saved_tensors
        maps = _maps(tensors, ctx.scales, ctx.dtype)
        grads = _grads(tensors, ctx.needs_input_grad[3:])
        parts = [grads[3 * i : 3 * i + 3] for i in range(3)]
        want_x = ctx.needs_input_grad[0]
        dx = torch.empty_like(flat) if want_x else None
        dy = dy.reshape(len(flat), -1)
        gate, up, down = maps
        with torch.autocast("cpu", enabled=False):
            for part in _parts(len(flat), len(gate.weight)):
                rows = flat[part].to(ctx.dtype)
                g, u = gate(rows), up(rows)
                s = torch.sigmoid(g)
                a = g * s
                dh = down.back(dy[part].to(ctx.dtype), a * u, parts[2])
                # g becomes s (1 + g (1 - s)) = s + a (1 - s)
                slope = torch.addcmul(s, a, s, value=-1).add_(a)
                back = gate.back(slope.mul_(dh).mul_(u), rows, parts[0], want_x)
                other = up.back(dh.mul_(a), rows, parts[1], want_x)
                if want_x:
                    dx[part] = back.add_(other)
        return (dx.view(ctx.shape) if want_x else None, None, None, *(g for p in parts for g in p))


def _parts(count: int, inner: int):
    rows = max(64, CHUNK_BYTES // (4 * inner))
    return [slice(start, start + rows) for start in range(0, count, rows)]


def _mlp_forward(self, x: torch.Tensor) -> torch.Tensor:
    maps = [Map.of(module) for module in (self.gate_proj, self.up_proj, self.down_proj)]
    tensors = [t for m in maps for t in m.tensors()]
    return _Gated.apply(x, _lower(x), tuple(m.scale for m in maps), *tensors)


class _Adapted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dtype, scale, *tensors):
        flat = x.reshape(-1, x.shape[-1])
        ctx.save_for_backward(flat, *tensors)
        ctx.dtype, ctx.scale, ctx.shape = dtype, scale, x.shape
        with torch.autocast("cpu", enabled=False):
            return _maps(tensors, (scale,), dtype)[0](flat.to(dtype)).view(*x.shape[:-1], -1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        flat, *tensors = ctx.saved_tensors
        grads = _grads(tensors, ctx.needs_input_grad[3:])
        want_x = ctx.needs_input_grad[0]
        with torch.autocast("cpu", enabled=False):
            dy = dy.reshape(len(flat), -1).to(ctx.dtype)
            here = _maps(tensors, (ctx.scale,), ctx.dtype)[0]
            dx = here.back(dy, flat.to(ctx.dtype), grads, want_x)
        return (dx.to(flat.dtype).view(ctx.shape) if want_x else None, None, None, *grads)


def _adapted_forward(self, x: torch.Tensor) -> torch.Tensor:
    here = Map.of(self)
    if here.down is None:
        return self.base_layer(x)
    return _Adapted.apply(x, _lower(x), here.scale, *here.tensors())


class _Norm(torch.autograd.Function):
    """y = w x r, r = (mean(x^2) + eps)^-1/2;  dx = r (w dy) - x r^3 mean(x w dy)"""

    @staticmethod
    def forward(ctx, x, weight, epsilon):
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        r = (size.square() / x.shape[-1] + epsilon).rsqrt()
        ctx.save_for_backward(x, weight, r)
        return (x * r).mul_(weight)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        x, weight, r = ctx.saved_tensors
        inner = dy * weight
        dot = torch.linalg.vecdot(inner, x).unsqueeze(-1)
        d_weight = (dy * x).flatten(0, -2).T @ r.flatten() if ctx.needs_input_grad[1] else None
        dx = inner.mul_(r).addcmul_(x, dot.mul_(r**3 / -x.shape[-1]))
        return dx, d_weight, None


def _norm_forward(self, x: torch.Tensor) -> torch.Tensor:
    epsilon = getattr(self, "variance_epsilon", None) or getattr(self, "eps", 1e-6)
    return _Norm.apply(x.float(), self.weight, epsilon).to(x.dtype)
