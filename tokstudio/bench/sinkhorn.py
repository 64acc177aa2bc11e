"""The sparse Sinkhorn solver: seconds and memory at the sizes that matter, and the memory it saves."""

from collections.abc import Iterator

from tokstudio.bench.base import Figure, benchmark

MEGABYTE = 1e6


@benchmark("sinkhorn", title="Sparse Sinkhorn plans: seconds, memory, beside automatic differentiation")
def sinkhorn(repeat: int) -> Iterator[Figure]:
    from tokstudio.transfer.cost import candidate_case, cost, memory_of_autograd, table_case

    how = f"median of {repeat}, 3 steps"
    large = cost(candidate_case(), repeat)
    size = f"32,768 x 50,280, 64 candidates a row; {how}"
    yield Figure(name="candidates_forward_s", value=round(large.forward, 3), unit="s", target=1.0, note=size)
    yield Figure(
        name="candidates_backward_s", value=round(large.backward, 3), unit="s", target=0.4, note=size
    )
    if large.extra_bytes is not None:
        yield Figure(
            name="candidates_extra_mb",
            value=round(large.extra_bytes / MEGABYTE, 1),
            unit="MB",
            target=300.0,
            note="beyond the scores and their gradient",
        )
    small = cost(table_case(512, 1000), repeat)
    yield Figure(
        name="table_forward_s",
        value=round(small.forward, 4),
        unit="s",
        target=0.15,
        note=f"512 x 1,000; {how}",
    )
    yield _share_of_step(repeat)
    yield from _exactness()
    yield from _savings(cost, table_case(512, 50_280), memory_of_autograd)


def _exactness() -> Iterator[Figure]:
    from tokstudio.transfer.exactness import gradient_error, plan_error

    error, cases = gradient_error()
    yield Figure(
        name="gradient_error",
        value=error,
        unit="",
        target=1e-6,
        note=f"of 1, from finite differences in fp64; worst of {cases} cases",
    )
    if (found := plan_error()) is None:  # the package POT is not installed
        return
    error, cases = found
    note = f"entry of a plan, from POT's exact one after 200 steps; worst of {cases} random cases, costs from 0 to 1"
    yield Figure(name="plan_error", value=error, unit="", target=1e-6, note=note)


def _savings(cost, case, memory_of_autograd) -> Iterator[Figure]:
    wide = cost(case, 1)
    yield Figure(
        name="wide_forward_s", value=round(wide.forward, 3), unit="s", note="512 x 50,280, every cell; once"
    )
    yield Figure(name="wide_backward_s", value=round(wide.backward, 3), unit="s", note="the same")
    through = None if wide.extra_bytes is None else memory_of_autograd(case)
    if through is None:  # not Linux, or the package `entmax` is not installed
        return
    note = f"{wide.extra_bytes / MEGABYTE:.0f} MB instead of {through / MEGABYTE:.0f} MB through entmax"
    share = wide.extra_bytes / max(through, 1)
    yield Figure(name="memory_share_of_entmax", value=round(share, 4), unit="", target=0.05, note=note)


def _share_of_step(repeat: int) -> Figure:
    from tokstudio.train.step_cost import plan_seconds

    plan, step = plan_seconds(repeat)
    note = f"{plan:.3f} s of {step:.2f} s: demo model, 4,160 x 4,096, 32 candidates a row, 8 windows of 1,024 bytes"
    return Figure(name="plan_share_of_step", value=round(plan / step, 3), unit="", target=0.2, note=note)
