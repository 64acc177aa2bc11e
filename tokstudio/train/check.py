"""What the types of a transfer's settings cannot say."""

import math

from tokstudio.errors import ConfigError
from tokstudio.train.aggregate.scheduled import checked
from tokstudio.train.config import TransferConfig
from tokstudio.train.objectives.base import OBJECTIVES
from tokstudio.train.optim import bitsandbytes
from tokstudio.transfer.base import METHODS


def check_config(config: TransferConfig) -> None:
    """What the types cannot say. Raises ConfigError."""
    if len(config.objectives) != len(config.weights):
        raise ConfigError(
            f"There are {len(config.objectives)} objectives but {len(config.weights)} weights.",
            hint="Give one weight for each objective.",
        )
    if not all(math.isfinite(w) and w >= 0 for w in config.weights) or not any(config.weights):
        raise ConfigError(
            f"The weights {list(config.weights)} cannot be used.",
            hint="Give finite numbers that are not negative, at least one of them above 0.",
        )
    if len(set(config.objectives)) != len(config.objectives):
        raise ConfigError(
            "An objective is named twice.", hint="Name each once; its weight says how much it counts."
        )
    if config.aggregate.name == "scheduled":
        checked(config.aggregate.schedules, len(config.objectives))
    if config.optimizer.name == "adamw8bit":
        bitsandbytes()  # known before the training, and not after the model is loaded
    if config.train.teacher_cache:
        if wants := [n for n in config.objectives if not OBJECTIVES[n].cached]:
            raise ConfigError(
                f"The teacher cache does not hold what {wants[0]} needs.",
                hint="It serves next_token, sft and alm. Set train.teacher_cache=false, or leave that objective out.",
            )
        if config.s2t2.translates:
            raise ConfigError(
                "The teacher cache and a translation stage do not go together yet.",
                hint="Set train.teacher_cache=false.",
            )
    if config.s2t2.head == "prob" and config.s2t2.solver == "free" and config.s2t2.translates:
        raise ConfigError(
            "Weights without a constraint may be negative, so they can hand on no probabilities.",
            hint="Set s2t2.head=logit, or another s2t2.solver.",
        )
    if (
        config.s2t2.steps
        and not config.s2t2.plan
        and config.method in list(METHODS)
        and METHODS[config.method].fits
    ):
        raise ConfigError(
            f"A translation stage starts at mixtures of source rows; {METHODS[config.method].title} fits rows "
            "that are none.",
            hint="Set method=mean-pieces, which it starts from, or s2t2.steps=0.",
        )
    if config.s2t2.translates and (config.input_norm, config.output_norm) != (
        "none",
        "none",
    ):
        raise ConfigError(
            "input_norm and output_norm are of initializations; a translation has its own way.",
            hint="Set both to none, and s2t2.norm=sources for mixtures as long as their rows.",
        )
    if config.teacher and config.s2t2.translates:
        raise ConfigError(
            "A translation stage learns from the source model itself, not from another teacher.",
            hint="Leave teacher empty, or set s2t2.steps=0.",
        )
    if (config.expansion.longest or config.projector.kind != "identity") and config.s2t2.translates:
        raise ConfigError(
            "Subword context and a row network do not go together with a translation stage.",
            hint="Set s2t2.steps=0, or expansion.longest=0 and projector.kind=identity.",
        )
    if not config.objectives:
        raise ConfigError(
            "There is no objective to train for.", hint="Name at least one, for example next_token."
        )
