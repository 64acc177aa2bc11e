"""One and two ranks give the same run: losses, checkpoints, control, what a lost rank leaves (`nursery.py`)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tokstudio.errors import ConfigError
from tokstudio.events import Finished, Log, Metrics, RunEvent, Started, Stopped, load
from tokstudio.train import checkpoint, ranks
from tokstudio.train.s2t2_config import S2t2Config
from tokstudio.train.settings import to_toml

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
    pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"]),
]


class Ran:
    """What became of one job."""

    def __init__(self, folder: Path, size: int):
        self.folder, self.size = folder, size

    def events(self, rank: int = 0) -> list[RunEvent]:
        return [load(line) for line in (self.folder / f"rank-{rank}.jsonl").read_bytes().splitlines()]

    def ended(self, rank: int = 0) -> str:
        path = self.folder / f"rank-{rank}.txt"
        return path.read_text() if path.exists() else "killed"

    def curve(self, name: str = "loss", rank: int = 0) -> dict[int, float]:
        """The last value told for each step; losses of optimizer steps only."""
        found = [e for e in self.events(rank) if isinstance(e, Metrics) and name in e.values]
        return {e.step: e.values[name] for e in found if name != "loss" or "learning_rate" in e.values}

    def weights(self) -> dict[str, np.ndarray]:
        step = checkpoint.steps(self.folder)[-1]
        return load_file(checkpoint.folder_of(self.folder, step) / "model.safetensors")


@pytest.fixture
def ran(tiny_config, tmp_path) -> Callable[..., dict[str, Ran]]:
    """`ran(name=dict(size=2, ...))`: all jobs one after the other, in one process tree."""

    def go(*steps: dict[str, dict], **changes) -> dict[str, Ran]:
        (tmp_path / "config.toml").write_text(to_toml(replace(tiny_config, check_export=False, **changes)))
        jobs = [
            {"folder": str(tmp_path / name), "config": str(tmp_path / "config.toml"), "size": 1, **job}
            for step in steps
            for name, job in step.items()
        ]
        (tmp_path / "jobs.json").write_text(json.dumps(jobs))
        done = subprocess.run(
            [sys.executable, "-m", "tests.train.nursery", str(tmp_path / "jobs.json")],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert done.returncode == 0, done.stderr
        return {Path(job["folder"]).name: Ran(Path(job["folder"]), job["size"]) for job in jobs}

    return go


def check_same(one: Ran, other: Ran, atol: float = 2e-5) -> None:
    for rank in range(other.size):
        assert other.ended(rank) == "done"
        assert isinstance(other.events(rank)[-1], Finished)
    for name in ("loss", "bits_per_byte"):
        expected, found = one.curve(name), other.curve(name)
        assert list(expected) == list(found)
        assert np.allclose(list(expected.values()), list(found.values()), rtol=2e-5)
    mine, theirs = one.weights(), other.weights()
    assert {k: v.shape for k, v in mine.items()} == {k: v.shape for k, v in theirs.items()}
    assert all(np.allclose(mine[k], theirs[k], atol=atol) for k in mine)
    exported = [load_file(r.folder / "export" / "model.safetensors") for r in (one, other)]
    assert set(exported[0]) == set(exported[1])
    assert all(np.allclose(exported[0][k], exported[1][k], atol=atol) for k in exported[0])


@pytest.mark.slow
def test_two_ranks_are_one_run(ran):
    found = ran(
        {"one": {}, "ddp": {"size": 2}, "fsdp": {"size": 2, "overrides": ["train.parallel=fsdp"]}},
    )
    assert len(found["one"].curve()) == 4
    check_same(found["one"], found["ddp"])
    check_same(found["one"], found["fsdp"])
    for name in ("ddp", "fsdp"):
        assert found[name].curve(rank=0) == found[name].curve(rank=1)  # to the bit


@pytest.mark.slow
@pytest.mark.parametrize("settings", ["lora", "gradmag", "pcgrad", "muon", "cache", "packed", "accumulate"])
def test_every_way_to_train_is_the_same_with_two_ranks(ran, settings):
    overrides = {
        "lora": ["mode=lora"],
        "gradmag": ["aggregate.name=gradmag"],
        "pcgrad": ["aggregate.name=pcgrad"],
        "muon": ["optimizer.name=muon"],
        "cache": ["train.teacher_cache=true"],
        "packed": ["data.pack=true", "train.batch_size=5"],
        "accumulate": ["train.accumulate=2"],
    }[settings]
    jobs = {"one": {"overrides": overrides}, "ddp": {"size": 2, "overrides": overrides}}
    split = settings not in ("gradmag", "pcgrad", "muon")
    if split:
        jobs["fsdp"] = {"size": 2, "overrides": [*overrides, "train.parallel=fsdp"]}
    found = ran(jobs)
    assert found["one"].ended() == "done"
    for name in ("ddp", "fsdp") if split else ("ddp",):
        # Muon orthogonalizes in bf16: gradients that differ in the last bit give steps that differ by 1/256 of the rate
        check_same(found["one"], found[name], atol=1e-3 if settings == "muon" else 2e-5)


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_ranks(ran):
    stop = {"asks": {"2": "stop"}}
    fsdp = {"overrides": ["train.parallel=fsdp"]}
    found = ran(
        {"one": {}, "more": {"size": 1, **stop}, "fewer": {"size": 2, **stop}},
        {"split": {"size": 2, **stop, **fsdp}},
        {"more": {"size": 2, "resume": True}, "fewer": {"size": 1, "resume": True}},
        {"split": {"size": 1, "resume": True}},
    )
    for name in ("more", "fewer", "split"):
        events = found[name].events()
        stopped = [e for e in events if isinstance(e, Stopped)]
        assert [e.step for e in stopped] == [2]
        assert [e.step for e in events if isinstance(e, Started)] == [0, 2]
        check_same(found["one"], found[name])


@pytest.mark.slow
def test_a_loss_that_is_no_number_takes_all_ranks_back_to_the_start(ran):
    job = {"spoilt": [2, 4]}  # the second step, and once more: its batch is left out
    fsdp = {"overrides": ["train.parallel=fsdp"]}
    found = ran({"one": job, "ddp": {"size": 2, **job}, "split": {"size": 2, **job, **fsdp}})
    told = [e.message for e in found["one"].events() if isinstance(e, Log) and e.level == "warn"]
    assert [message.rpartition(": ")[2] for message in told] == [
        "back to the start, on with 0.5 of the learning rate.",
        "back to the start, on with 0.25 of the learning rate, its batch is left out.",
    ]
    assert list(found["one"].curve()) == [1, 3, 4]
    for name in ("ddp", "split"):
        check_same(found["one"], found[name])
        assert not (found[name].folder / "start").exists()


@pytest.mark.slow
def test_all_ranks_give_up_at_once(ran):
    wild = ["optimizer.learning_rate=1e30", "optimizer.embedding_learning_rate=1e30"]
    found = ran(
        {
            "ddp": {"size": 2, "overrides": wild},
            "fsdp": {"size": 2, "overrides": [*wild, "train.parallel=fsdp"]},
        }
    )
    for ran_ in found.values():
        for number in range(2):
            assert ran_.ended(number).startswith("RunError: The loss became NaN or infinite at step")
            assert "after 2 recoveries" in ran_.ended(number)


@pytest.mark.slow
def test_what_is_asked_in_mid_run_counts_for_all(ran):
    asks = {"asks": {"1": "set steps 3", "2": "set learning_rate 0.0001", "3": "save"}}
    found = ran({"one": asks, "two": {"size": 2, **asks}})
    check_same(found["one"], found["two"])
    assert sorted(found["two"].curve(rank=1)) == [1, 2, 3]


@pytest.mark.slow
def test_a_killed_rank_ends_the_others_and_the_checkpoint_loads(ran):
    found = ran(
        {"one": {}, "cut": {"size": 2, "kill": [1, 3]}},
        {"split": {"size": 2, "kill": [1, 3], "overrides": ["train.parallel=fsdp"]}},
        {"cut": {"size": 2, "resume": True}, "split": {"size": 1, "resume": True}},
    )
    for name in ("cut", "split"):
        assert [e.step for e in found[name].events() if isinstance(e, Started)] == [0, 2]
        check_same(found["one"], found[name])


@pytest.mark.slow
def test_a_lost_rank_is_told_in_words(ran):
    found = ran({"cut": {"size": 2, "kill": [1, 3]}})
    assert found["cut"].ended(0).startswith("LostRank: Another process of this run has ended")
    assert checkpoint.steps(found["cut"].folder) == [2]
    assert checkpoint.load(found["cut"].folder).step == 2


@pytest.mark.slow
def test_a_batch_smaller_than_the_ranks_is_refused(ran):
    found = ran({"cut": {"size": 3}})
    assert "A batch of 2 cannot be shared by 3 processes." in found["cut"].ended(0)


class Two(ranks.OneRank):
    size = 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"s2t2": S2t2Config(steps=3)}, "A translation stage runs on one device"),
        ({"optimizer.name": "muon", "train.parallel": "fsdp"}, "Muon needs whole matrices"),
        ({"projector.kind": "transformer", "train.parallel": "fsdp"}, "A network over all token rows"),
        ({"aggregate.name": "gradmag", "train.parallel": "fsdp"}, "each objective's own gradients"),
    ],
)
def test_what_ranks_cannot_do_is_said_before_the_start(tiny_config, monkeypatch, changes, said):
    config = tiny_config
    for name, value in changes.items():
        section, _, key = name.partition(".")
        value = replace(getattr(config, section), **{key: value}) if key else value
        config = replace(config, **{section: value})
    ranks.check(config)  # alone everything goes
    monkeypatch.setattr(ranks, "_here", Two())
    with pytest.raises(ConfigError, match=said) as error:
        ranks.check(config)
    assert error.value.hint
