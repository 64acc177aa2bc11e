"""Memory and processor readings of one process, and how much memory there is."""

import os
import sys
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Reading:
    rss: int  # bytes now
    peak: int  # bytes, the most so far
    cpu_percent: float  # 100 is one core


class Sampler:
    """Reads this process. Asking costs about 50 microseconds."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first answer is always 0: it measures from call to call
        self._peak = 0
        self._last = 0.0

    def read(self) -> Reading:
        rss = self._process.memory_info().rss
        self._peak = max(self._peak, rss, _system_peak())
        return Reading(rss, self._peak, self._process.cpu_percent())

    def rss_at_most(self, per_second: float) -> int | None:
        """Bytes now, or None when it was asked for so often that the answer would only cost time."""
        now = time.monotonic()
        if now - self._last < 1 / per_second:
            return None
        self._last = now
        return self._process.memory_info().rss


def _system_peak() -> int:
    """What the system remembers, in bytes: it also saw the moments between two readings."""
    if os.name == "nt":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def total_memory(device: str) -> int:
    """Bytes that `device` has: the GPU's for "cuda", the machine's otherwise. For the worker, where torch is
    loaded when the device is known."""
    if device.startswith("cuda") and (torch := sys.modules.get("torch")) is not None:
        return int(torch.cuda.get_device_properties(device).total_memory)
    return psutil.virtual_memory().total
