"""How runs are started elsewhere: commands, what is kept of the choice, folders of other machines."""

import json
import os
import shlex
import socket
import sys
import time
from pathlib import Path

import pytest

from tokstudio.cli import main
from tokstudio.errors import InputError
from tokstudio.events import Finished, Metrics, Started
from tokstudio.runs import launch, peers
from tokstudio.runs.control import Control
from tokstudio.runs.files import read_json, write_json
from tokstudio.runs.launch import Launch
from tokstudio.runs.process import SILENT, Run, is_process
from tokstudio.runs.worker import EventLog

PROGRAM = ["tokstudio"]
SEVERAL = Launch("torchrun", 2)
MACHINES = Launch("torchrun", 8, 2, "head:29500")


def test_one_process_is_the_ordinary_worker(tmp_path):
    assert Launch().command(PROGRAM, tmp_path, resume=True) == [
        "tokstudio",
        "worker",
        str(tmp_path),
        "--resume",
    ]
    assert Launch().words() == ""
    assert Launch().shell() == {}


def test_torchrun_starts_the_same_worker(tmp_path):
    words = SEVERAL.command(PROGRAM, tmp_path)
    assert words[0] == sys.executable
    assert words[words.index("torch.distributed.run") :][:3] == [
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
    ]
    assert words[-4:] == ["-m", "tokstudio", "worker", str(tmp_path)]
    words = MACHINES.command(PROGRAM, tmp_path)
    assert {"--nnodes=2", "--nproc-per-node=8", "--rdzv-endpoint=head:29500"} < set(words)
    assert MACHINES.ranks == 16
    assert MACHINES.words() == "16 processes on 2 machines"


def test_the_words_for_a_shell_are_what_torchrun_reads():
    from torch.distributed.run import get_args_parser

    for chosen in (SEVERAL, MACHINES):
        line = shlex.split(chosen.shell("/runs/a b")["torchrun"])
        known = get_args_parser().parse_args(line[1:])
        assert known.module
        assert known.training_script == "tokstudio"
        assert known.training_script_args == ["worker", "/runs/a b"]
        assert known.nproc_per_node == str(chosen.processes)


@pytest.mark.parametrize(
    "wrong",
    [
        Launch("cloud"),
        Launch("local", 2),
        Launch("torchrun", 0),
        Launch("torchrun", 2, 2),
        Launch("ray", 2, 2, "head:1"),
        Launch("torchrun", 2, address="http://head:8265"),
    ],
)
def test_what_does_not_go_together_is_refused(wrong):
    with pytest.raises(InputError) as error:
        wrong.check()
    assert str(error.value)


def test_the_choice_lies_in_the_folder(tmp_path):
    assert launch.load(tmp_path) == Launch()
    launch.save(tmp_path, Launch())
    assert not (tmp_path / launch.FILE).exists()
    launch.save(tmp_path, MACHINES)
    assert launch.load(tmp_path) == MACHINES
    write_json(tmp_path / launch.FILE, {"target": "torchrun", "processes": "many", "later": 1})
    assert launch.load(tmp_path) == Launch("torchrun")


def test_a_launched_self_test_is_an_ordinary_run(tmp_path, capsys):
    (tmp_path / "count.toml").write_text("steps = 5\n")
    shared = tmp_path / "shared"
    assert (
        main(["launch", str(tmp_path / "count.toml"), "--kind", "selftest", "--runs", str(shared), "--json"])
        == 0
    )
    folder = Path(json.loads(capsys.readouterr().out)["run"])
    assert folder.parent == shared
    assert Run(folder).state() == "finished"


def test_joining_needs_a_run_of_several_machines(tmp_path, capsys):
    assert main(["launch", "--join", str(tmp_path)]) == 2
    assert "no run of several machines" in capsys.readouterr().err


# ---------------------------------------------------------------- folders of other machines


class Elsewhere:
    """A worker of another machine, which sees the folder, too: its pid means nothing here."""

    def __init__(self, run: Run, monkeypatch):
        self.run, self.control, self.log = run, Control(run.folder), EventLog(run.folder)
        self.beat("running", age=0.0)

    def beat(self, state: str, age: float) -> None:
        told = {"pid": os.getpid(), "started": 1.0, "host": "elsewhere", "state": state}
        write_json(self.run.folder / "state.json", {**told, "heartbeat": time.time() - age, "ranks": 4})


@pytest.fixture
def elsewhere(make_run, monkeypatch):
    made = Elsewhere(make_run(steps=5), monkeypatch)
    yield made
    made.log.close()


def test_a_run_of_another_machine_is_watched_and_steered(elsewhere, store):
    run = Run(elsewhere.run.folder)
    elsewhere.log.write(Started(total_steps=5))
    elsewhere.log.write(Metrics(step=1, values={"loss": 1.0}))
    assert run.alive()
    assert run.state() == "running"
    seen = next(iter(run.events()))
    assert [event.kind for event in seen] == ["started", "metrics"]
    run.ask("pause")
    assert run.state() == "pausing"
    run.ask("resume")
    run.ask("save")
    assert elsewhere.control.poll() == "save"
    run.ask("stop")
    assert elsewhere.control.poll() == "stop"
    info = store.info(run.folder.name)
    assert (info.host, info.ranks) == ("elsewhere", 4)
    elsewhere.log.write(Finished())
    elsewhere.beat("finished", age=0.0)
    assert run.state() == "finished"


@pytest.mark.parametrize(
    ("age", "state"), [(SILENT / 2, "running"), (SILENT * 2, "lost"), (-SILENT * 2, "running")]
)
def test_silence_decides_about_another_machine_and_not_a_pid(elsewhere, age, state):
    """The pid in the file is that of this very test, which lives; a clock that is ahead is no silence."""
    elsewhere.log.write(Started(total_steps=5))
    elsewhere.beat("running", age)
    assert Run(elsewhere.run.folder).state() == state
    assert is_process(read_json(elsewhere.run.folder / "state.json")) == (state == "running")


def test_a_run_of_another_machine_is_never_killed_by_its_number(elsewhere):
    elsewhere.beat("running", age=0.0)
    Run(elsewhere.run.folder).kill()  # would end this test
    assert Run(elsewhere.run.folder).alive()


# ---------------------------------------------------------------- ranks


def test_a_place_is_read_from_the_environment(monkeypatch):
    assert peers.Place.of_environment() == peers.Place(0, 1)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    assert peers.Place.of_environment() == peers.Place(3, 4)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert peers.Place.of_environment() == peers.Place(0, 1)


def test_a_kind_for_one_process_says_so(make_run, monkeypatch):
    """Rank 0 and the others alike; the one writes it into the events, the others beside them."""
    from tokstudio.runs.worker import main as work

    run = make_run(steps=3)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert peers.peer(run.folder, peers.Place(1, 2), resume=False) == 1
    assert "runs in one process" in read_json(run.folder / "failed-rank-1.json")["message"]
    assert not (run.folder / "events.jsonl").exists()
    monkeypatch.setenv("RANK", "0")
    assert work(run.folder) == 1
    state = read_json(run.folder / "state.json")
    write_json(run.folder / "state.json", {**state, "pid": 0})  # this very process, which nobody may end
    assert "runs in one process" in state["message"]
    assert not list(run.folder.glob("failed-rank-*"))  # of an earlier attempt


def test_why_a_rank_was_lost_is_told_where_it_said_so(tmp_path):
    class LostRank(Exception):
        pass

    place, plain = peers.Place(0, 2), ValueError("x")
    assert peers.reason(tmp_path, plain, place, "") is plain
    told = peers.reason(tmp_path, LostRank(), place, "Resume.")
    assert str(told).startswith("One of the 2 processes of this run was killed or crashed")
    write_json(tmp_path / "failed-rank-1.json", {"message": "The text is empty.", "hint": "Choose another."})
    told = peers.reason(tmp_path, LostRank(), place, "Resume.")
    assert (str(told), told.hint) == ("The text is empty.", "Choose another.")
    assert socket.gethostname() != "elsewhere"
