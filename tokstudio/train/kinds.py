"""What a training run is for: moving a model onto another tokenizer, or teaching it with the tokenizer it has.

All three are a `TransferConfig`; fine-tuning and distillation are those whose tokenizer is the model's own. No torch.
"""

from dataclasses import dataclass, replace

from tokstudio.errors import ConfigError
from tokstudio.models.load import model_folder
from tokstudio.train.config import TransferConfig
from tokstudio.train.objectives.base import OBJECTIVES


@dataclass(frozen=True)
class Purpose:
    name: str  # of the run kind, and of the command
    title: str
    deed: str  # as a sentence names it
    about: str
    recipe: str


PURPOSES = {
    purpose.name: purpose
    for purpose in (
        Purpose(
            "transfer",
            "Transfer",
            "A transfer",
            "Moves a model onto another tokenizer.",
            "subword-to-subword",
        ),
        Purpose(
            "finetune",
            "Fine-tune",
            "Fine-tuning",
            "Trains a model on your text; it keeps its tokenizer.",
            "fine-tune",
        ),
        Purpose(
            "distil",
            "Distil",
            "Distillation",
            "A smaller model learns from a larger one with the same tokenizer.",
            "distil",
        ),
    )
}


def same_reference(one: str, other: str) -> bool:
    return one.rstrip("/\\") == other.rstrip("/\\")


def purpose_of(config: TransferConfig) -> str:
    """The run kind that these settings describe."""
    if not same_reference(config.model, config.tokenizer):
        return "transfer"
    taught = any(OBJECTIVES[name].needs_teacher for name in config.objectives if name in list(OBJECTIVES))
    return "distil" if taught else "finetune"


def target_reference(config: TransferConfig) -> str:
    """The tokenizer that a run with these settings moves the model onto. `bytes` has no tokenizer.json to export; the
    same bytes with the source's special tokens have one. Raises ModelError."""
    if config.tokenizer != "bytes":
        return config.tokenizer
    base = config.model if config.model.startswith("demo:") else str(model_folder(config.model))
    return f"{base}:conversion=byte"


def own_tokenizer(config: TransferConfig) -> TransferConfig:
    return replace(config, tokenizer=config.model)


def check_purpose(name: str, config: TransferConfig) -> None:
    """Raises ConfigError where `config` is not of this kind of run."""
    if name == "transfer":
        return
    deed = PURPOSES[name].deed
    if not same_reference(config.model, config.tokenizer):
        raise ConfigError(
            f"{deed} keeps the model's own tokenizer, but these settings name another: {config.tokenizer}.",
            hint="Leave `tokenizer` out, or use `tokstudio transfer`.",
        )
    if config.s2t2.translates:
        raise ConfigError(
            f"{deed} has no translation stage: the tokenizer stays.",
            hint="Set s2t2.steps=0 and s2t2.plan to nothing.",
        )
    if name == "distil" and not config.teacher:
        raise ConfigError(
            "Distillation needs a teacher.",
            hint="Name the folder of a larger model with the same tokenizer: --teacher FOLDER.",
        )
