"""`tokstudio runs` and `tokstudio worker`."""

import json

import pytest

from tests.runs.conftest import follow, until
from tokstudio.cli import main
from tokstudio.events import Checkpointed, Finished
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore


@pytest.fixture
def store(tokstudio_home) -> RunStore:
    """Where the commands look."""
    return RunStore()


def read(capsys) -> dict:
    out = capsys.readouterr().out
    return json.loads(out)


def test_an_empty_list(capsys, store):
    assert main(["runs", "--json"]) == 0
    assert read(capsys) == {"folder": str(store.folder), "runs": []}
    assert main(["runs"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "tokstudio transfer --demo" in said.err


def test_list_and_show(capsys, make_run):
    run = make_run(steps=20)
    run.start()
    follow(run)
    assert main(["runs"]) == 0
    assert "count-01  finished" in capsys.readouterr().out
    assert main(["runs", "show", "count-01", "--json"]) == 0
    shown = read(capsys)
    assert (shown["state"], shown["step"], shown["live"]) == ("finished", 20, False)
    assert shown["report"]["gap_closed"] == pytest.approx(0.864)
    assert main(["runs", "show", "count-01"]) == 0
    assert "1.450 bits per byte" in capsys.readouterr().out


def test_stop_then_resume_to_the_end(capsys, make_run):
    run = make_run(steps=300, pause=0.005)
    run.start()
    assert main(["runs", "stop", "count-01", "--json"]) == 0
    stopped = read(capsys)
    assert stopped["state"] == "stopped"
    run.process.wait()
    assert main(["runs", "resume", "count-01", "--json"]) == 0
    assert read(capsys)["state"] == "finished"
    assert isinstance(follow(run)[-1], Finished)


def test_a_resume_does_not_tell_the_earlier_attempt_again(capsys, make_run):
    run = make_run(steps=30, save_every=10, pause=0.05)
    run.start()
    until(run, Checkpointed, step=20)
    run.kill()
    follow(Run(run.folder))
    capsys.readouterr()
    assert main(["runs", "resume", "count-01"]) == 0
    told = capsys.readouterr().err
    assert "checkpoint at step 10," not in told
    assert told.count("Preparing the self-test") == 1
    assert told.count("checkpoint at step 30,") == 1


def test_a_resume_that_fails_ends_with_words(capsys, make_run):
    make_run(steps=20, error_at=3)
    assert main(["runs", "resume", "count-01"]) == 2
    said = capsys.readouterr().err
    assert "The loss became NaN." in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "nothing"], "There is no run 'nothing'"),
        (["stop", "count-01"], "is not going"),
        (["stop"], "needs a name"),
        (["remove", "count-01"], "--yes"),
    ],
)
def test_what_cannot_be_done_is_said(capsys, monkeypatch, make_run, words, says):
    make_run(steps=1)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert main(["runs", *words]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said


def test_remove(capsys, make_run, store):
    make_run(steps=1)
    assert main(["runs", "remove", "count-01", "--yes", "--json"]) == 0
    assert read(capsys) == {"removed": "count-01"}
    assert store.runs() == []


def test_the_worker_refuses_what_is_no_run_folder(capsys, tmp_path):
    assert main(["worker", str(tmp_path)]) == 2
    assert "no run folder" in capsys.readouterr().err
