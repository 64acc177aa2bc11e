"""Records for other programs: off by default, in their own offline formats where they are installed."""

import json

import pytest

from tests.runs.conftest import follow
from tokstudio.cli import main
from tokstudio.errors import ConfigError
from tokstudio.events import Failed, Finished, Log, Metrics, Started
from tokstudio.runs import tracking
from tokstudio.runs.sinks import Sinks
from tokstudio.runs.tracking import Tracking, checked


class Recorder:
    def __init__(self, breaks_at: int = -1):
        self.rows: list[tuple[int, dict]] = []
        self.ended: bool | None = None
        self._breaks_at = breaks_at

    def write(self, step, values) -> None:
        if step == self._breaks_at:
            raise OSError("the disk is full\nand more")
        self.rows.append((step, values))

    def close(self, failed) -> None:
        self.ended = failed


@pytest.fixture
def folder(tmp_path):
    tracking.save(Tracking(wandb="offline", trackio="local"), tmp_path / tracking.FILE)
    return tmp_path


def feed(sinks: Sinks, *events) -> list[str]:
    return [said.message for event in events for said in sinks.take(event)]


def test_without_settings_nothing_is_opened(tmp_path):
    def forbidden(*_):
        raise AssertionError("opened")

    assert (
        feed(Sinks(tmp_path, forbidden), Started(total_steps=2), Metrics(step=1, values={"loss": 1.0})) == []
    )


def test_numbers_reach_every_record_and_a_broken_one_ends_alone(folder):
    made = {"wandb": Recorder(breaks_at=2), "trackio": Recorder()}
    sinks = Sinks(folder, lambda name, *_: made[name])
    said = feed(
        sinks,
        Started(total_steps=3),
        *(Metrics(step=step, values={"loss": 1.0 / step, "words": "x"}) for step in (1, 2, 3)),
        Log(level="info", message="not a number"),
        Finished(),
    )
    assert said[2:] == ["The record for Weights & Biases ended: the disk is full"]
    assert made["wandb"].rows == [(1, {"loss": 1.0})]
    assert made["trackio"].rows == [(1, {"loss": 1.0}), (2, {"loss": 0.5}), (3, {"loss": 1 / 3})]
    assert (made["wandb"].ended, made["trackio"].ended) == (None, False)


def test_a_failed_run_is_recorded_as_one(folder):
    made = Recorder()
    feed(Sinks(folder, lambda *_: made), Started(total_steps=1), Failed(message="no"))
    assert made.ended is True


def test_a_package_that_is_not_there_is_named(folder):
    def absent(name, *_):
        raise ImportError(name)

    said = feed(Sinks(folder, absent), Started(total_steps=1))
    assert said[0] == "Weights & Biases is not installed: install it with `pip install tokstudio[wandb]`."


@pytest.mark.parametrize(
    "values", [{"wandb": "yes"}, {"trackio": "online"}, {"mlflow": "on"}, {"project": " "}]
)
def test_what_is_not_known_is_refused(values):
    with pytest.raises(ConfigError):
        checked(values)


def test_a_run_does_what_was_set_when_it_was_made(make_run, tokstudio_home):
    tracking.save(Tracking(trackio="local"), tracking.settings_file())
    run = make_run(steps=1)
    tracking.save(Tracking(), tracking.settings_file())
    assert tracking.load(run.folder / tracking.FILE) == Tracking(trackio="local")
    assert not (make_run(steps=1).folder / tracking.FILE).exists()


@pytest.fixture
def record(make_run, tokstudio_home, tmp_path, monkeypatch):
    """A run with this setting, from start to end, with a proxy that takes no connection."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    def go(**values):
        tracking.save(Tracking(**values), tracking.settings_file())
        run = make_run(steps=5, evaluate_every=2)
        run.start()
        events = follow(run)
        assert isinstance(events[-1], Finished)
        assert [e.message for e in events if isinstance(e, Log) and e.level == "warn"] == []
        return run

    return go


@pytest.mark.slow
def test_weights_and_biases_writes_its_own_format(record):
    pytest.importorskip("wandb")
    run = record(wandb="offline")
    (written,) = run.folder.glob("wandb/offline-run-*/run-*.wandb")
    data = written.read_bytes()
    assert b"bits_per_byte" in data
    assert b"tokens_per_second" in data


@pytest.mark.slow
def test_trackio_writes_its_own_format(record, tmp_path):
    pytest.importorskip("trackio")
    import sqlite3

    run = record(trackio="local")
    (base,) = (tmp_path / "trackio").glob("*.db")
    with sqlite3.connect(base) as opened:
        rows = opened.execute(
            "select step, metrics from metrics where run_name = ? order by id", [run.folder.name]
        )
        steps = [step for step, _ in rows]
    assert steps == [0, 1, 2, 2, 3, 4, 4, 5]


def test_the_command_sets_what_new_runs_do(tokstudio_home, capsys):
    assert main(["runs", "track", "wandb=offline", "project=mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"wandb": "offline", "trackio": "off", "project": "mine"}
    assert tracking.load(tracking.settings_file()) == Tracking(wandb="offline", project="mine")
    assert main(["runs", "track", "wandb=always"]) != 0
    assert "off, offline, online" in capsys.readouterr().err
    assert tracking.load(tracking.settings_file()).wandb == "offline"
