"""Two steps of a run that is not started yet, in a process of their own: how much memory it takes, and how long.

    found = Probe(config)          # a TransferConfig; starts the process
    found.wait()                   # {"measured_bytes": …, "estimated_bytes": …, "parts": …, "seconds_per_step": …}
    found.cancel()                 # from another thread: `wait` raises RunError

For the window: nothing here imports torch.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tokstudio.errors import RunError
from tokstudio.runs.process import environment, program
from tokstudio.train.settings import to_toml

PATIENCE = 1800.0  # seconds: a large model is loaded from a slow disk, and two of its steps take their time


class Probe:
    """Raises RunError where the process cannot be started."""

    def __init__(self, config: Any):
        self._folder = tempfile.TemporaryDirectory(prefix="tokstudio-probe-")
        path = Path(self._folder.name) / "config.toml"
        path.write_text(to_toml(config), encoding="utf-8")
        self._errors = open(Path(self._folder.name) / "stderr", "w+", encoding="utf-8")  # noqa: SIM115
        self._cancelled = False
        try:
            self.process = subprocess.Popen(
                [*program(), "worker", "--probe-run", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env=environment(),
            )
        except OSError as error:
            self._close()
            raise RunError(f"Two steps could not be tried: {error.strerror or error}.") from None

    def wait(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """What `Forecast.values` says. Raises RunError for settings that do not work, and where memory ends."""
        try:
            told, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise RunError(
                "Two steps took longer than half an hour.", hint="Take a smaller batch or shorter windows."
            ) from None
        finally:
            said = self._said()
            self._close()
        if self._cancelled:
            raise RunError("The measurement was stopped.")
        if self.process.returncode == 0:
            return json.loads(told)
        if os.name == "posix" and self.process.returncode == -9:
            raise RunError(
                "The system ended the measurement: memory does not suffice.",
                hint="Take a smaller batch, shorter windows, or adapters (mode=lora).",
            )
        message, hint = _words(said)
        raise RunError(message, hint=hint)

    def cancel(self) -> None:
        self._cancelled = True
        self.process.kill()

    def _said(self) -> str:
        self._errors.flush()
        self._errors.seek(0)
        return self._errors.read()

    def _close(self) -> None:
        self._errors.close()
        self._folder.cleanup()


def probe(config: Any) -> dict[str, Any]:
    """Starts, waits, answers. Blocks for a quarter of a minute or more: for a thread."""
    return Probe(config).wait()


def _words(said: str) -> tuple[str, str]:
    """(message, hint) of a command that failed: its last lines, without the command's name."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    start = next((i for i, line in enumerate(lines) if line.startswith("tokstudio worker: ")), None)
    if start is None:
        return f"Two steps could not be done: {lines[-1] if lines else 'no reason was given'}", ""
    return lines[start].removeprefix("tokstudio worker: "), " ".join(lines[start + 1 :])
