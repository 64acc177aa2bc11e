"""Low-rank adapters and the token rows. The teacher is the same body with the adapters off and the source's
embeddings in place, so large models are held once."""

import contextlib
import copy
import warnings
from typing import Any

from tokstudio.errors import ConfigError
from tokstudio.train.config import TransferConfig
from tokstudio.train.student_inputs import finish, train_rows
from tokstudio.train.students.base import Operate, Student, set_embeddings, student
from tokstudio.transfer.surgery import is_tied


class LoraStudent(Student):
    @contextlib.contextmanager
    def as_source(self):
        body = self.model.get_base_model()
        own = body.get_input_embeddings(), body.get_output_embeddings()
        training = self.model.training
        self.model.eval()
        set_embeddings(body, *self.teacher)
        try:
            with self.model.disable_adapter():
                yield self.model
        finally:
            set_embeddings(body, *own)
            self.model.train(training)

    def merged(self):
        return copy.deepcopy(self.model).merge_and_unload()

    def save_adapters(self, folder):
        self.model.save_pretrained(
            folder, save_embedding_layers=True
        )  # the rows of the new tokens are part of it
        return True


@student("lora", title="Low-rank adapters")
def lora(model: Any, config: TransferConfig, operate: Operate) -> LoraStudent:
    kept = copy.deepcopy(model.get_input_embeddings()), copy.deepcopy(model.get_output_embeddings())
    if is_tied(model) and kept[1] is not None:
        kept[1].weight = kept[0].weight
    surgery = operate(model)
    return LoraStudent(_with_adapters(model, config), surgery, kept)


def _targets(model: Any, names: tuple[str, ...]) -> str | list[str]:
    """What peft is told. Raises ConfigError for a name that no linear map of the body ends with."""
    if not names:
        return "all-linear"
    import torch

    head = model.get_output_embeddings()
    linear = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and m is not head]
    for name in names:
        if not any(n == name or n.endswith(f".{name}") for n in linear):
            known = sorted({n.rpartition(".")[2] for n in linear})
            raise ConfigError(f"The model has no linear map {name!r}.", hint=f"It has {', '.join(known)}.")
    return list(names)


def _with_adapters(model: Any, config: TransferConfig) -> Any:
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        target_modules=_targets(model, config.lora.targets),
        bias="none",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 by an old name
        adapted = get_peft_model(model, settings)
    train_rows(adapted.get_base_model(), config)
    finish(adapted.get_base_model(), config)
    return adapted
