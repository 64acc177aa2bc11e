"""A run on a Ray cluster of this machine, with and without its job server."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.train.conftest import *  # noqa: F403 the tiny model and its texts
from tokstudio.events import Finished
from tokstudio.runs.files import read_json
from tokstudio.runs.launch import Launch, save
from tokstudio.runs.process import Run
from tokstudio.runs.store import RunStore
from tokstudio.train.settings import to_toml

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra: ray"),
    pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"]),
]


@pytest.fixture
def made(tiny_config):
    config = replace(tiny_config, check_export=False)
    run = RunStore().create("transfer", "tiny", to_toml(config))
    yield run
    run.kill()


def finish(run: Run) -> None:
    run.start()
    events = [event for batch in run.events() for event in batch]
    assert isinstance(events[-1], Finished), (run.folder / "stderr.log").read_text()[-3000:]
    run.process.wait(60)


def listens(host: str, port: int) -> None:
    """The job server of a cluster needs a few seconds before it answers."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"nothing listens at {host}:{port}")


def test_two_ranks_on_a_cluster_of_this_machine(made):
    save(made.folder, Launch("ray", 2))
    finish(made)
    assert read_json(made.folder / "state.json")["ranks"] == 2
    assert (made.folder / "export" / "model.safetensors").exists()
    left = [p for p in psutil.process_iter(["cmdline"]) if "raylet" in " ".join(p.info["cmdline"] or ())]
    assert not [p for p in left if os.environ["TOKSTUDIO_HOME"] in str(p.environ())]


def test_a_job_for_the_job_server(made, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # where the cluster leaves the token that it asks for
    ray = Path(sys.executable).with_name("ray")
    env = dict(os.environ, RAY_USAGE_STATS_ENABLED="0")
    head = [ray, "start", "--head", "--port=46379", "--dashboard-port=48265", "--num-cpus=2", "--block"]
    with subprocess.Popen(head, env=env, stdout=subprocess.DEVNULL, start_new_session=True) as cluster:
        try:
            listens("127.0.0.1", 48265)
            save(made.folder, Launch("ray", 1, address="http://127.0.0.1:48265"))
            finish(made)
        finally:
            cluster.terminate()
            cluster.wait(60)
    assert "submitted" not in (made.folder / "state.json").read_text()


def test_a_cluster_that_wants_a_token_says_so(made, tmp_path, monkeypatch):
    ray = Path(sys.executable).with_name("ray")
    env = dict(
        os.environ, RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0123456789" * 4
    )
    head = [ray, "start", "--head", "--port=46379", "--dashboard-port=48265", "--num-cpus=2", "--block"]
    with subprocess.Popen(head, env=env, stdout=subprocess.DEVNULL, start_new_session=True) as cluster:
        try:
            listens("127.0.0.1", 48265)
            save(made.folder, Launch("ray", 1, address="http://127.0.0.1:48265"))
            monkeypatch.setenv("HOME", str(tmp_path))  # no token there
            made.start()
            list(made.events())
            made.process.wait(60)
        finally:
            cluster.terminate()
            cluster.wait(60)
    assert "Set RAY_AUTH_TOKEN" in (made.folder / "stderr.log").read_text()
