"""What is tried before a transfer starts. Each check answers with a state and one line."""

import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from tokstudio.align.special_map import KEPT, NEW, RENAMED, SpecialMap
from tokstudio.errors import TokstudioError
from tokstudio.runs import device
from tokstudio.runs.store import RunStore
from tokstudio.train.config import TransferConfig, demo
from tokstudio.ui.transfer_cards.facts import CorpusFacts, ModelFacts, PairFacts
from tokstudio.ui.words import counted, size


@dataclass(frozen=True)
class Check:
    state: Literal["ok", "warn", "bad", "run"]
    text: str
    fix: str = ""  # what one press does, where it is not the usual


ROWS = (
    ("folder", "Run folder is writable"),
    ("model", "Source model"),
    ("round", "Tokenizer round trip"),
    ("special", "Special tokens"),
    ("corpus", "Corpus and held-out text"),
    ("device", "Device"),
    ("runtime", "Training runtime"),
    ("others", "No other run"),
)


def failed(error: TokstudioError) -> Check:
    return Check("bad", f"{error} {error.hint}".strip())


def folder(path: Path, needed: float) -> Check:
    """Writes nothing that stays; a folder that is not there yet is tried where it will be made."""
    place = next((part for part in (path, *path.parents) if part.exists()), path)
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        return Check(
            "bad", f"{path} cannot be written: {error.strerror}. Set TOKSTUDIO_HOME to another folder."
        )
    if free < needed:
        return Check(
            "bad", f"{size(free)} free in {path}, the run needs about {size(needed)}. Free some space."
        )
    return Check("warn" if free < 2 * needed else "ok", f"{path}, {size(free)} free")


def model(facts: ModelFacts) -> Check:
    kind = {"F16": "float16", "BF16": "bfloat16", "F32": "float32"}.get(facts.dtype, facts.dtype)
    return Check("ok", f"{facts.parameters / 1e6:.1f} M parameters, {kind}, {facts.vocabulary:,} rows")


def round_trip(facts: PairFacts) -> Check:
    if not facts.lines:
        return Check("warn", "There is no text yet to try it on.")
    text = f"{facts.exact_lines:,} of {facts.lines:,} held-out lines exact"
    text = f"the example above {'is' if facts.exact_lines else 'is not'} exact" if facts.lines == 1 else text
    if facts.exact_lines == facts.lines:
        return Check("ok", text)
    return Check("warn", f"{text}. Text that the tokenizer changes is lost to the new model.")


def special(found: SpecialMap) -> Check:
    if found.warnings:
        return Check("warn", " ".join(found.warnings))
    kept = sum(pair.fate in (KEPT, RENAMED) for pair in found.pairs)
    new = sum(pair.fate == NEW for pair in found.pairs)
    return Check("ok", f"{kept} with a counterpart" + (f", {new} new" if new else ""))


def corpus(facts: CorpusFacts) -> Check:
    if facts.streamed:
        return Check("ok" if facts.sample else "warn", facts.streamed)
    split = f"{size(facts.train_bytes)} to train on, {size(facts.held_out_bytes)} held out"
    return Check("ok", f"{split}, no document in both")


def cure(key: str, config: TransferConfig) -> dict[str, Any]:
    """The settings, by dotted name, that put a failed check right."""
    train = config.train
    return {
        "folder": {"train.keep_checkpoints": 1},
        "model": {"model": demo().model},
        "round": {"tokenizer": demo().tokenizer},
        "corpus": {"data.corpus": "python", "data.stream": False},
        "device": {
            "train.batch_size": max(1, train.batch_size // 2),
            "train.accumulate": train.accumulate * (2 if train.batch_size > 1 else 1),
        },
    }[key]


def others(store: RunStore) -> Check:
    live = [info.name for info in store.runs() if info.live]
    if not live:
        return Check("ok", "the device is free")
    return Check("warn", f"{counted(len(live), 'run')} going ({', '.join(live[:2])}): both will be slower.")


@lru_cache(maxsize=1)
def ask_device() -> dict[str, Any]:
    """Takes seconds the first time; the answer holds until `ask_device.cache_clear()`. Raises RunError."""
    return device.ask()


def on_device(answer: dict[str, Any], needed: float, named: str = "auto") -> Check:
    """`named`: in the settings."""
    text = f"{answer['name']}, {size(answer['memory'])}"
    there = answer.get("devices", ["cpu"])
    if named != "auto" and named not in there:
        said = f"There is no device \u201c{named}\u201d here. This machine has: {', '.join(there)}."
        return Check("bad", said, fix="Choose it automatically")
    if needed > answer["memory"]:
        return Check("warn", f"{text}: the run needs about {size(needed)}. Choose a smaller batch.")
    return Check("ok", text)


def runtime(answer: dict[str, Any]) -> Check:
    import platform

    cuda = f", CUDA {answer['cuda']}" if answer.get("cuda") else ""
    return Check("ok", f"Python {platform.python_version()}, torch {answer['torch']}{cuda}")
