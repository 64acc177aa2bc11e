"""`accelerate launch` as the launcher: the words that `--dry-run` prints start the same worker with its ranks."""

import importlib.util
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.train.conftest import *  # noqa: F403 the tiny model and its texts
from tokstudio.events import Finished, Metrics
from tokstudio.runs.files import read_json
from tokstudio.runs.launch import Launch
from tokstudio.runs.process import Run, environment
from tokstudio.runs.store import RunStore
from tokstudio.train.settings import to_toml

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("accelerate") is None, reason="needs the extra: lm-eval"
)


def test_its_parser_reads_the_words():
    from accelerate.commands.launch import launch_command_parser

    for chosen in (Launch("torchrun", 2), Launch("torchrun", 8, 2, "head:29500")):
        line = shlex.split(
            chosen.shell("/runs/a b", cards=1)["accelerate"].replace("--machine_rank N", "--machine_rank 1")
        )
        known = launch_command_parser().parse_args(line[2:])
        assert known.module
        assert known.multi_gpu
        assert [known.training_script, *known.training_script_args] == ["tokstudio", "worker", "/runs/a b"]
        assert known.num_processes == chosen.ranks
        if chosen.machines > 1:
            assert (known.num_machines, known.machine_rank) == (2, 1)
            assert (known.main_process_ip, known.main_process_port) == ("head", 29500)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
def test_two_ranks_under_accelerate_are_one_run(tiny_config, tmp_path):
    config = to_toml(replace(tiny_config, check_export=False))
    found = {}
    for name, launch in (("one", Launch()), ("two", Launch("torchrun", 2))):
        run = RunStore().create("transfer", name, config)
        if launch == Launch():
            run.start()
            events = [event for batch in run.events() for event in batch]
            run.process.wait(60)
        else:
            words = shlex.split(launch.shell(str(run.folder), cards=1)["accelerate"])
            program = Path(sys.executable).with_name(words[0])
            env = environment() | {
                "HF_HOME": str(tmp_path),
                "OMP_NUM_THREADS": "1",
            }  # no settings of this person
            done = subprocess.run(
                [program, *words[1:]], env=env, capture_output=True, text=True, cwd=tmp_path
            )
            assert done.returncode == 0, done.stderr[-3000:]
            events = [event for batch in Run(run.folder).events() for event in batch]
        assert isinstance(events[-1], Finished)
        found[name] = {
            e.step: e.values["loss"] for e in events if isinstance(e, Metrics) and "loss" in e.values
        }
        assert read_json(run.folder / "state.json").get("ranks", 1) == (2 if name == "two" else 1)
    assert list(found["one"]) == list(found["two"])
    assert list(found["one"].values()) == pytest.approx(list(found["two"].values()), rel=2e-5)
