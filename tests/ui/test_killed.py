"""The window is killed at a random moment, with work in all its pages and a run in progress. Slow.

TOKSTUDIO_ROUNDS is how often, TOKSTUDIO_SEED chooses the moments. What must hold each time: what is on disk can be
read, the run goes on and the next window finds it within two seconds of looking, and no process but the run is left.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.ui import crashes, lookout, theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.main_window import MainWindow

ROUNDS = int(os.environ.get("TOKSTUDIO_ROUNDS", "3"))
ADOPTED = 2.0  # seconds
GONE = 20.0  # seconds within which helpers of a killed window end by themselves, on a busy machine


def of_home(home: Path) -> list[psutil.Process]:
    """Processes of this home folder, this one and those that have ended aside."""
    wanted, found = f"TOKSTUDIO_HOME={home}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                found.append(psutil.Process(int(folder.name)))
        except (OSError, psutil.Error):
            continue
    return [process for process in found if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def adopted_after(qtbot, context: Context) -> float:
    """Processor seconds of the window's thread from its first look until it knows of the run: on a busy machine the
    time on the wall is other programs' share."""
    window = MainWindow(context, crashes.look())
    qtbot.addWidget(window)
    found: list[float] = []
    context.badge_changed.connect(lambda _page, alive: found.append(time.thread_time()) if alive else None)
    window.show()
    qtbot.wait(lookout.AFTER)
    begun = time.thread_time()
    qtbot.waitUntil(lambda: bool(found), timeout=60_000)
    window.end(0)
    return found[0] - begun


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_killed_window_loses_nothing(qtbot, qapp, tokstudio_home):
    theme.apply(qapp, "light")
    dice = random.Random(int(os.environ.get("TOKSTUDIO_SEED", "1")))
    environment = {**os.environ, "TOKSTUDIO_HOME": str(tokstudio_home)}
    with_run, times = 0, []
    for number in range(ROUNDS):
        errors = tokstudio_home.parent / f"errors-{number}"
        with errors.open("w") as told:
            window = subprocess.Popen(
                [sys.executable, "-m", "tokstudio.ui.tour_probe", "600"],
                env=environment, stdout=subprocess.DEVNULL, stderr=told,
            )  # fmt: skip
        time.sleep(dice.uniform(4, 40))
        assert window.poll() is None, errors.read_text()
        window.send_signal(signal.SIGKILL)
        window.wait()
        assert "Traceback" not in errors.read_text()

        session = tokstudio_home / "compare.json"
        if session.exists():
            assert isinstance(json.loads(session.read_text(encoding="utf-8")), dict)
        assert isinstance(Settings(tokstudio_home / "window.ini").get("window/page", "compare"), str)
        runs = RunStore().runs()  # raises where a folder cannot be read
        live = [info for info in runs if info.live]
        if live:
            with_run += 1
            times.append(adopted_after(qtbot, Context(Settings(tokstudio_home / "window.ini"))))
        for info in live:
            Run(info.folder).kill()
        deadline = time.monotonic() + GONE
        while (left := of_home(tokstudio_home)) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert [process.cmdline() for process in left] == []
    assert with_run > 0
    sys.stdout.write(
        f"{ROUNDS} rounds, {with_run} with a run that went on, adopted after {max(times):.2f} s at most\n"
    )
    assert max(times) <= ADOPTED
