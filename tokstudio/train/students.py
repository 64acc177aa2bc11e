"""The model that is trained, and the teacher it started from."""

import contextlib
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokstudio.models.load import load_model
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import TransferConfig
from tokstudio.transfer.surgery import Surgery, donor_of, is_tied, replace_vocabulary

if TYPE_CHECKING:
    import torch

    from tokstudio.train.transfer import Pair


@dataclass(frozen=True, eq=False)
class Student:
    """`full`: the teacher is a frozen copy of the source model. `lora`: it is the same body with the adapters off
    and the source's embeddings in place, so large models are held once."""

    model: Any
    surgery: Surgery
    teacher: Any  # the frozen copy, or the source's two embedding modules under lora

    def as_source(self) -> contextlib.AbstractContextManager[Any]:
        """The source model, in evaluation mode, for as long as the context lasts."""
        raise NotImplementedError

    def teacher_logits(self, input_ids: "torch.Tensor") -> "torch.Tensor":
        """[b, l, v_source], without gradient."""
        import torch

        with torch.no_grad(), self.as_source() as model:
            return model(input_ids=input_ids, use_cache=False).logits

    def merged(self) -> Any:
        """A plain model to export. The trained one is not changed: merging adapters in place rounds weights."""
        raise NotImplementedError


class FullStudent(Student):
    @contextlib.contextmanager
    def as_source(self):
        yield self.teacher

    def merged(self):
        return self.model


class LoraStudent(Student):
    @contextlib.contextmanager
    def as_source(self):
        body = self.model.get_base_model()
        own = body.get_input_embeddings(), body.get_output_embeddings()
        training = self.model.training
        self.model.eval()
        _set_embeddings(body, *self.teacher)
        try:
            with self.model.disable_adapter():
                yield self.model
        finally:
            _set_embeddings(body, *own)
            self.model.train(training)

    def merged(self):
        return copy.deepcopy(self.model).merge_and_unload()


def _set_embeddings(model, inputs, outputs) -> None:
    model.set_input_embeddings(inputs)
    if outputs is not None:
        model.set_output_embeddings(outputs)


def build_student(
    model: Any,
    pair: "Pair",
    config: TransferConfig,
    texts: Sequence[str] = (),
    operate: Callable[[Any], Surgery] | None = None,
) -> Student:
    """Give a copy of `model` (the source) the target vocabulary. `model` itself becomes the teacher's. `texts`: for
    methods that learn from some; `operate`: what gives a model the vocabulary instead of `config.method`."""
    operate = operate or (lambda model: _operate(model, pair, config, texts))
    teacher = model.eval().requires_grad_(False)
    if config.mode == "full":
        student = copy.deepcopy(model).requires_grad_(True)
        surgery = operate(student)
        return FullStudent(student.train(), surgery, teacher)
    kept = copy.deepcopy(model.get_input_embeddings()), copy.deepcopy(model.get_output_embeddings())
    if is_tied(model) and kept[1] is not None:
        kept[1].weight = kept[0].weight
    surgery = operate(model)
    return LoraStudent(_with_adapters(model, config), surgery, kept)


def _operate(model, pair: "Pair", config: TransferConfig, texts: Sequence[str]) -> Surgery:
    donor = None
    if config.donor:
        donor = donor_of(load_model(config.donor), load_tokenizer(config.donor))
    return replace_vocabulary(
        model,
        pair.source,
        pair.target,
        method=config.method,
        seed=config.train.seed,
        texts=texts,
        donor=donor,
    )


def _with_adapters(model, config: TransferConfig):
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=config.lora.rank, lora_alpha=config.lora.alpha, target_modules="all-linear", bias="none"
    )
    adapted = get_peft_model(model, settings)
    adapted.get_base_model().get_input_embeddings().weight.requires_grad_(True)
    if (head := adapted.get_base_model().get_output_embeddings()) is not None:
        head.weight.requires_grad_(True)
    return adapted
