"""What a model is made of: its tree of modules with shapes and shares, and what a vocabulary costs it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Node:
    """One module. Parameters that several modules hold (tied embeddings) are counted at the first of them."""

    path: str  # "model.layers.0.mlp"; "" is the model
    kind: str  # class name
    shapes: dict[str, tuple[int, ...]]  # its own tensors, e.g. {"weight": (640, 256)}
    parameters: int  # of it and everything below
    share: float  # of the whole model, 0 to 1
    tied_to: str  # path of the module that counts its weight; "" for most


def tree(model: "torch.nn.Module") -> list[Node]:
    """All modules in the order in which they were registered, parents first."""
    owner: dict[int, str] = {}
    for path, module in model.named_modules():
        for parameter in module.parameters(recurse=False):
            owner.setdefault(id(parameter), path)
    sizes = {id(p): p.numel() for p in model.parameters()}
    total = sum(sizes.values())
    nodes = []
    for path, module in model.named_modules():
        below = {id(p): p for p in module.parameters()}
        counted = sum(
            sizes[key]
            for key in below
            if owner[key] == path or owner[key].startswith(f"{path}." if path else "")
        )
        own = dict(module.named_parameters(recurse=False))
        tied = next((owner[id(p)] for p in own.values() if owner[id(p)] != path), "")
        shapes = {name: tuple(p.shape) for name, p in own.items()}
        nodes.append(Node(path, type(module).__name__, shapes, counted, counted / max(total, 1), tied))
    return nodes


@dataclass(frozen=True)
class VocabularyCost:
    """Parameters that stand for tokens, and all of them, were the vocabulary of another size."""

    vocab_size: int
    embeddings: int
    total: int

    @property
    def share(self) -> float:
        return self.embeddings / max(self.total, 1)


def vocabulary_cost(model: "torch.nn.Module", vocab_size: int) -> VocabularyCost:
    """`model` with `vocab_size` tokens: input and output matrices grow with it, nothing else does."""
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    matrices = {id(m.weight): m.weight for m in (inputs, outputs) if m is not None}
    now = sum(w.numel() for w in matrices.values())
    width = sum(w.shape[1] for w in matrices.values())
    rest = sum({id(p): p.numel() for p in model.parameters()}.values()) - now
    return VocabularyCost(vocab_size, vocab_size * width, rest + vocab_size * width)
