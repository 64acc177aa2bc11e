"""Parameter groups and the learning rate as a pure function of the step."""

import contextlib
import importlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tokstudio.errors import ConfigError
from tokstudio.train.config import OptimizerConfig
from tokstudio.train.ranks import here

if TYPE_CHECKING:
    import torch


def schedule(step: int, total: int, config: OptimizerConfig) -> float:
    """Factor of the peak rate at `step` of `total`: linear up, flat, down to nearly zero, by a line or by a cosine."""
    up = (step + 1) / (config.warmup_steps + 1)
    if config.schedule == "constant":
        return min(1.0, up)
    decay = max(1, round(total * config.decay_share))
    down = (total - step) / decay
    if config.schedule == "cosine":
        down = 0.5 - 0.5 * math.cos(math.pi * min(1.0, down))
    return min(1.0, up, down)


class Optimizers:
    """One optimizer a parameter group, stepped together; nothing is stored that can be derived."""

    def __init__(
        self, model: "torch.nn.Module", config: OptimizerConfig, row_rates: "torch.Tensor | None" = None
    ):
        """`row_rates` [v]: factor of the embedding rate for each token row; 1 everywhere where it is None."""
        self.config = config
        self.row_rates = row_rates
        self.optimizers = list(_build(model, config))
        self.parameters = [p for o in self.optimizers for g in o.param_groups for p in g["params"]]

    def step(self, factor: float) -> float:
        """Clip, step, clear. Returns the global gradient norm before clipping; where it is not finite, nothing is
        stepped or cleared."""
        import torch

        limit = self.config.gradient_clip or float("inf")
        norm = here().number(torch.nn.utils.clip_grad_norm_(self.parameters, limit))
        if not math.isfinite(norm):  # a step along it would spoil the weights
            return norm
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
            with self._slower_rows(optimizer):
                optimizer.step()
        self.zero_grad()
        return norm

    def zero_grad(self) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)

    @contextlib.contextmanager
    def _slower_rows(self, optimizer: "torch.optim.Optimizer") -> Iterator[None]:
        """Scale the step of single rows. AdamW divides a gradient by its size, so scaling that would do nothing."""
        groups = [g for g in optimizer.param_groups if g.get("rows")] if self.row_rates is not None else []
        before = [(p, p.detach().clone()) for group in groups for p in group["params"]]
        yield
        for parameter, old in before:
            new = parameter.detach()
            new.copy_(old + (new - old) * here().like(self.row_rates[:, None], parameter))

    def tensors(self) -> dict[str, "torch.Tensor"]:
        """All state, flat: moments and step counts by optimizer, parameter and name."""
        import torch

        return {
            f"{o}.{index}.{name}": value if isinstance(value, torch.Tensor) else torch.tensor(value)
            for o, optimizer in enumerate(self.optimizers)
            for index, state in optimizer.state_dict()["state"].items()
            for name, value in _flat(state)
        }

    def load_tensors(self, tensors: dict[str, "torch.Tensor"]) -> None:
        for o, optimizer in enumerate(self.optimizers):
            state: dict[int, dict[str, torch.Tensor]] = {}
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            for key, value in tensors.items():
                number, index, name = key.split(".")
                if int(number) == o:
                    own = (
                        value.item()
                        if name in _numbers(optimizer)
                        else here().like(value, parameters[int(index)])
                    )
                    state.setdefault(int(index), {})[name] = own
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _flat(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """bitsandbytes keeps its tensors one level down."""
    for name, value in state.items():
        if isinstance(value, dict):
            yield from value.items()
        else:
            yield name, value


def _numbers(optimizer: "torch.optim.Optimizer") -> tuple[str, ...]:
    """What of its state is a number and no tensor."""
    return ("step",) if type(optimizer).__module__.startswith("bitsandbytes") else ()


def _build(model: "torch.nn.Module", config: OptimizerConfig):
    import torch

    rows = {
        id(m.weight) for m in (model.get_input_embeddings(), model.get_output_embeddings()) if m is not None
    }
    trained = [p for p in model.parameters() if p.requires_grad]
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    if (projector := getattr(plain, "projector", None)) is not None:
        rows |= {id(table) for table in projector.tables}
    embeddings = [p for p in trained if id(p) in rows]
    context = getattr(model.get_input_embeddings(), "subwords", None)  # rows that were copied, all of them
    contexts = [p for p in trained if p is context]
    rows.add(id(context))
    matrices = [p for p in trained if id(p) not in rows and p.ndim == 2]
    vectors = [p for p in trained if id(p) not in rows and p.ndim != 2]
    rate, decay = config.learning_rate, config.weight_decay
    groups = [
        {"params": embeddings, "peak": config.embedding_learning_rate, "weight_decay": 0.0, "rows": True},
        {
            "params": contexts,
            "peak": config.embedding_learning_rate * config.copied_row_rate,
            "weight_decay": 0.0,
        },
        {"params": vectors, "peak": rate, "weight_decay": 0.0},
    ]
    if config.name == "adamw":
        groups.append({"params": matrices, "peak": rate, "weight_decay": decay})
    if (
        config.name == "adamw8bit" and matrices
    ):  # token rows keep 32 bits: their gradients are rare and uneven
        yield _eight_bit([{"params": matrices, "peak": rate, "weight_decay": decay}], rate)
    groups = [group for group in groups if group["params"]]
    if groups:
        yield torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8, fused=True)
    if config.name == "muon" and matrices:
        peak = config.muon_learning_rate
        yield torch.optim.Muon(
            [{"params": matrices, "peak": peak}], lr=peak, weight_decay=decay, momentum=0.95
        )


def _eight_bit(groups: list[dict], rate: float) -> "torch.optim.Optimizer":
    """AdamW whose moments are kept in blocks of 8-bit values (Dettmers et al. 2022, arXiv 2110.02861)."""
    return bitsandbytes().optim.AdamW8bit(groups, lr=rate, betas=(0.9, 0.95), eps=1e-8)


def bitsandbytes() -> Any:
    """Raises ConfigError where the package is not installed, or cannot be used here."""
    try:
        return importlib.import_module("bitsandbytes")
    except ImportError as error:
        missing = getattr(error, "name", "") == "bitsandbytes"
        raise ConfigError(
            "optimizer.name=adamw8bit needs the package bitsandbytes, which is not installed."
            if missing
            else f"The package bitsandbytes cannot be used here: {error}.",
            hint='Install it with `pip install "tokstudio[eight-bit]"`, or set optimizer.name=adamw.',
        ) from None
