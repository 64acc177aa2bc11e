"""How much memory a transfer takes, by counting. No torch: the window says it before anything is loaded.

Sizes are in values, results in bytes. Counts of what a step keeps were fitted to measured peaks of the demo transfer,
of LoRA and of bytes on the CPU (lab notes of 2026-11-26); `tokstudio.runs.probe` measures two steps instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tokstudio.train.config import TransferConfig
from tokstudio.train.objectives.base import OBJECTIVES

FLOAT = 4
ACTIVATIONS = 16  # hidden-sized values that a Llama-like layer keeps of a token, beside those of its MLP
MLP_VALUES = 4  # intermediate-sized ones
ADAPTED = 1.3  # LoRA: both ways through each matrix are kept
LEAN = 12  # hidden-sized values in all where layers are as in models/lean.py, adapted or not
HALVED = 0.6  # of the activations, where products are in bf16
HEAP = 1.25  # on the CPU: batches of many lengths leave holes between what lives
PROCESS = 415e6  # resident on Linux with PyTorch and transformers loaded, before there is a model
LOADED = 95e6  # that come with the first step: peft, the optimizer's own imports, prepared products of oneDNN
OWN_LOGITS = 3.0  # copies of the student's logits where they are made whole: themselves, in fp32, gradient
DISTRIBUTION = 5.0  # further ones for each objective that compares whole distributions
TAUGHT = 1.0  # copies of the teacher's logits
CHUNK = {"cpu": 1 << 21, "cuda": 1 << 28}  # logits and their factors at one time, as in train/head.py
DISTRIBUTIONS = 1 << 24  # logits up to which distributions are compared at once, as in train/readings.py
TERMS = 8  # values of each logit of a chunk where they are not
HELD_OUT_WINDOWS = 16  # measured at a time
MEASURED = 8  # hidden-sized values that a measurement has of a token at one time
WHOLE_ELEMENTS = {"cpu": 1 << 22, "cuda": 1 << 26}  # logits that it makes at once, as in train/evaluate.py


@dataclass(frozen=True)
class Sizes:
    """`tokens`, `taught`: of the largest forward pass of student and teacher, padding included."""

    student: int
    trained: int
    teacher: int  # held beside the student
    hidden: int
    intermediate: int
    layers: int
    vocabulary: int
    taught_vocabulary: int
    tokens: int
    taught: int
    plan: int = 0  # scores that a translation trains before


def memory_parts(
    sizes: Sizes, config: TransferConfig, *, cuda: bool = False, process: float = PROCESS
) -> Mapping[str, int]:
    """Bytes by what they are for, at the peak of a run."""
    heap = 1.0 if cuda else HEAP
    train = config.train
    half = train.precision == "bf16" or (train.precision == "auto" and cuda)
    layer = ACTIVATIONS * sizes.hidden + MLP_VALUES * sizes.intermediate
    layer *= ADAPTED if config.mode == "lora" else 1.0
    layer = (layer if cuda else LEAN * sizes.hidden) * (HALVED if half else 1.0)
    kept = sizes.layers * layer
    if train.gradient_checkpointing:  # one layer at a time, and what goes into each
        kept = layer + sizes.layers * sizes.hidden
    held = kept + 2 * sizes.hidden
    activations = heap * sizes.tokens * held * FLOAT
    logits = heap * _logits(sizes, config, cuda) * FLOAT
    gradients = sizes.trained * FLOAT
    more = (
        heap * _measurement(sizes, config, cuda) * FLOAT - activations - logits - gradients
    )  # not both at once
    return {
        "process": 0 if cuda else int(process + LOADED),
        "weights": sizes.student * FLOAT,
        "teacher": sizes.teacher * FLOAT,
        "gradients": gradients,
        "optimizer": optimizer_bytes(sizes, config),
        "translation": sizes.plan * FLOAT * 4,  # with gradients and two moments
        "activations": int(activations + max(0.0, more)),
        "logits": int(logits),
    }


def optimizer_bytes(sizes: Sizes, config: TransferConfig) -> int:
    """Moments: two numbers a weight, one under muon, two of 8 bits under adamw8bit; token rows always have two."""
    body = {"muon": 4.0, "adamw8bit": 2.1}.get(config.optimizer.name, 8.0)
    rows = min(sizes.trained, sizes.vocabulary * sizes.hidden)
    return int(8 * rows + body * (sizes.trained - rows))


def _logits(sizes: Sizes, config: TransferConfig, cuda: bool) -> float:
    """Values, of a training step."""
    device = "cuda" if cuda else "cpu"
    whole, taught = sizes.tokens * sizes.vocabulary, sizes.taught * sizes.taught_vocabulary
    known = [OBJECTIVES[name] for name in config.objectives if name in list(OBJECTIVES)]
    asking = sum("distributions" in entry.needs(config) for entry in known)
    step = min(CHUNK[device], whole) * 2
    if asking and whole <= DISTRIBUTIONS:
        return whole * (OWN_LOGITS + DISTRIBUTION * asking) + taught * TAUGHT
    if asking:  # the head's gradient, once for each
        return step + min(CHUNK[device], whole) * TERMS + asking * sizes.vocabulary * sizes.hidden
    return step + min(CHUNK[device], taught)


def _measurement(sizes: Sizes, config: TransferConfig, cuda: bool) -> float:
    """Values, of a measurement: without gradients, but of more windows at a time."""
    device = "cuda" if cuda else "cpu"
    held_out = -(-config.data.held_out_bytes // config.data.window_bytes)
    windows = min(HELD_OUT_WINDOWS, held_out) / max(1, config.train.batch_size)
    tokens = windows * sizes.tokens
    whole = tokens * sizes.vocabulary
    logits = 2 * whole if whole <= WHOLE_ELEMENTS[device] else 3 * CHUNK[device]
    return MEASURED * sizes.hidden * tokens + logits
