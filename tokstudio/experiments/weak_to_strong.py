"""Weak to strong: a plan learnt on a small model moves a larger one that has the same source tokenizer.

Four stages, each kept in the experiment's folder and done once: the larger model is trained where none is given
(for this comparison alone, it is no model to use), the plan is learnt on the small model with its body frozen, the
plan and the mean of pieces are applied to both models without any training, and all are measured on the same windows.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.errors import TransferError
from tokstudio.events import Log, Metrics, Phase, Stopped
from tokstudio.experiments.folder import same_settings, write
from tokstudio.train.config import (
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    PretrainConfig,
    TrainConfig,
    TransferConfig,
)
from tokstudio.train.control import Control, NoControl
from tokstudio.train.s2t2_config import S2t2Config
from tokstudio.train.settings import setting, to_dict

if TYPE_CHECKING:
    from tokstudio.tokens.base import Tokenizer
    from tokstudio.train.evaluation.texts import Measured

STARTS = ("original", "mean-pieces", "plan")
TITLES = {"original": "its own tokenizer", "mean-pieces": "mean of pieces", "plan": "the plan"}


@dataclass(frozen=True)
class WeakToStrongConfig:
    """Learn a plan on one model, apply it to a larger one."""

    name: str = setting("weak-to-strong", "Name")
    model: str = setting("demo:english", "Small model", "The plan is learnt on it.")
    strong: str = setting(
        "", "Larger model", "A model folder with the same tokenizer; empty: one is trained first."
    )
    tokenizer: str = setting(
        "demo:code", "Target tokenizer", "Empty: a byte BPE is learnt from the training text."
    )
    vocabulary: int = setting(1024, "Size of a learnt target vocabulary", low=260)
    data: str = setting("python", "Data", 'A text file, a folder, or "python": the library of this Python.')
    steps: int = setting(120, "Translation steps", "On the small model, its body frozen.", low=1)
    batch_size: int = setting(8, "Batch", "Windows of text in a step.", low=1)
    window_bytes: int = setting(1024, "Window", unit="bytes", low=32)
    held_out_bytes: int = setting(65_536, "Held-out text", unit="bytes", low=1024)
    strong_steps: int = setting(300, "Steps of the larger model", "Where one is trained.", low=1)
    strong_data: str = setting("python", "Text of the larger model", "Where one is trained.")
    seed: int = setting(17, "Seed", low=0)
    threads: int = setting(0, "CPU threads", "0: all cores.", low=0)
    device: str = setting("auto", "Device")
    shape: ModelConfig = field(
        default_factory=lambda: ModelConfig(
            hidden_size=320, intermediate_size=800, num_hidden_layers=6, num_attention_heads=5
        )
    )
    s2t2: S2t2Config = field(
        default_factory=lambda: S2t2Config(candidates=32, learning_rate=0.005, spread=0.01)
    )


def run(
    config: WeakToStrongConfig,
    folder: Path,
    tell: Callable[[str], None] = lambda line: None,
    control: Control | None = None,
) -> dict[str, Any] | None:
    """The result, also written to `result.json` and `table.md`; None where a stop was asked for.

    Raises TransferError where the two models do not have the same source tokenizer.
    """
    from tokstudio.transfer.plan import load_plan

    control = control or NoControl()
    folder.mkdir(parents=True, exist_ok=True)
    same_settings(config, folder, loose={"threads"})
    done = folder / "result.json"
    if done.exists():
        return json.loads(done.read_text())
    source = _same_tokenizer(config)
    strong = _strong(config, folder / "strong", tell, control)
    if strong is None:
        return None
    target = _target(config, folder / "target")
    if not _learnt(config, target, folder / "weak", tell, control):
        return None
    plan = load_plan(folder / "weak" / "plan.safetensors")
    figures = {}
    for who, model in (("weak", config.model), ("strong", strong)):
        tell(f"Measuring the {'small' if who == 'weak' else 'larger'} model")
        figures[who] = _compared(_measured(config, model, target, source, plan))
    result = {
        "experiment": config.name,
        "settings": to_dict(config),
        "plan": {
            "file": str(folder / "weak" / "plan.safetensors"),
            "bytes": (folder / "weak" / "plan.safetensors").stat().st_size,
            "entries_per_row": float(plan.input.counts.mean()),
        },
        "strong_model": strong,
        "models": figures,
    }
    write(done, json.dumps(result, indent=1))
    write(folder / "table.md", table(result))
    return result


def _same_tokenizer(config: WeakToStrongConfig) -> "Tokenizer":
    """Looked at first: learning a plan that does not fit would be work for nothing."""
    from tokstudio.tokens.reference import load_tokenizer

    source = load_tokenizer(config.model)
    if config.strong:
        other = load_tokenizer(config.strong)
        if other.fingerprint != source.fingerprint:
            raise TransferError(
                f"The larger model's tokenizer {other.name} ({other.fingerprint[:12]}) is not the small model's, "
                f"{source.name} ({source.fingerprint[:12]}): a plan learnt on one does not fit the other.",
                hint="Choose two models of one family, with exactly the same tokenizer.",
            )
    return source


def _strong(config: WeakToStrongConfig, folder: Path, tell, control: Control) -> str | None:
    """The larger model's folder. None where a stop was asked for."""
    if config.strong:
        return config.strong
    model = folder / "model"
    if model.exists():
        return str(model)
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.pretrain import run as pretrain
    from tokstudio.transfer.export import write_tokenizer

    folder.mkdir(exist_ok=True)
    tell("Training the larger model, for this comparison alone")
    settings = PretrainConfig(
        tokenizer=config.model,
        model=config.shape,
        data=DataConfig(corpus=config.strong_data, held_out_bytes=config.held_out_bytes),
        optimizer=OptimizerConfig(
            learning_rate=0.002, embedding_learning_rate=0.004, warmup_steps=10, decay_share=0.4
        ),
        train=_train(config, config.strong_steps),
    )
    if not _through(pretrain(settings, folder, control, (folder / "checkpoints").exists()), tell):
        return None
    draft = folder / "export"
    write_tokenizer(load_tokenizer(config.model), draft)
    draft.rename(model)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return str(model)


def _target(config: WeakToStrongConfig, folder: Path) -> str:
    if config.tokenizer:
        return config.tokenizer
    from tokstudio.tokens.train import train_bpe
    from tokstudio.train.corpus import load_corpus

    if not (folder / "tokenizer_config.json").exists():
        train_bpe((d.text for d in load_corpus(config.data).train), folder, vocab_size=config.vocabulary)
    return str(folder)


def _learnt(config: WeakToStrongConfig, target: str, folder: Path, tell, control: Control) -> bool:
    """Is the plan there? False where a stop was asked for."""
    if (folder / "learnt.json").exists():
        return True
    from tokstudio.train.transfer import run as transfer

    folder.mkdir(exist_ok=True)
    tell("Learning the plan on the small model")
    settings = TransferConfig(
        model=config.model,
        tokenizer=target,
        objectives=("next_token",),
        weights=(1.0,),
        data=DataConfig(
            corpus=config.data, window_bytes=config.window_bytes, held_out_bytes=config.held_out_bytes
        ),
        train=_train(config, 1),
        s2t2=replace(config.s2t2, steps=config.steps, finetune=False),
        check_export=False,
    )
    resume = (folder / "translation" / "checkpoints").exists()
    if not _through(transfer(settings, folder, control, resume), tell):
        return False
    write(folder / "learnt.json", "{}")
    return True


def _train(config: WeakToStrongConfig, steps: int) -> TrainConfig:
    return TrainConfig(
        steps=steps,
        batch_size=config.batch_size,
        seed=config.seed,
        device=config.device,
        threads=config.threads,
        evaluate_every=50,
        checkpoint_every=50,
        sample_every=1 << 30,
        sample_tokens=1,
        keep_checkpoints=1,
    )


def _through(events: Iterator[Any], tell) -> bool:
    """Tell what happens. False where a stop was asked for."""
    for event in events:
        if isinstance(event, Metrics) and "bits_per_byte" in event.values:
            tell(f"  step {event.step}: {event.values['bits_per_byte']:.4f} bits per byte")
        elif isinstance(event, Phase | Log):
            tell(f"  {event.name if isinstance(event, Phase) else event.message}")
        elif isinstance(event, Stopped):
            return False
    return True


def _measured(
    config: WeakToStrongConfig, reference: str, target: str, source: "Tokenizer", plan
) -> "Measured":
    """The model as it is, by the mean of pieces and by the plan, on the same windows; nothing is trained."""
    from tokstudio.models.device import pick_device
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.evaluation.subject import Subject
    from tokstudio.train.evaluation.texts import measure
    from tokstudio.train.evaluation.windows import COMMON, cut_windows
    from tokstudio.transfer.surgery import apply_plan, replace_vocabulary

    device, new = pick_device(config.device), load_tokenizer(target)
    models = {start: load_model(reference) for start in STARTS}
    replace_vocabulary(models["mean-pieces"], source, new, method="mean-pieces", seed=config.seed)
    apply_plan(models["plan"], source, new, plan)
    subjects = [
        Subject(TITLES[start], model.to(device).eval(), source if start == "original" else new)
        for start, model in models.items()
    ]
    windows = cut_windows(
        load_corpus(config.data).held_out,
        [subject.tokenizer for subject in subjects],
        cut=COMMON,
        window_bytes=config.window_bytes,
        total_bytes=config.held_out_bytes,
    )
    return measure(subjects, windows, batch_size=config.batch_size)


def _compared(found: "Measured") -> dict[str, Any]:
    each = {start: found.result(k).value for k, start in enumerate(STARTS)}
    loss = {start: each[start] - each["original"] for start in STARTS[1:]}
    return {
        "bits_per_byte": each,
        "lost": loss,
        "recovered": 1 - loss["plan"] / loss["mean-pieces"] if loss["mean-pieces"] > 0 else None,
        "difference": dict(found.difference(1, 2)),
        "bytes": int(found.bytes.sum()),
        "documents": found.documents,
    }


def table(result: dict[str, Any]) -> str:
    """Markdown: both models, each start."""
    lines = [
        "Bits per byte of held-out text, without any training of the model.",
        "",
        "| model | its own tokenizer | mean of pieces | the plan | plan less mean of pieces |",
        "| --- | --- | --- | --- | --- |",
    ]
    for who, title in (("weak", "small, the plan learnt on it"), ("strong", "larger, the plan applied")):
        told = result["models"][who]
        cells = " | ".join(f"{told['bits_per_byte'][start]:.4f}" for start in STARTS)
        lines.append(f"| {title} | {cells} | {_between(told['difference'])} |")
    plan = result["plan"]
    lines += ["", f"The plan: {plan['entries_per_row']:.2f} entries a row, {plan['bytes']:,} bytes."]
    return "\n".join(lines) + "\n"


def _between(difference: dict[str, Any]) -> str:
    text, interval = f"{difference['bits_per_byte']:+.4f}", difference["interval"]
    if interval is None:
        return text
    return f"{text} (95 %: {interval['low']:+.4f} to {interval['high']:+.4f})"
