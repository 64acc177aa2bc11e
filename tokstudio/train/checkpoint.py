"""Checkpoints: a folder with two safetensors files and one JSON file, complete or absent.

Written beside, then renamed: a crash, a kill or a full disk in the middle leaves the older ones untouched.
"""

import errno
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.errors import RunError

if TYPE_CHECKING:
    import torch

START = 0  # the step of a state that nothing was trained in yet
FULL = "the disk is full"
FULL_DISK = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)} | ({39, 112} if os.name == "nt" else set())


@dataclass(frozen=True, eq=False)
class Checkpoint:
    step: int
    model: dict[str, "torch.Tensor"]  # trained parameters by name
    optimizer: dict[str, "torch.Tensor"]
    rng: dict[str, "torch.Tensor"]  # generator states by device
    extra: dict[str, Any]


def folder_of(run: Path, step: int) -> Path:
    return run / "start" if step == START else run / "checkpoints" / f"step-{step}"


def steps(run: Path) -> list[int]:
    """Steps that have a complete checkpoint, ascending."""
    found = (
        p.name.removeprefix("step-")
        for p in (run / "checkpoints").glob("step-*")
        if (p / "state.json").exists()
    )
    return sorted(int(name) for name in found if name.isdigit())


def good(run: Path) -> list[int]:
    """Those and, in front of them, the start where it is still kept."""
    return [START] * (folder_of(run, START) / "state.json").exists() + steps(run)


def forget_start(run: Path) -> None:
    shutil.rmtree(folder_of(run, START), ignore_errors=True)


def save(run: Path, checkpoint: Checkpoint, *, keep: int) -> Path:
    """Write `checkpoint`, then remove all but the `keep` newest, the start among them. Raises RunError where the disk
    does not take it."""
    from safetensors.torch import save_file

    final = folder_of(run, checkpoint.step)
    draft = final.with_name("." + final.name)
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save_file(
            {k: v.detach().contiguous() for k, v in checkpoint.model.items()}, draft / "model.safetensors"
        )
        tensors = {**{f"optimizer/{k}": v for k, v in checkpoint.optimizer.items()}}
        tensors |= {f"rng/{k}": v for k, v in checkpoint.rng.items()}
        save_file({k: v.contiguous() for k, v in tensors.items()}, draft / "optimizer.safetensors")
        (draft / "state.json").write_text(json.dumps({"step": checkpoint.step, **checkpoint.extra}))
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise _not_written(run, checkpoint.step, error) from error
    except Exception as error:  # safetensors reports a full disk as its own error type
        shutil.rmtree(draft, ignore_errors=True)
        if "No space left" in str(error) or "I/O error" in str(error):
            raise _not_written(run, checkpoint.step, error) from error
        raise
    for step in good(run)[:-keep]:
        shutil.rmtree(folder_of(run, step), ignore_errors=True)
    return final


def load(run: Path, step: int | None = None) -> Checkpoint:
    """The checkpoint of `step`, or the newest. Raises RunError where there is none or it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    known = steps(run)
    if step not in good(run) if step is not None else not known:
        raise RunError(
            f"{run.name} has no checkpoint to resume from.", hint="Start the run again from its settings."
        )
    folder = folder_of(run, known[-1] if step is None else step)
    try:
        extra = json.loads((folder / "state.json").read_text())
        model = load_file(folder / "model.safetensors")
        tensors = load_file(folder / "optimizer.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise RunError(
            f"The checkpoint {folder} cannot be read: {error}.",
            hint="Remove that folder to resume from the one before.",
        ) from None
    part = {
        name: {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}
        for name in ("optimizer/", "rng/")
    }
    return Checkpoint(extra.pop("step"), model, part["optimizer/"], part["rng/"], extra)


def size_of(folder: Path) -> int:
    """Bytes on disk."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _not_written(run: Path, step: int, error: Exception) -> RunError:
    kept = steps(run)
    way_on = (
        f"The checkpoint at step {kept[-1]:,} is whole, and the run goes on from there."
        if kept
        else "There is no checkpoint yet, so it starts from the beginning."
    )
    reason = _reason(error)
    first = "Make room on that disk" if reason == FULL else "See to that disk"
    what = f"checkpoint of step {step:,}" if step else "state at the start"
    return RunError(
        f"The {what} could not be written to {folder_of(run, step).parent}: {reason}.",
        hint=f"{first}, then resume this run. {way_on}",
    )


def _reason(error: Exception) -> str:
    """safetensors has no number of its own for the error: it stands in its words."""
    number = getattr(error, "errno", None)
    if number is None and (said := re.search(r"os error (\d+)", str(error))):
        number = int(said[1])
    if number in FULL_DISK or "No space left" in str(error):
        return FULL
    return os.strerror(number) if number else "the disk does not take it"
