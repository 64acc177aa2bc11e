"""A small network between the token rows and the model: it moves all rows alike, which single rows learn slowly.

Raw rows E [v, k * d], with k = 2 where input and output are apart, become

    E + (strength / sqrt(d)) * out(layers(E)),    layer: x <- norm(x + W2 gelu(W1 x))

`out` begins at zero, so the rows begin as they were. Raw rows and network are trained; the model's tables are made
from them before every pass, and are plain tables again when the training is over. (Hypernetworks for tokenizer
transfer: arXiv 2405.07883; this one has no attention between tokens.)
"""

import math
from typing import Any

import torch

from tokstudio.train.student_config import ProjectorConfig
from tokstudio.transfer.surgery import is_tied

NAME = "projector"
WIDER = 2  # the inner width of a layer over its outer one


class Layer(torch.nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.up, self.down = torch.nn.Linear(width, WIDER * width), torch.nn.Linear(WIDER * width, width)
        self.norm = torch.nn.LayerNorm(width, eps=1e-12)
        for linear in (self.up, self.down):
            torch.nn.init.normal_(linear.weight, std=0.02)
            torch.nn.init.zeros_(linear.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x + self.down(torch.nn.functional.gelu(self.up(x))))


class Projector(torch.nn.Module):
    def __init__(self, tables: "list[torch.Tensor]", config: ProjectorConfig):
        super().__init__()
        self.tables = torch.nn.ParameterList([torch.nn.Parameter(t.detach().clone()) for t in tables])
        width = sum(t.shape[1] for t in tables)
        self.layers = torch.nn.ModuleList([Layer(width) for _ in range(config.layers)])
        self.out = torch.nn.Linear(width, width)
        torch.nn.init.zeros_(self.out.weight)
        torch.nn.init.zeros_(self.out.bias)
        self.strength = config.strength / math.sqrt(tables[0].shape[1])
        self.places: tuple = ()
        self.fresh = False  # are the tables made, and not yet read by a pass?

    def seat(self, modules: tuple, tied: bool, hook: Any) -> None:
        self.places = (modules, tied, hook)  # in a tuple: they are no submodules of this one

    def set_tables(self) -> None:
        (inputs, outputs), tied, _ = self.places
        tables = self()
        inputs.weight = tables[0]
        if outputs is not None:
            outputs.weight = tables[0] if tied else tables[-1]

    def before_pass(self) -> None:
        if not self.fresh:
            self.set_tables()
        self.fresh = False

    def forward(self) -> "list[torch.Tensor]":
        """The tables as the model is to see them."""
        whole = torch.cat(list(self.tables), 1)
        x = whole
        for layer in self.layers:
            x = layer(x)
        whole = whole + self.strength * self.out(x)
        return list(whole.split([t.shape[1] for t in self.tables], 1))


def install(model: Any, config: ProjectorConfig) -> None:
    """Put a projector between the token rows of `model` and what reads them, in place."""
    if config.kind == "identity":
        return
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    tied = is_tied(model)
    modules = [inputs] if outputs is None or tied else [inputs, outputs]
    made = Projector([m.weight for m in modules], config).to(inputs.weight.device)
    for module in [inputs] if outputs is None else [inputs, outputs]:
        del module._parameters["weight"]
    model.add_module(NAME, made)
    made.seat(
        (inputs, outputs), tied, model.base_model.register_forward_pre_hook(lambda *_: made.before_pass())
    )
    refresh(model)


def refresh(model: Any) -> None:
    """Make the tables from the raw rows as they are now. Before the head is looked at, and before every pass."""
    if (made := projector_of(model)) is not None:
        made.set_tables()
        made.fresh = True


def fold(model: Any) -> None:
    """Plain tables again, for good."""
    if (made := projector_of(model)) is None:
        return
    (inputs, outputs), tied, hook = made.places
    with torch.no_grad():
        tables = [torch.nn.Parameter(t.detach().clone()) for t in made()]
    for module, table in ((inputs, tables[0]), (outputs, tables[0] if tied else tables[-1])):
        if module is not None:
            module.__dict__.pop("weight", None)
            module.weight = table
    hook.remove()
    delattr(_plain(model), NAME)


def projector_of(model: Any) -> Projector | None:
    return getattr(_plain(model), NAME, None)


def _plain(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model
