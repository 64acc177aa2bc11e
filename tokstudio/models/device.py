"""Which device, which precision."""

import contextlib
from typing import TYPE_CHECKING

from tokstudio.errors import ConfigError

if TYPE_CHECKING:
    import torch


def pick_device(name: str = "auto") -> "torch.device":
    """`auto`: CUDA if present, else the CPU. Raises ConfigError for a device that is not here."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"The device {name!r} cannot be used: {str(error).splitlines()[0]}",
            hint='Choose "auto" or "cpu".',
        ) from None
    return device


def autocast(device: "torch.device", precision: str) -> contextlib.AbstractContextManager:
    """Forward passes in bf16 where that pays: `auto` means CUDA only. Losses are computed in fp32 by who asks."""
    import torch

    if precision == "bf16" or (precision == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def memory_bytes(device: "torch.device") -> int:
    """Peak CUDA memory of this process, or its resident memory now."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import psutil

    return psutil.Process().memory_info().rss


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks instead of returning them to the system after each tensor.

    Training on the CPU frees and asks again for the same hundreds of megabytes every step; without this the
    kernel clears them anew each time (measured: a step of the demo model 1.21 s, with it 0.89 s). Elsewhere: no-op.
    """
    import ctypes
    import sys

    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl has neither the name nor the problem
        return
    trim_threshold, mmap_max = -1, -4
    mallopt(mmap_max, 0)
    mallopt(trim_threshold, 2**31 - 1)
