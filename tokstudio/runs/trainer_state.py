"""A Hugging Face Trainer's `trainer_state.json` as a finished run, to compare with."""

import json
from pathlib import Path

from tokstudio.errors import InputError
from tokstudio.events import Finished, Log, Metrics, RunEvent, Started, dump
from tokstudio.runs.files import write_json
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore

NAMES = {"grad_norm": "gradient_norm", "train_loss": "loss/mean", "eval_loss": "loss/held_out"}


def import_state(store: RunStore, path: Path) -> Run:
    """`path`: the file, or the folder of a checkpoint that holds it. Raises InputError, RunError."""
    path = path.expanduser()
    path = path / "trainer_state.json" if path.is_dir() else path
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        events = list(_events(value, path.stat().st_mtime))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no trainer_state.json: {error!r}.",
            hint="Choose the one in a Trainer's checkpoint folder.",
        ) from None
    run = store.create(
        "imported", path.resolve().parent.name or "trainer", f"source = {json.dumps(str(path))}\n"
    )
    (run.folder / "events.jsonl").write_text("".join(map(dump, events)), encoding="utf-8")
    last = int(value.get("global_step", 0))
    state = {"state": "finished", "step": last, "total_steps": int(value.get("max_steps", last)), "pid": 0}
    write_json(run.folder / "state.json", state)
    return run


def _events(value: dict, at: float) -> list[RunEvent]:
    """It knows no times of its own: all get the file's."""
    found: list[RunEvent] = [Started(at=at, total_steps=int(value.get("max_steps", value["global_step"])))]
    for entry in value["log_history"]:
        numbers = {
            NAMES.get(name, name): float(number)
            for name, number in entry.items()
            if isinstance(number, int | float) and name != "step"
        }
        found.append(Metrics(at=at, step=int(entry["step"]), values=numbers))
    return [*found, Log(at=at, level="info", message="imported from a Hugging Face Trainer"), Finished(at=at)]
