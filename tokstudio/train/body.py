"""How a model's body is run: less memory for more time, or compiled."""

from typing import Any


def save_activations(model: Any) -> None:
    """Compute activations again in the backward pass. transformers 5.2x renamed the call."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    new = getattr(plain, "activation_checkpointing_enable", None)
    (new or plain.gradient_checkpointing_enable)({"use_reentrant": False})


def compile_body(model: Any) -> None:
    """In place, so that no parameter gets another name. The head stays as it is: it is made a few rows at a time."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    plain.base_model.compile(dynamic=True)
