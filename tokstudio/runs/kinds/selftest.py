"""A run that counts: every state of a real one, with no model. For tests and for trying the window."""

import errno
import json
import math
import os
import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from tokstudio.errors import ConfigError, RunError
from tokstudio.events import (
    Checkpointed,
    Finished,
    Log,
    Metrics,
    Parked,
    Phase,
    Reference,
    Report,
    RunEvent,
    Sample,
    Started,
    Stopped,
)
from tokstudio.runs.control import Control
from tokstudio.runs.kinds import RunKind, register

ENDS = {"stop": Stopped, "park": Parked}
RATE = 1e-3  # learns nothing, but can be changed
PROMPT = "The value of the"
CONTINUATIONS = {
    "source": " attribute is returned as a string.",
    "target": " argument is used as the result.",
}


@dataclass(frozen=True)
class SelftestConfig:
    """Steps at which something goes wrong are -1 where nothing shall."""

    steps: int = 40
    pause: float = 0.0  # seconds a step takes
    prepare: float = 0.0  # seconds before the first step
    finish: float = 0.0  # seconds that each of the two phases after the last step takes
    save_every: int = 10
    evaluate_every: int = 10
    die_at: int = -1  # the process is gone at once, as after kill -9
    raise_at: int = -1  # a bug
    error_at: int = -1  # an error that a person can act on
    disk_full_at: int = -1
    ignore_stop: bool = False
    source: str = "tiktoken:cl100k_base"
    target: str = "bytes"


def load(path: Path) -> SelftestConfig:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}", hint="Write TOML, for example `steps = 40`."
        ) from None
    if unknown := set(values) - {f.name for f in fields(SelftestConfig)}:
        raise ConfigError(
            f"There is no setting {sorted(unknown)[0]!r}.", hint="Remove that line from config.toml."
        )
    return SelftestConfig(**values)


def run(config: SelftestConfig, folder: Path, control: Control, resume: bool) -> Iterator[RunEvent]:
    from tokstudio.train.changes import Changes

    yield Phase(name="Preparing the self-test")
    _sleep(config.prepare)
    first = _latest(folder) if resume else 0
    yield Started(total_steps=config.steps, step=first)
    yield Reference(metric="bits_per_byte", label="source model", value=1.42)
    yield Sample(
        step=first, who="source", prompt=PROMPT, text=CONTINUATIONS["source"], tokenizer=config.source
    )
    if first == 0:
        yield from _evaluate(config, 0)
    changes, step = Changes(folder), first
    if first == 0:
        changes.forget()
    while step < changes.steps(step, config.steps):
        step += 1
        _misfortune(config, step)
        time.sleep(config.pause)
        yield _metrics(config, step)
        if step % config.evaluate_every == 0:
            yield from _evaluate(config, step)
        ending = None
        while ending is None and not config.ignore_stop and (asked := control.poll()) is not None:
            if asked == "save":
                yield _save(folder, step)
            elif asked in ("evaluate", "sample"):
                yield from _evaluate(config, step)
            elif asked.startswith("set "):
                rate = changes.value("learning_rate", step, RATE)
                yield changes.take(
                    asked, step, {"steps": changes.steps(step, config.steps), "learning_rate": rate}
                )
            elif asked in ENDS:
                ending = asked
        if ending or step % config.save_every == 0:
            yield _save(folder, step)
        if ending:
            yield ENDS[ending](step=step)
            return
    yield Phase(name="Measuring the result")
    _sleep(config.finish)
    yield Phase(name="Checking the export")
    _sleep(config.finish)
    yield Report(values=_verdict(folder))
    yield Finished()


def _sleep(seconds: float) -> None:
    if seconds:
        time.sleep(seconds)


def _metrics(config: SelftestConfig, step: int) -> Metrics:
    loss = 2.0 + 3.0 * math.exp(-step / (config.steps / 4)) + 0.1 * math.sin(step * 12.9898)
    return Metrics(step=step, values={"loss": loss, "tokens_per_second": 900 + 60 * math.sin(step * 1.7)})


def _evaluate(config: SelftestConfig, step: int) -> Iterator[RunEvent]:
    value = 1.44 + 0.2 * math.exp(-step / (config.steps / 3))
    yield Metrics(step=step, values={"bits_per_byte": value})
    yield Log(level="info", message=f"bits per byte {value:.3f} at step {step}")
    yield Sample(
        step=step, who="target", prompt=PROMPT, text=CONTINUATIONS["target"], tokenizer=config.target
    )


def _misfortune(config: SelftestConfig, step: int) -> None:
    if step == config.die_at:
        os._exit(7)
    if step == config.raise_at:
        raise ValueError("boom")
    if step == config.error_at:
        raise RunError("The loss became NaN.", hint="Use a smaller learning rate, for example 3e-4.")
    if step == config.disk_full_at:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "checkpoints/step-20/model.safetensors")


def _save(folder: Path, step: int) -> Checkpointed:
    target = folder / "checkpoints" / f"step-{step}"
    part = target.with_name(f".step-{step}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    (part / "trainer.json").write_text(json.dumps({"step": step}))
    shutil.rmtree(target, ignore_errors=True)  # of an attempt whose steps are void
    part.rename(target)
    return Checkpointed(step=step, path=str(target), bytes=(target / "trainer.json").stat().st_size)


def _latest(folder: Path) -> int:
    names = [re.fullmatch(r"step-(\d+)", path.name) for path in (folder / "checkpoints").glob("step-*")]
    return max((int(name[1]) for name in names if name), default=0)


def _verdict(folder: Path) -> dict:
    export = folder / "export"
    export.mkdir(exist_ok=True)
    return {
        "source": {"model": "self-test", "tokenizer": "none", "vocab_size": 4096, "bits_per_byte": 1.42},
        "initialized": {"bits_per_byte": 1.64},
        "trained": {"bits_per_byte": 1.45},
        "gap_closed": 0.864,
        "export": {"path": str(export), "max_abs_logit_difference": 0.0, "checked": True},
    }


SELFTEST = register(RunKind(name="selftest", title="Self-test", load=load, run=run, hidden=True))
