"""What the solver costs: seconds and memory of one plan and its gradient. `tokstudio bench sinkhorn` shows them."""

import ctypes
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tokstudio.transfer.layout import Candidates, Layout, Table
from tokstudio.transfer.sinkhorn import sinkhorn

STEPS = 3


@dataclass(frozen=True)
class Cost:
    forward: float  # seconds, median
    backward: float
    entries_per_row: float
    extra_bytes: int | None  # beyond the scores and their gradient; None where the system does not say


@dataclass(frozen=True, eq=False)
class Case:
    x: torch.Tensor
    mu: torch.Tensor
    nu: torch.Tensor
    layout: Layout


def candidate_case(rows: int = 32_768, columns: int = 50_280, width: int = 64) -> Case:
    """Scores near a plan of a few large entries a row, as they are in the middle of a training."""
    random = torch.Generator().manual_seed(0)
    sources = torch.randint(0, columns, (rows, width), generator=random).int()
    mu = torch.rand(rows, generator=random) + 0.1
    shares = torch.rand(rows, width, generator=random) ** 8
    plan = shares / shares.sum(1, keepdim=True) * (mu / mu.sum())[:, None]
    nu = torch.zeros(columns).index_add_(0, sources.flatten().long(), plan.flatten())
    x = plan * (0.5 + torch.rand(rows, width, generator=random))
    return Case(x, mu / mu.sum(), nu / nu.sum(), Candidates(sources, columns))


def table_case(rows: int, columns: int) -> Case:
    random = torch.Generator().manual_seed(0)
    mu = torch.rand(rows, generator=random) + 0.1
    nu = torch.rand(columns, generator=random) + 0.1
    x = torch.rand(rows, columns, generator=random) * 4 / rows
    return Case(x, mu / mu.sum(), nu / nu.sum(), Table(rows, columns))


def cost(case: Case, repeat: int) -> Cost:
    """The first round is not counted: it warms the allocator and sorts the candidates."""
    x = case.x.clone().requires_grad_()
    forward, backward, entries = [], [], 0
    for _ in range(repeat + 1):
        began = time.perf_counter()
        found = sinkhorn(x, case.mu, case.nu, layout=case.layout, steps=STEPS)
        middle = time.perf_counter()
        found.values.sum().backward()
        forward.append(middle - began)
        backward.append(time.perf_counter() - middle)
        entries, x.grad = len(found.values), None
    memory = extra_memory(lambda: _round(case))
    row = entries / case.layout.rows
    return Cost(statistics.median(forward[1:]), statistics.median(backward[1:]), row, memory)


def _round(case: Case) -> int:
    """One plan and its gradient. Returns the bytes of the gradient."""
    x = case.x.requires_grad_()
    weights = torch.rand_like(x[0, :1])
    (sinkhorn(x, case.mu, case.nu, layout=case.layout, steps=STEPS).values * weights).sum().backward()
    x.grad = None
    return x.numel() * x.element_size()


def memory_of_autograd(case: Case) -> int | None:
    """The same by automatic differentiation through the package `entmax`; None where it is not installed."""
    try:
        from entmax import sparsemax
    except ImportError:
        return None

    def through() -> int:
        x = case.x.requires_grad_()
        plan = sparsemax(x / case.mu[:, None], dim=1) * case.mu[:, None]
        for _ in range(STEPS - 1):
            plan = sparsemax(plan / case.nu, dim=0) * case.nu
            plan = sparsemax(plan / case.mu[:, None], dim=1) * case.mu[:, None]
        plan.sum().backward()
        x.grad = None
        return x.numel() * x.element_size()

    return extra_memory(through)


def extra_memory(action: Callable[[], int]) -> int | None:
    """Peak resident bytes while `action` runs, less those before and what it returns. Linux only."""
    status, switch = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        ctypes.CDLL(None).malloc_trim(0)  # blocks that were freed but kept would hide what is taken
        switch.write_text("5")  # the peak begins anew
    except (OSError, AttributeError):  # another system, or another C library
        return None
    before = _kilobytes(status, "VmRSS")
    known = action()
    return max(0, (_kilobytes(status, "VmHWM") - before) * 1024 - known)


def _kilobytes(status: Path, name: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
