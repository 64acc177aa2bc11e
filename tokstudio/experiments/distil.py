"""One model onto one tokenizer by different objectives: the same text in the same order, so equal tokens.

Every arm starts from the same rows. Baselines are as their papers have them: ULD and DSKD beside the next token, MinED
with the answer where chunks are longer than a token. Three figures are compared: bits per byte of held-out text, the
distance to the teacher on it (mean over bytes of |log2 p_teacher - log2 p_student| of every chunk), and bits per byte
of text of another kind, where some is named: a student that follows its data loses there what its teacher knew.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tokstudio.experiments.base import Design, Prepared, train_config
from tokstudio.experiments.folder import write
from tokstudio.train.config import (
    AlmConfig,
    DataConfig,
    KdConfig,
    OptimizerConfig,
    TransferConfig,
)
from tokstudio.train.settings import setting


@dataclass(frozen=True)
class DistilConfig:
    """Move one model onto one tokenizer by different objectives."""

    name: str = setting("distil", "Name")
    model: str = setting("demo:english", "Source model")
    tokenizer: str = setting("demo:code", "Target tokenizer")
    method: str = setting("mean-pieces", "Initialization")
    data: str = setting("python", "Data", 'A text file, a folder, a JSON-lines file, or "python".')
    elsewhere: str = setting("", "Other text", "Measured at the end, never trained on. Empty: none.")
    steps: int = setting(240, "Steps", "The same for each arm.", low=1)
    seeds: int = setting(3, "Seeds", "Repetitions with other random numbers.", low=1)
    batch_size: int = setting(3, "Batch", "Windows of text in a step.", low=1)
    window_bytes: int = setting(1024, "Window", unit="bytes", low=32)
    held_out_bytes: int = setting(65_536, "Held-out text", unit="bytes", low=1024)
    evaluate_every: int = setting(40, "Measure every", unit="steps", low=1)
    arms: tuple[str, ...] = setting((), "Arms", "Empty: all.")
    threads: int = setting(0, "CPU threads", "0: all cores.", low=0)
    device: str = setting("auto", "Device")
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            learning_rate=5e-4, embedding_learning_rate=0.02, copied_row_rate=0.05, warmup_steps=4
        )
    )
    alm: AlmConfig = field(default_factory=AlmConfig)
    kd: KdConfig = field(default_factory=KdConfig)


@dataclass(frozen=True)
class Arm:
    name: str
    title: str
    objectives: tuple[str, ...]
    weights: tuple[float, ...] = (1.0,)
    alm: Mapping[str, Any] = field(default_factory=dict)  # instead of the experiment's


ARMS = {
    arm.name: arm
    for arm in (
        Arm("sft", "Next token alone", ("sft",)),
        Arm("uld", "ULD, with the next token", ("sft", "uld"), (1.0, 1.5)),
        Arm("mined", "MinED", ("mined",)),
        Arm("dskd", "DSKD, with the next token", ("sft", "dskd"), (0.5, 0.5)),
        Arm("alm", "ALM", ("alm",)),
        Arm("alm+sft", "ALM and next token", ("sft", "alm"), (1.0, 1.0)),
        Arm(
            "alm-pairs",
            "ALM, debiased by pairs of tokens",
            ("alm",),
            alm={"chunks": "pairs", "boundary_mass": False},
        ),
        # as its paper's ablation: no chunk is merged, no word end is added
        Arm(
            "alm-plain",
            "ALM without debiasing",
            ("alm",),
            alm={"chunks": "unconstrained", "boundary_mass": False},
        ),
    )
}


def check(config: DistilConfig) -> None:
    """The types say it all."""


def prepare(config: DistilConfig, folder: Path) -> Prepared:
    known = folder / "references.json"
    if not known.exists():
        found = _source_elsewhere(config) if config.elsewhere else {}
        write(known, json.dumps(found, indent=1))
    return Prepared(config.data, config.tokenizer, json.loads(known.read_text()))


def transfer_config(config: DistilConfig, arm: Arm, prepared: Prepared, seed: int) -> TransferConfig:
    return TransferConfig(
        model=config.model,
        tokenizer=prepared.target,
        method=config.method,
        objectives=arm.objectives,
        weights=arm.weights,
        data=DataConfig(
            corpus=prepared.corpus,
            window_bytes=config.window_bytes,
            held_out_bytes=config.held_out_bytes,
        ),
        optimizer=config.optimizer,
        train=train_config(config, config.steps, seed),
        alm=replace(config.alm, **arm.alm),
        kd=config.kd,
        check_export=False,
    )


def after(config: DistilConfig, prepared: Prepared, folder: Path) -> dict[str, float]:
    """Distance to the source model on held-out text, and bits per byte of other text, of the finished export."""
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer

    student = load_model(str(folder / "export")).eval()
    target = load_tokenizer(str(folder / "export"))
    found = {"apart": _apart(config, student, target)}
    if config.elsewhere:
        found["elsewhere"] = _bits(config, student, target)
    return found


def _apart(config: DistilConfig, student: Any, target: Any) -> float:
    """Bits per byte by which source and student differ on the chunks of held-out text."""
    import math

    import torch

    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.chunks import chunk
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.data import held_out_windows
    from tokstudio.train.forward import scores_of
    from tokstudio.train.packing import batches

    teacher, source = load_model(config.model).eval(), load_tokenizer(config.model)
    texts = held_out_windows(
        load_corpus(config.data).held_out,
        window_bytes=config.window_bytes,
        total_bytes=config.held_out_bytes // 2,
    )
    sides = [
        (tokenizer, model.config.max_position_embeddings)
        for tokenizer, model in ((source, teacher), (target, student))
    ]
    nats = size = 0.0
    for start in range(0, len(texts), 8):
        taken = texts[start : start + 8]
        both = batches(sides, taken, DataConfig(too_long="cut"))
        chunks = chunk(*both)
        totals = []
        for model, batch, token, where in (
            (teacher, both[0], chunks.teacher_token, chunks.teacher_chunk),
            (student, both[1], chunks.student_token, chunks.student_chunk),
        ):
            with torch.no_grad():
                picked = scores_of(model, batch, needs=frozenset(), precision="fp32").picked
            whole = torch.nn.functional.pad(picked, (0, 1)).flatten()[torch.from_numpy(token)]
            total = torch.zeros(len(chunks.text))
            totals.append(total.index_add_(0, torch.from_numpy(where), whole))
        nats += float((totals[0] - totals[1]).abs().sum())
        size += sum(len(text.encode()) for text in taken)
    return nats / math.log(2) / size


def _source_elsewhere(config: DistilConfig) -> dict[str, float]:
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer

    value = _bits(config, load_model(config.model).eval(), load_tokenizer(config.model))
    return {"source model, other text": value}


def _bits(config: DistilConfig, model: Any, tokenizer: Any) -> float:
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.data import held_out_windows
    from tokstudio.train.evaluate import bits_per_byte

    corpus = load_corpus(config.elsewhere)
    texts = held_out_windows(
        [*corpus.held_out, *corpus.train],
        window_bytes=config.window_bytes,
        total_bytes=config.held_out_bytes,
    )
    return bits_per_byte(model, tokenizer, texts).value


DESIGN = Design(
    arms=ARMS,
    stages={
        "start": "start",
        "end": "end",
        "apart": "from the teacher",
        "elsewhere": "other text",
    },
    check=check,
    prepare=prepare,
    transfer=transfer_config,
    after=after,
    one_start=True,
)
