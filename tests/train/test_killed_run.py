"""kill -9 in the middle of a real transfer: of the window, the run goes on; of the run, a resume finishes it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tokstudio.cli import main
from tokstudio.events import Checkpointed, Finished, Metrics, RunEvent, Started
from tokstudio.runs.files import read_json
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.train import checkpoint
from tokstudio.train.settings import to_toml

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="SIGKILL"),
    pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"]),
]
PATIENCE = 180_000
WINDOW = """
import sys
from tokstudio.ui import theme
from tokstudio.ui.app import make_application
from tokstudio.ui.context import Context
from tokstudio.ui.main_window import MainWindow
app, context = make_application([]), Context()
theme.apply(app, "light")
window = MainWindow(context)
window.show()
context.go("runs", start=sys.argv[1])
app.exec()
"""


@pytest.fixture
def made(tiny_config) -> Iterator[Run]:
    """A queued transfer of a few hundred quick steps, in the folder where the window and the commands look."""
    train = replace(
        tiny_config.train, steps=150, checkpoint_every=5, evaluate_every=50, sample_every=50, threads=1
    )
    run = RunStore().create("transfer", "tiny", to_toml(replace(tiny_config, train=train)))
    yield run
    run.kill()


def until(run: Run, wanted: Callable[[RunEvent], bool]) -> None:
    for batch in run.events(poll=0.01):
        if any(map(wanted, batch)):
            return
    raise AssertionError("the run ended before")


def saved(event: RunEvent) -> bool:
    return isinstance(event, Checkpointed)


def every_event(run: Run) -> list[RunEvent]:
    return [event for batch in Run(run.folder).events() for event in batch]


def kill_run(run: Run) -> None:
    os.kill(read_json(run.folder / "state.json")["pid"], signal.SIGKILL)


def check_finished(run: Run) -> None:
    events = every_event(run)
    assert isinstance(events[-1], Finished)
    at = [i for i, event in enumerate(events) if isinstance(event, Started)][-1]
    steps = [e.step for e in events[at:] if isinstance(e, Metrics) and "learning_rate" in e.values]
    assert steps == list(range(events[at].step + 1, 151))
    assert read_json(run.folder / "report.json")["export"]["checked"]


def test_a_killed_window_leaves_the_run_and_finds_it_again(qtbot, qapp, made):
    from tokstudio.ui import theme
    from tokstudio.ui.context import Context
    from tokstudio.ui.main_window import MainWindow

    with subprocess.Popen([sys.executable, "-c", WINDOW, made.folder.name]) as window:
        qtbot.waitUntil(lambda: made.state() == "running", timeout=PATIENCE)
        until(Run(made.folder), saved)
        window.kill()
    assert made.alive()
    theme.apply(qapp, "light")
    again = MainWindow(Context())
    qtbot.addWidget(again)
    again.show()
    qtbot.waitUntil(lambda: again.rail.buttons["runs"].alive, timeout=PATIENCE)
    again.show_page("runs")
    page = again.page("runs")
    qtbot.waitUntil(lambda: page.board.head.pill.state == "finished", timeout=PATIENCE)
    qtbot.waitUntil(page.board.result.isVisible, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not again.rail.buttons["runs"].alive, timeout=PATIENCE)
    again.close()
    check_finished(made)
    assert sum(isinstance(event, Started) for event in every_event(made)) == 1


def test_a_killed_run_is_resumed_on_the_runs_page(qtbot, qapp, made):
    from tokstudio.ui import theme
    from tokstudio.ui.context import Context
    from tokstudio.ui.pages.runs import RunsPage

    theme.apply(qapp, "light")
    page = RunsPage(Context())
    qtbot.addWidget(page)
    page.show()
    page.receive(start=made.folder.name)
    head, trouble = page.board.head, page.board.trouble
    qtbot.waitUntil(lambda: made.latest_checkpoint() is not None, timeout=PATIENCE)
    kill_run(made)
    qtbot.waitUntil(lambda: head.pill.state in ("failed", "lost") and trouble.isVisible(), timeout=PATIENCE)
    step = made.latest_checkpoint()
    assert f"Resume continues from the checkpoint at step {step:,}." in trouble.hint.text()
    head.resume.click()
    qtbot.waitUntil(lambda: head.pill.state == "finished", timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.watches[made.folder.name].following, timeout=PATIENCE)
    page.close_down()
    check_finished(made)
    assert [e.step for e in every_event(made) if isinstance(e, Started)] == [0, step]


def test_a_killed_run_is_resumed_on_the_command_line(capsys, made):
    made.start()
    until(made, saved)
    kill_run(made)
    made.process.wait()
    assert main(["runs", "show", made.folder.name]) == 0
    said = capsys.readouterr().out
    step = checkpoint.steps(made.folder)[-1]
    assert "lost" in said
    assert f"Resume continues from the checkpoint at step {step}." in said
    assert main(["runs", "resume", made.folder.name]) == 0
    assert "finished" in capsys.readouterr().out
    check_finished(made)
