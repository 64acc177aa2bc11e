"""Runs whose text comes over the network: only where a person said so, and gone on with where they were."""

import json
from dataclasses import replace

import pytest

from tests.hubs import COMMIT, reached
from tests.train.following import losses
from tests.train.test_streaming import ROWS, lines, table
from tokstudio.cli import main
from tokstudio.events import Checkpointed, Finished, Log, Stopped
from tokstudio.runs.store import RunStore
from tokstudio.tokens import remote
from tokstudio.train.config import TransferConfig
from tokstudio.train.control import NoControl
from tokstudio.train.settings import load_toml, to_toml
from tokstudio.train.streaming import StreamOrder
from tokstudio.train.transfer import run

tiny = pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])


@pytest.fixture
def hub(monkeypatch):
    files = {"train-0.jsonl": lines(ROWS[:40]), "train-1.parquet": table(ROWS[40:])}
    with reached(monkeypatch, files) as made:
        yield made


@pytest.fixture
def config(tiny_config) -> TransferConfig:
    data = replace(
        tiny_config.data,
        corpus="hub:some/texts",
        stream=True,
        revision=COMMIT,
        mix_bytes=16_384,
        window_bytes=128,
        held_out_bytes=2048,
    )
    train = replace(
        tiny_config.train,
        batch_size=16,
        steps=24,
        checkpoint_every=4,
        evaluate_every=100,
        sample_every=100,
    )
    return replace(
        tiny_config, data=data, train=train, check_export=False, objectives=("next_token",), weights=(1.0,)
    )


def until(events, step: int) -> list:
    """As a process that is killed behind the checkpoint of `step`."""
    found = []
    for event in events:
        found.append(event)
        if isinstance(event, Checkpointed) and event.step == step:
            events.close()
            return found
    return found


@tiny
def test_a_run_that_was_killed_goes_on_at_the_same_text(hub, config, tmp_path):
    folder = tmp_path / "killed"
    for made in (folder, tmp_path / "whole"):
        made.mkdir()
    whole = list(run(config, tmp_path / "whole", NoControl(), False))
    assert isinstance(whole[-1], Finished)
    parts = [losses(until(run(config, folder, NoControl(), False), 16))]
    state = json.loads((folder / "checkpoints" / "step-16" / "state.json").read_text())
    assert state["data"]["part"] >= 1  # not at the beginning
    assert state["data"]["row"] >= 1
    hub.drop_after = [0, 5_000, 20_000]
    parts.append(losses(until(run(config, folder, NoControl(), True), 20)))
    parts.append(losses(run(config, folder, NoControl(), True)))
    assert [min(part) for part in parts] == [1, 17, 21]
    assert {step: loss for part in parts for step, loss in part.items()} == losses(whole)
    card = (folder / "export" / "README.md").read_text()
    assert f"text streamed from some/texts at {COMMIT[:12]}: 2 files" in card


class Asked:
    """Stops while text is waited for."""

    waits = False

    def poll(self):
        return "stop" if self.waits else None


@tiny
def test_a_stop_is_heard_while_the_connection_is_gone_and_what_happened_is_told(
    hub, config, corpus_file, tmp_path, monkeypatch
):
    hub.files = {f"{n:02}.jsonl": lines([row[:2000]]) for n, row in enumerate(ROWS)}
    hub.allowed = 14  # of 79 files, of which about 9 are a part
    config = replace(config, data=replace(config.data, held_out=str(corpus_file)))
    control, ready = Asked(), StreamOrder.ready

    def noted(order, index, seconds):
        there = ready(order, index, seconds)
        control.waits = not there and hub.allowed is not None and hub.allowed < -4
        return there

    monkeypatch.setattr(StreamOrder, "ready", noted)
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(remote, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr("tokstudio.train.loop.PATIENCE", 0.0)
    found = list(run(config, tmp_path, control, False))
    assert isinstance(found[-1], Stopped)
    assert 4 <= found[-1].step < 20
    assert any(isinstance(e, Checkpointed) and e.step == found[-1].step for e in found)
    assert "answered 503" in " ".join(e.message for e in found if isinstance(e, Log))
    hub.allowed = None
    rest = list(run(config, tmp_path, Asked(), True))
    assert min(losses(rest)) == found[-1].step + 1
    assert isinstance(rest[-1], Finished)


# ---- who says that the network is read


@pytest.fixture
def started(monkeypatch):
    """Runs are made, and not started."""
    from types import SimpleNamespace

    from tokstudio.runs.process import Run

    monkeypatch.setattr(Run, "start", lambda self, **_: None)
    monkeypatch.setattr("tokstudio.cli.follow.follow", lambda *_, **__: SimpleNamespace(report={}))
    monkeypatch.setattr("tokstudio.cli.training.print_report", lambda report: None)
    return lambda: [load_toml(TransferConfig, f / "config.toml") for f in sorted(RunStore().folder.glob("*"))]


def test_the_flag_asks_for_the_network_and_pins_what_is_read(hub, started, capsys):
    words = ["finetune", "--model", "demo:english", "--text", "hub:some/texts", "--stream"]
    assert main(words) == 0
    assert main([*words[:-1], "--set", "data.stream=true"]) == 0
    for frozen in started():
        assert (frozen.data.stream, frozen.data.revision) == (True, COMMIT)
        assert frozen.data.corpus == "hub:some/texts"
    said = capsys.readouterr().err
    assert f"/datasets/some/texts, as it is at commit {COMMIT[:12]}" in said
    assert "To train on: 2 files" in said
    assert "one document in 16" in said


@tiny
def test_settings_alone_do_not_reach_the_network(hub, config, started, tmp_path, capsys, monkeypatch):
    path = tmp_path / "theirs.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    for words in (["transfer", "--config", str(path)], ["launch", str(path), "--background"]):
        assert main(words) != 0
        said = capsys.readouterr().err
        assert "read the data set some/texts from http://127.0.0.1" in said
        assert "--stream" in said
    assert not started()
    assert not hub.asked
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: "y\n", raising=False)
    assert main(["launch", str(path), "--background", "--stream"]) == 0
    assert [frozen.data.revision for frozen in started()] == [COMMIT]
    assert hub.asked


def test_a_stream_must_be_of_the_hub(hub, started, capsys):
    assert main(["finetune", "--model", "demo:english", "--text", "python", "--stream"]) != 0
    assert "python is none" in capsys.readouterr().err
    assert not hub.asked


@tiny
def test_a_dry_run_says_what_is_known_without_the_network(hub, config, tmp_path, capsys):
    path = tmp_path / "a.toml"
    path.write_text(to_toml(replace(config, data=replace(config.data, revision=""))), encoding="utf-8")
    assert main(["transfer", "--config", str(path), "--dry-run", "--json"]) == 0
    out = capsys.readouterr()
    told = json.loads(out.out)
    assert told["streamed"]["corpus"] == "hub:some/texts"
    assert told["streamed"]["text_bytes"] == 24 * 16 * 128
    assert "is not read for this" in out.err
    assert not hub.asked
