"""Which build of PyTorch to install, and from where.

On Linux the default index has only the CUDA build: several GB that a machine without an NVIDIA GPU cannot
use. PyTorch's own index has CPU builds, but it may be out of reach, and must then cost seconds, not minutes.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 4.0  # a TCP connection that takes longer is no place to fetch 200 MB from


def has_nvidia_gpu() -> bool:
    return sys.platform == "linux" and (
        _driver_lists_a_gpu() or _nvidia_smi_lists_a_gpu() or _cuda_counts() > 0
    )


def _driver_lists_a_gpu() -> bool:
    folder = "/proc/driver/nvidia/gpus"
    return os.path.isdir(folder) and bool(os.listdir(folder))


def _nvidia_smi_lists_a_gpu() -> bool:
    if not (tool := shutil.which("nvidia-smi")):
        return False
    try:  # it hangs where the driver does
        answer = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and "GPU " in answer.stdout


def _cuda_counts() -> int:
    """Devices that the CUDA driver offers; 0 without a driver. Containers may have this and no nvidia-smi."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    return count.value if cuda.cuInit(0) == 0 and cuda.cuDeviceGetCount(ctypes.byref(count)) == 0 else 0


def choose_index(
    *, platform: str, gpu: bool, wanted: str | None, reachable: Callable[[], bool]
) -> str | None:
    """The index to try first, or None for the default one.

    `wanted` is $TOKSTUDIO_TORCH_INDEX: an address overrules everything, an empty one means the default
    index, and None that nobody has a wish. Platforms other than Linux find a CPU build on the default index.
    `reachable` takes time, so it is asked last.
    """
    if wanted is not None:
        return wanted or None
    if platform != "linux" or gpu or not reachable():
        return None
    return CPU_INDEX


def cpu_index_reachable() -> bool:
    """Behind a proxy a direct connection proves nothing: pip tries, with short limits of its own."""
    if any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")):
        return True
    return connects(urlsplit(CPU_INDEX).hostname or "", 443, PROBE_SECONDS)


def connects(host: str, port: int, seconds: float) -> bool:
    """Does a TCP connection open in time? In a thread, because a name look-up takes no timeout of its own."""
    answers: list[bool] = []

    def probe() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
        except OSError:
            return
        answers.append(True)

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(answers)


def pip_arguments(requirement: str, index: str) -> list[str]:
    """PyTorch alone from `index`; what it needs comes afterwards, from the default one."""
    limits = ["--timeout", "15", "--retries", "0"]
    return ["install", "--no-deps", *limits, "--index-url", index, requirement]
