"""A run on a Ray cluster: Ray Train starts its processes, which meet as those of torchrun do.

`tokstudio ray-run FOLDER` is the process that the window and the commands see. An address with http goes to the
cluster's job server, which runs the same command beside the cluster; anything else is joined from here.
"""

import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tokstudio.errors import RunError
from tokstudio.runs import launch as launching

LOOK = 1.0  # seconds between two questions about a job
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0"}


def main(folder: Path, *, resume: bool = False, inside: bool = False) -> int:
    """To the end of the run. `inside`: this is the job itself."""
    launch = launching.load(folder)
    os.environ |= QUIET
    _show_token()
    try:
        import ray  # noqa: F401
    except ImportError:
        raise RunError(
            "Ray is not installed.", hint='Install it with pip install "tokstudio[ray]".'
        ) from None
    if launch.address.startswith("http") and not inside:
        return _submit(folder, launch, resume)
    return _train(folder, launch, resume)


def _show_token() -> None:
    """Clusters that `ray start` makes ask for a token (Ray 2.60), which a client shows only when told to.

    The variables are Ray's own and read when it is imported; a cluster that asks for none takes no notice."""
    kept = os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    if "RAY_AUTH_TOKEN" in os.environ or Path(kept).is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _submit(folder: Path, launch: launching.Launch, resume: bool) -> int:
    from ray.exceptions import RayError
    from ray.job_submission import JobStatus, JobSubmissionClient

    words = ["python", "-P", "-X", "utf8", "-m", "tokstudio", "ray-run", str(folder), "--inside"]
    try:
        client = JobSubmissionClient(launch.address)
        job = client.submit_job(
            entrypoint=shlex.join([*words, *(["--resume"] if resume else [])]),
            runtime_env={"env_vars": QUIET},
            metadata={"run": folder.name},
        )
    except (ConnectionError, RuntimeError, RayError) as error:
        asks = type(error).__name__ == "AuthenticationError"  # no such class before Ray 2.52
        raise RunError(
            f"The Ray cluster at {launch.address} did not take the run: {str(error).splitlines()[0]}",
            hint="Set RAY_AUTH_TOKEN to the cluster's token, or copy ~/.ray/auth_token from its head."
            if asks
            else "Is the address that of its job server, for example http://head:8265?",
        ) from None
    sys.stderr.write(f"job {job} at {launch.address}\n")

    def end(*_: Any) -> None:
        client.stop_job(job)

    signal.signal(signal.SIGTERM, end)
    while not (status := client.get_job_status(job)).is_terminal():
        time.sleep(LOOK)
    if status != JobStatus.SUCCEEDED:
        sys.stderr.write(client.get_job_logs(job)[-4000:] + "\n")
    return 0 if status == JobStatus.SUCCEEDED else 1


def _train(folder: Path, launch: launching.Launch, resume: bool) -> int:
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    begun = "RAY_ADDRESS" in os.environ or launch.address
    address = launch.address if not launch.address.startswith("http") else "auto"
    ray.init(**({"address": address or "auto"} if begun else {"include_dashboard": False}))
    try:
        gpus = ray.cluster_resources().get("GPU", 0) >= launch.ranks
        TorchTrainer(
            rank,
            train_loop_config={"folder": str(folder), "resume": resume},
            scaling_config=ScalingConfig(num_workers=launch.ranks, use_gpu=gpus),
            run_config=RunConfig(name="ray", storage_path=str(folder / ".ray")),
        ).fit()
        return 0
    except Exception as error:  # the run's own last word is in its events
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        ray.shutdown()


def rank(config: dict[str, Any]) -> None:
    """What Ray calls in each process of the run."""
    from tokstudio.runs.worker import main as work

    if code := work(Path(config["folder"]), resume=config["resume"]):
        raise RuntimeError(f"a process of the run ended with status {code}")
