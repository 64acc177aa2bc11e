"""Runs with several ranks, for test_ranks.py: a process that imports torch once and forks each rank of each run.

`python -m tests.train.nursery JOBS`: a JSON list of jobs. A job's ranks meet over gloo on this machine; rank r writes
its events to `FOLDER/rank-r.jsonl` and what ended it to `FOLDER/rank-r.txt`. pytest's own process cannot fork them:
autograd refuses to work in a fork of a process that has used it.
"""

import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from tokstudio.events import dump


class Asked:
    """`asks`: at which poll what is asked for; only the first rank looks."""

    def __init__(self, asks: dict[str, str]):
        self.asks, self.polls = asks, 0

    def poll(self) -> str | None:
        self.polls += 1
        return self.asks.get(str(self.polls))


def spoil(times: list[int]) -> None:
    """The loop's losses of these times that it asks are NaN, counted from 1."""
    from tokstudio.train.loop import _Loop

    plain, asked = _Loop.losses, []

    def losses(self, batches, total):
        asked.append(1)
        values = plain(self, batches, total)
        return {**values, "loss": float("nan")} if len(asked) in times else values

    _Loop.losses = losses


def rank(job: dict[str, Any], number: int, port: int) -> None:
    import torch

    from tokstudio.train.config import TransferConfig
    from tokstudio.train.ranks import here, joined
    from tokstudio.train.settings import apply_overrides, load_toml
    from tokstudio.train.transfer import run

    torch.set_num_threads(1)
    spoil(job.get("spoilt", []))
    os.environ |= {"RANK": str(number), "WORLD_SIZE": str(job["size"]), "LOCAL_RANK": str(number)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    folder = Path(job["folder"])
    config = apply_overrides(load_toml(TransferConfig, Path(job["config"])), job.get("overrides", []))
    with open(folder / f"rank-{number}.jsonl", "a") as told, joined("cpu"):
        control = here().control(Asked(job.get("asks", {})))
        for event in run(config, folder, control, job.get("resume", False)):
            told.write(dump(event))
            told.flush()
            if event.kind == "metrics" and [number, event.step] == job.get("kill"):
                os.kill(os.getpid(), signal.SIGKILL)


def main(jobs: list[dict[str, Any]]) -> None:
    import tokstudio.train.transfer  # noqa: F401 imported once, for all ranks

    for job in jobs:
        Path(job["folder"]).mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        children = []
        for number in range(job["size"]):
            if (child := os.fork()) == 0:
                try:
                    rank(job, number, port)
                    ended = "done"
                except Exception as error:
                    ended = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
                Path(job["folder"], f"rank-{number}.txt").write_text(ended)
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
