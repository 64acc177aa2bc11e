"""What an experiment is told. Every arm sees the same bytes: the same windows of text in the same order."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from tokstudio.errors import ConfigError
from tokstudio.experiments.base import Design, Prepared, train_config
from tokstudio.experiments.folder import write
from tokstudio.train.config import OptimizerConfig, TransferConfig
from tokstudio.train.s2t2_config import S2t2Config
from tokstudio.train.settings import setting


@dataclass(frozen=True)
class ExperimentConfig:
    """Move one model onto a tokenizer learnt from a new domain, in several ways."""

    name: str = setting("protein", "Name")
    model: str = setting("demo:english", "Source model")
    data: str = setting("", "Data", "A FASTA file, or a folder with text files.")
    kind: str = setting("fasta", "Kind of data", choices=("fasta", "text"))
    vocabulary: int = setting(
        512, "Target vocabulary", "Tokens of the byte BPE learnt from the data.", low=260
    )
    translation_steps: int = setting(
        50, "Translation steps", "Of all steps, in the arms that translate.", low=1
    )
    steps: int = setting(400, "Steps", "In all, the same for each arm.", low=2)
    seeds: int = setting(3, "Seeds", "Repetitions with other random numbers.", low=1)
    batch_size: int = setting(16, "Batch", "Windows of text in a step.", low=1)
    window_bytes: int = setting(1024, "Window", unit="bytes", low=32)
    held_out_bytes: int = setting(98_304, "Held-out text", unit="bytes", low=1024)
    data_bytes: int = setting(8_000_000, "Data used", "At most.", unit="bytes", low=4096)
    evaluate_every: int = setting(50, "Measure every", unit="steps", low=1)
    arms: tuple[str, ...] = setting((), "Arms", "Empty: all.")
    threads: int = setting(0, "CPU threads", "0: all cores.", low=0)
    device: str = setting("auto", "Device")
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            learning_rate=5e-4, embedding_learning_rate=5e-3, copied_row_rate=1.0, warmup_steps=10
        )
    )
    # Half of each row spread over all columns: measured on proteins (24 steps of 8 windows, one seed), a start of 5.02
    # bits per byte instead of 5.59 with 0.05, and 4.41 instead of 4.78 after the translation alone. The rate: 2.291 at
    # the end with 0.01, 2.306 with 0.02, 2.310 with 0.04 (Japanese manual pages, one seed, 12 + 88 steps).
    s2t2: S2t2Config = field(default_factory=lambda: S2t2Config(candidates=0, learning_rate=0.01, spread=0.5))


def protein() -> ExperimentConfig:
    return ExperimentConfig()


def domain() -> ExperimentConfig:
    return ExperimentConfig(name="domain", kind="text")


PRESETS = {"protein": protein, "domain": domain}


@dataclass(frozen=True)
class Arm:
    """`tuned`: go on with all weights after the translation, or from the start where there is none."""

    name: str
    title: str
    method: str = "mean-pieces"
    solver: str = ""  # empty: no translation
    own_tokenizer: bool = False  # keep the source tokenizer
    tuned: bool = True
    marginal: str = ""  # empty: the experiment's


ARMS = {
    arm.name: arm
    for arm in (
        Arm("source-tokenizer", "Source tokenizer, fine-tuned", own_tokenizer=True),
        Arm("random", "Random rows, fine-tuned", method="random"),
        Arm("mean-pieces", "Mean of pieces, fine-tuned"),
        Arm("focus", "FOCUS, fine-tuned", method="focus"),
        Arm("free", "Unconstrained translation, then fine-tuned", solver="free"),
        Arm("dense", "Dense Sinkhorn, then fine-tuned", solver="softmax"),
        Arm("s2t2-random", "S2T2 from random, then fine-tuned", method="random", solver="sparsemax"),
        Arm("s2t2", "S2T2 from mean of pieces, then fine-tuned", solver="sparsemax"),
        Arm("rows", "Sparse rows, no source marginal, then fine-tuned", solver="sparsemax", marginal="none"),
        Arm("free-only", "Unconstrained translation alone", solver="free", tuned=False),
        Arm("dense-only", "Dense Sinkhorn alone", solver="softmax", tuned=False),
        Arm("s2t2-random-only", "S2T2 from random alone", method="random", solver="sparsemax", tuned=False),
        Arm("s2t2-only", "S2T2 from mean of pieces alone", solver="sparsemax", tuned=False),
    )
}


# The best of three rates each, on the same data: dense Sinkhorn, whose scores are logarithms, 2.363 at 0.06, 2.371 at
# 0.2, 2.385 at 0.6; without a constraint, where steps of a whole dense row add up, 2.303 at 2e-4, 2.336 at 6e-4, 2.561
# at 2e-3.
RATES = {"softmax": 6.0, "free": 0.02}


def transfer_config(
    config: ExperimentConfig, arm: Arm, *, corpus: str, target: str, seed: int
) -> TransferConfig:
    """The run of one arm. All steps of an arm add up to the same number."""
    from dataclasses import replace

    from tokstudio.train.config import DataConfig

    translated = 0 if not arm.solver else config.translation_steps if arm.tuned else config.steps
    rate = config.s2t2.learning_rate * RATES.get(arm.solver, 1.0)
    s2t2 = replace(
        config.s2t2,
        steps=translated,
        solver=arm.solver or "sparsemax",
        marginal=arm.marginal or config.s2t2.marginal,
        learning_rate=rate,
        finetune=arm.tuned,
    )
    return TransferConfig(
        model=config.model,
        tokenizer=config.model if arm.own_tokenizer else target,
        method=arm.method,
        objectives=("next_token",),
        weights=(1.0,),
        data=DataConfig(
            corpus=corpus, window_bytes=config.window_bytes, held_out_bytes=config.held_out_bytes
        ),
        optimizer=config.optimizer,
        train=train_config(config, config.steps - translated if arm.tuned else 1, seed),
        s2t2=s2t2,
        check_export=False,
    )


def check(config: ExperimentConfig) -> None:
    if config.translation_steps >= config.steps:
        raise ConfigError(
            f"Of {config.steps} steps, {config.translation_steps} cannot be the translation's.",
            hint="Give more steps, or fewer translation_steps.",
        )


def prepare(config: ExperimentConfig, folder: Path) -> Prepared:
    """The corpus, the target tokenizer learnt from its training part, and the reference figures."""
    from tokstudio.experiments.data import write_corpus
    from tokstudio.experiments.references import references
    from tokstudio.tokens.train import train_bpe
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.data import held_out_windows

    path = write_corpus(config.kind, config.data, folder / "corpus.jsonl", limit=config.data_bytes)
    corpus = load_corpus(str(path))
    target = folder / "target"
    if not (target / "tokenizer_config.json").exists():
        train_bpe((d.text for d in corpus.train), target, vocab_size=config.vocabulary)
    known = folder / "references.json"
    if not known.exists():
        held_out = held_out_windows(
            corpus.held_out, window_bytes=config.window_bytes, total_bytes=config.held_out_bytes
        )
        write(known, json.dumps(references([d.text for d in corpus.train], held_out), indent=1))
    return Prepared(str(path), str(target), json.loads(known.read_text()))


DESIGN = Design(
    arms=ARMS,
    stages={"start": "start", "translated": "translated", "end": "end"},
    check=check,
    prepare=prepare,
    transfer=lambda config, arm, prepared, seed: transfer_config(
        config, arm, corpus=prepared.corpus, target=prepared.target, seed=seed
    ),
)
