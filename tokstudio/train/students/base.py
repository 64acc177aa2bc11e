"""What a kind of student is, and how one is made from the source model."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.events import Log
from tokstudio.models.load import load_model
from tokstudio.registry import Registry
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import TransferConfig
from tokstudio.train.distill_rows import fit_new_rows, frozen_copy
from tokstudio.train.student_inputs import dressed
from tokstudio.transfer.base import METHODS, Donor
from tokstudio.transfer.surgery import Surgery, donor_of, keep_vocabulary, replace_vocabulary

if TYPE_CHECKING:
    import torch

    from tokstudio.train.transfer import Pair

Operate = Callable[[Any], Surgery]  # gives a model the target vocabulary, in place


@dataclass(frozen=True, eq=False)
class Student:
    """`teacher` is what the source model needs beside `model`: a frozen copy, or its two embedding modules."""

    model: Any
    surgery: Surgery
    teacher: Any

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

    def save_adapters(self, folder: Path) -> bool:
        """Write what was trained beside the frozen body, as peft reads it. False where there is no such thing."""
        return False


@dataclass(frozen=True)
class StudentKind:
    name: str
    title: str
    build: Callable[[Any, TransferConfig, Operate], Student]


STUDENTS: Registry[StudentKind] = Registry("tokstudio.train.students")


def student(name: str, *, title: str) -> Callable[[Any], Any]:
    """Register a function (model, config, operate) -> Student. `model` is the source model: it may be kept as
    the teacher, copied, or changed."""

    def register(build):
        STUDENTS.add(name, StudentKind(name, title, build))
        return build

    return register


def build_student(
    model: Any,
    pair: "Pair",
    config: TransferConfig,
    texts: Sequence[str] = (),
    operate: Operate | None = None,
) -> Student:
    """Give a copy of `model` (the source) the target vocabulary. `model` itself becomes the teacher's. `texts`: for
    methods that learn from some; `operate`: what gives a model the vocabulary instead of `config.method`."""
    operate = operate or (lambda model: _operate(model, pair, config, texts))
    operate = dressed(operate, pair, config)
    return STUDENTS[config.mode].build(model.eval().requires_grad_(False), config, operate)


def set_embeddings(model: Any, inputs: Any, outputs: Any) -> None:
    model.set_input_embeddings(inputs)
    if outputs is not None:
        model.set_output_embeddings(outputs)


def named_donor(config: TransferConfig) -> Donor | None:
    return donor_of(load_model(config.donor), load_tokenizer(config.donor)) if config.donor else None


def _operate(model: Any, pair: "Pair", config: TransferConfig, texts: Sequence[str]) -> Surgery:
    if pair.source.fingerprint == pair.target.fingerprint:
        return keep_vocabulary(model, pair.target)
    teacher = frozen_copy(model) if METHODS[config.method].fits and config.row_fit.steps else None
    surgery = replace_vocabulary(
        model,
        pair.source,
        pair.target,
        method=config.method,
        seed=config.train.seed,
        texts=texts,
        donor=named_donor(config),
        audited=config.audit,
        norms=(config.input_norm, config.output_norm),
        specials=config.special_map,
    )
    if teacher is None:
        return surgery
    return fit_new_rows(
        teacher, model, pair.source, pair.target, surgery, texts, config.row_fit, seed=config.train.seed
    )


def remarks(surgery: Surgery) -> Iterator[Log]:
    """What a run says of its start."""
    for remark in surgery.remarks:
        yield Log(level="warn", message=remark)
    if fit := surgery.fit:
        yield Log(
            level="info",
            message=f"{fit['rows']:,} new rows were fitted in {fit['steps']:,} steps: squared distance to the old "
            f"hidden states {fit['first']:.3g} before, {fit['last']:.3g} after; {fit['unreached']:,} of these "
            "tokens do not occur in the texts read",
        )
