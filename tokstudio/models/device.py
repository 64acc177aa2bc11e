"""Which device, which precision."""

import contextlib
from typing import TYPE_CHECKING

from tokstudio.errors import ConfigError

if TYPE_CHECKING:
    import ctypes

    import torch

ANYWHERE = ("auto", "cpu")  # what a setting may name on every machine


def pick_device(name: str = "auto") -> "torch.device":
    """`auto`: CUDA if present, else the CPU. Raises ConfigError for a device that is not here."""
    import torch

    there = available()
    if name == "auto":
        return torch.device("cuda" if "cuda" in there else "cpu")
    if name not in there:
        raise ConfigError(
            f"There is no device {name!r} on this machine.",
            hint=f"It has: {', '.join(there)}. Name one of them, or auto, which takes the best.",
        )
    device = torch.device(name)
    try:
        torch.zeros(1, device=device)
    except RuntimeError as error:
        raise ConfigError(
            f"The device {name!r} cannot be used: {str(error).splitlines()[0]}",
            hint='Close programs that hold it, or choose "cpu".',
        ) from None
    return device


def available() -> list[str]:
    """Names of this machine's devices, the best last; those that are one of several by their number, too."""
    import torch

    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.append("mps")
    if torch.xpu.is_available():
        found += ["xpu", *(f"xpu:{i}" for i in range(torch.xpu.device_count()))]
    if torch.cuda.is_available():
        found += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    return found


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


def keep_freed_memory(*, large: bool = False) -> None:
    """Let glibc keep freed blocks instead of returning them to the system after each tensor.

    Training on the CPU frees and asks again for the same hundreds of megabytes every step; without this the
    kernel clears them anew each time (measured: a step of the demo model 1.21 s, with it 0.89 s). Blocks beyond 32 MB,
    the largest limit that glibc takes, still go back: they would leave holes that nothing fits. `large`: these,
    too. Elsewhere: no-op.
    """
    trim_threshold, mmap_threshold, mmap_max = -1, -3, -4
    if (libc := _glibc()) is not None:
        libc.mallopt(mmap_threshold, 32 << 20)
        libc.mallopt(trim_threshold, 2**31 - 1)
        if large:
            libc.mallopt(mmap_max, 0)


def give_back_freed_memory() -> None:
    """What setting up and measuring have left behind, once, before a training that needs blocks of other sizes."""
    import gc

    gc.collect()
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> "ctypes.CDLL | None":
    import ctypes
    import sys

    if sys.platform != "linux":
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
    except OSError:  # musl has neither the names nor the problem
        return None


def fast_products(device: "torch.device") -> bool:
    """Let oneDNN multiply fp32 matrices on processors where MKL leaves half of the registers unused. True: it does.

    MKL runs its AVX2 code on AMD's AVX-512 processors (measured: 107 GFLOP/s a core, oneDNN 250). torch hands fp32
    products to oneDNN only when told that a lower precision would do; without AMX there is none that it could use
    instead, so sums stay fp32, which is looked at here. The setting is the process's: for workers, not for the window.
    """
    import torch

    if device.type != "cpu" or torch.backends.cpu.get_cpu_capability() != "AVX512" or not _from_amd():
        return False
    if not torch.backends.mkldnn.is_available():
        return False
    _keep_few_primitives()
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    if _product_error() < 1e-6:
        return True
    torch.set_float32_matmul_precision(before)
    return False


def _keep_few_primitives() -> None:
    """oneDNN and the layer between it and torch each keep 1,024 prepared products, one a shape and 100 kB or more each:
    batches of ever other lengths made a run grow by 19 MB a step, to three times what it needs (measured). A step has
    about 20 shapes; with 64 kept it is no slower. Both are read at the first product. A person's own choice stands.
    """
    import os

    for name in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        os.environ.setdefault(name, "64")


def _from_amd() -> bool:
    import platform
    from pathlib import Path

    try:
        return "AuthenticAMD" in Path("/proc/cpuinfo").read_text(errors="replace")[:2000]
    except OSError:
        return "AuthenticAMD" in platform.processor()


def _product_error() -> float:
    """Largest error of a product of 256 x 256 numbers, of the largest sum of magnitudes: 1e-7 in fp32, 1e-3 in bf16."""
    import torch

    a, b = torch.randn(2, 256, 256, generator=torch.Generator().manual_seed(1)).unbind()
    exact = a.double() @ b.double()
    return float((a @ b - exact).abs().max() / (a.double().abs() @ b.double().abs()).max())
