"""The other processes of a run that has several ranks. Rank 0 is the ordinary worker: it alone holds the run's lock,
writes its events and reads its control file. The others do the same work and keep quiet about it.

torchrun and `accelerate launch` put every rank into a session of its own, so a launcher that is killed would leave
orphans: each rank watches it. A launcher that loses one rank ends the others.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tokstudio.errors import RunError
from tokstudio.events import Metrics, Phase, RunEvent, Started
from tokstudio.runs.failure import explain
from tokstudio.runs.files import read_json, write_json
from tokstudio.runs.kinds import KINDS, RunKind

LOOK = 0.5  # seconds between two looks for the launcher
EXIT_ALONE = 75  # the launcher is gone
EXIT_LOST = 76  # another rank is


@dataclass(frozen=True)
class Place:
    """Where this process stands among those that were started together."""

    rank: int = 0
    size: int = 1

    @classmethod
    def of_environment(cls) -> "Place":
        size = os.environ.get("WORLD_SIZE", "1")
        if not size.isdigit() or int(size) < 2:
            return cls()
        return cls(int(os.environ.get("RANK", "0")), int(size))


def facts(place: Place) -> dict[str, Any]:
    """What state.json tells of them."""
    if place.size == 1:
        return {}
    found: dict[str, Any] = {"ranks": place.size}
    if "TORCHELASTIC_RUN_ID" in os.environ:
        launcher = psutil.Process(os.getppid())
        found["launcher"] = {"pid": launcher.pid, "started": launcher.create_time()}
    return found


def watch_launcher() -> None:
    """Ends this process soon after the one that launched it, whatever it is waiting for."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            never.wait(LOOK)
        os._exit(EXIT_ALONE)

    never = threading.Event()
    threading.Thread(target=look, name="launcher", daemon=True).start()


class Asking:
    """Where between events a stop is looked for: from the first step of an attempt on the kind polls between its
    steps; what remains are the borders of its phases, before and after training."""

    def __init__(self) -> None:
        self.step, self.first = 0, -1

    def see(self, event: RunEvent) -> None:
        if isinstance(event, Started):
            self.step = self.first = event.step
        elif isinstance(event, Metrics):
            self.step = event.step

    def asks(self, event: RunEvent) -> bool:
        return isinstance(event, Phase) or not 0 <= self.first < self.step


@contextlib.contextmanager
def together(kind: RunKind, config: Any, control: Any, place: Place) -> Iterator[Any]:
    """What `kind` is steered by. All ranks are asked for the same, by whoever asks the first."""
    if place.size == 1:
        yield control
        return
    if not kind.ranks:
        raise RunError(
            f"{kind.title} runs in one process.", hint="Start it with `tokstudio launch --target local`."
        )
    from tokstudio.train.ranks import joined

    with joined(config.train.device) as ranks:
        yield ranks.control(control)


def peer(folder: Path, place: Place, *, resume: bool) -> int:
    """A rank other than the first, to the end of its part."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):  # the first one is asked, too, and tells
            signal.signal(number, signal.SIG_IGN)
    watch_launcher()
    try:
        kind = KINDS[read_json(folder / "run.json").get("kind", "")]
        config = kind.load(folder / "config.toml")
        with together(kind, config, None, place) as control:
            _walk(kind.run(config, folder, control, resume), control)
        return 0
    except Exception as error:
        if is_loss(error):
            return EXIT_LOST
        failed = explain(error, 0, "")
        told = {"message": failed.message, "hint": failed.hint, "detail": failed.detail}
        with contextlib.suppress(OSError):
            write_json(_complaint(folder, place.rank), told)
        sys.stderr.write(f"rank {place.rank}: {failed.message}\n{failed.detail}\n")
        return 1


def _walk(events: Any, control: Any) -> None:
    asking = Asking()
    for event in events:
        asking.see(event)
        if event.terminal:
            return
        if asking.asks(event) and control.ends():
            events.close()
            return


def is_loss(error: BaseException) -> bool:
    return type(error).__name__ == "LostRank"


def _complaint(folder: Path, rank: int) -> Path:
    return folder / f"failed-rank-{rank}.json"


def forget(folder: Path) -> None:
    """What ranks of an earlier attempt complained about."""
    for path in folder.glob("failed-rank-*.json"):
        path.unlink(missing_ok=True)


def reason(folder: Path, error: Exception, place: Place, way_on: str) -> Exception:
    """Why a rank was lost, where it said so."""
    if not is_loss(error):
        return error
    for path in sorted(folder.glob("failed-rank-*.json")):
        told = read_json(path)
        if told.get("message"):
            return RunError(str(told["message"]), hint=str(told.get("hint") or way_on))
    return RunError(
        f"One of the {place.size} processes of this run was killed or crashed, which ended the others.",
        hint=way_on,
    )
