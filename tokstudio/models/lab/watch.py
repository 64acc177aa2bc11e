"""What goes on inside a model while it reads a text: every module's output, attention, the logit lens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.errors import ModelError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Output:
    """What one module put out, in the order in which modules finished."""

    path: str
    kind: str
    shape: tuple[int, ...]
    mean: float
    std: float
    largest: float  # of the absolute values
    norms: (
        np.ndarray
    )  # float32 [l] length of the output vector at each token; empty where there is none per token


def outputs(model: "torch.nn.Module", ids: list[int]) -> list[Output]:
    """Run `model` on `ids` once and report every module's first output tensor."""
    found: list[Output] = []
    handles = [
        module.register_forward_hook(_recorder(path, len(ids), found))
        for path, module in model.named_modules()
        if path
    ]
    try:
        forward(model, ids)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _recorder(path: str, length: int, found: list[Output]):
    def record(module, _inputs, output):
        tensor = _first_tensor(output)
        if tensor is None:
            return
        values = tensor.detach().float()
        per_token = values.ndim == 3 and values.shape[1] == length
        norms = values[0].norm(dim=-1).cpu().numpy() if per_token else np.zeros(0, np.float32)
        std = values.std(correction=0).item() if values.numel() else 0.0
        largest = values.abs().max().item() if values.numel() else 0.0
        shape = tuple(values.shape)
        found.append(Output(path, type(module).__name__, shape, values.mean().item(), std, largest, norms))

    return record


def _first_tensor(output) -> "torch.Tensor | None":
    import torch

    if isinstance(output, torch.Tensor):
        return output if output.is_floating_point() else None
    values = (
        output.values() if hasattr(output, "values") else output if isinstance(output, (tuple, list)) else ()
    )
    return next((found for value in values if (found := _first_tensor(value)) is not None), None)


def forward(model: "torch.nn.Module", ids: list[int], **more):
    """One pass in evaluation mode, without gradient."""
    import torch

    if not ids:
        raise ModelError("There is no token to read.", hint="Type some text first.")
    limit = getattr(model.config, "max_position_embeddings", None)
    if limit and len(ids) > limit:
        raise ModelError(
            f"The text is {len(ids):,} tokens; the model reads {limit:,}.", hint="Use a shorter text."
        )
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            device = next(model.parameters()).device
            return model(input_ids=torch.tensor([ids], device=device), use_cache=False, **more)
    finally:
        model.train(training)


def attention(model: "torch.nn.Module", ids: list[int], layer: int) -> np.ndarray:
    """Attention weights of one layer, float32 [heads, l, l]; row q, column k: how much q reads of k."""
    with _written_out(model):
        found = forward(model, ids, output_attentions=True).attentions
    if not found or found[0] is None:
        raise ModelError("This architecture does not give its attention weights away.")
    return found[layer][0].float().cpu().numpy()


@contextmanager
def _written_out(model: "torch.nn.Module") -> Iterator[None]:
    """Fused attention kernels never hold the weights, so for one pass the plain implementation is used."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@dataclass(frozen=True, eq=False)
class Lens:
    """What the model would say after each layer, were the rest of it left out (nostalgebraist 2020).

    Row 0 is the embedding, the last row the model's own answer.
    """

    ids: np.ndarray  # int64 [layers + 1, l, k] most likely next tokens
    probabilities: np.ndarray  # float32 [layers + 1, l, k]
    entropy: np.ndarray  # float32 [layers + 1, l] bits


def logit_lens(model: "torch.nn.Module", ids: list[int], k: int = 5) -> Lens:
    """Each layer's hidden states through the model's last norm and its head."""
    import torch

    states = forward(model, ids, output_hidden_states=True).hidden_states
    head = model.get_output_embeddings()
    if head is None:
        raise ModelError("This model has no output head, so there is nothing to look through.")
    norm, parts = _last_norm(model), []
    with torch.inference_mode():
        for number, state in enumerate(states):
            normed = state if number == len(states) - 1 else norm(state)  # the last one has been through it
            log_p = torch.log_softmax(head(normed)[0].float(), -1)
            best = log_p.topk(min(k, log_p.shape[-1]))
            entropy = -(log_p.exp() * log_p).sum(-1) / np.log(2)
            parts.append((best.indices.cpu().numpy(), best.values.exp().cpu().numpy(), entropy.cpu().numpy()))
    return Lens(*(np.stack(column) for column in zip(*parts, strict=True)))


def _last_norm(model: "torch.nn.Module"):
    """The norm between the last layer and the head, by the names that architectures use for it."""
    body = model.base_model
    for name in ("norm", "ln_f", "final_layer_norm", "final_layernorm"):
        for place in (body, getattr(body, "decoder", None)):
            if place is not None and hasattr(place, name):
                return getattr(place, name)
    raise ModelError(f"Where {type(model).__name__} keeps its last norm is not known.")
