"""A window that measures itself: a process of its own with a home of its own, which prints one line of JSON."""

import json
import os
import subprocess
import sys
from typing import Any

from tokstudio.bench.startup import platform_name
from tokstudio.errors import RunError


def readings(probe: str, *arguments: str, home: str, patience: float) -> dict[str, Any]:
    """What `tokstudio.ui.PROBE` prints. Raises RunError where it ends without that, or after `patience` seconds."""
    environment = os.environ | {"TOKSTUDIO_HOME": home, "QT_QPA_PLATFORM": platform_name(os.environ)}
    command = [sys.executable, "-P", "-m", f"tokstudio.ui.{probe}", *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=patience)
    except subprocess.TimeoutExpired:
        raise RunError(
            f"The window did not finish its tour within {patience:.0f} s.",
            hint="Try again on a machine that is less busy.",
        ) from None
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    said = " / ".join(done.stderr.strip().splitlines()[-3:]) or "nothing"
    raise RunError(
        f"The window ended before its readings (exit code {done.returncode}). It said: {said}",
        hint="Start `tokstudio` by hand to see what it shows.",
    )
