"""What this machine trains on. `probe` imports torch, so the window asks a short process for it."""

import json
import os
import platform
import subprocess
from typing import Any

from tokstudio.errors import RunError
from tokstudio.runs.process import environment, program

PATIENCE = 120.0  # seconds: the first import of torch on a cold disk takes its time


def probe() -> dict[str, Any]:
    """`device` ("cuda" or "cpu"), `name`, `memory` in bytes, versions, `devices` that a setting may name. Only ever in
    a process of its own."""
    import psutil
    import torch

    from tokstudio.models.device import available

    answer: dict[str, Any] = {
        "device": "cpu",
        "torch": torch.__version__,
        "cuda": None,
        "devices": available(),
    }
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        answer |= {
            "device": "cuda",
            "name": card.name,
            "memory": card.total_memory,
            "cuda": torch.version.cuda,
        }
        return answer
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return answer | {
        "name": f"CPU, {cores} {'core' if cores == 1 else 'cores'} ({platform.machine()})",
        "memory": psutil.virtual_memory().total,
    }


def ask() -> dict[str, Any]:
    """`probe` in a process of its own. Blocks for seconds. Raises RunError where torch cannot be used."""
    try:
        done = subprocess.run(
            [*program(), "worker", "--probe-device"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=environment(),
            stdin=subprocess.DEVNULL,
            check=True,
        )
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise RunError("The device did not answer.", hint="Close other programs and check again.") from None
    except (subprocess.CalledProcessError, ValueError) as error:
        last = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise RunError(
            f"PyTorch cannot be used: {' '.join(last)}",
            hint="Install it again with `python3 packaging/run.py`.",
        ) from None
