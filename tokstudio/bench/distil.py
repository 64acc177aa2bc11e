"""Distillation on random weights: speed, memory, and what the objectives cost beside plain fine-tuning.

Beside the JAX trainer's figures, which were measured once and are stated here: its own script, jax 0.5.0, two cores
on which torch multiplied fp32 matrices at 190 GFLOP/s, 16 x 256 tokens on either side (bytes: 16 x 1,024), a Llama of
6 layers and 256 channels, byte-level BPE of 4,096 tokens to one of 8,192, next token and ALM, AdamW, fp32. Its tokens
count padding, ours do not. Every case has a process of its own, measures the same product between its steps, and
speeds are told per unit of it: a machine twice as fast is no merit of the program.

With --quick the long cases, bytes and large vocabularies, are left out.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tokstudio.bench.base import Figure, benchmark
from tokstudio.train.distil_cost import BATCH, LENGTH, Case, measure_apart

MIB = 2**20


@dataclass(frozen=True)
class Theirs:
    """Of the JAX trainer."""

    tokens_s: float
    peak_mib: float
    cpu_seconds: float  # of a step


THEIRS = {
    "full": Theirs(981.0, 2910.0, 7.85),
    "lora": Theirs(966.0, 2930.0, 7.95),
    "bytes": Theirs(961.0, 7985.0, 17.0 * 1.88),
}
THEIR_GFLOPS = 190.0  # fp32 products by torch on that machine
COLLATE = 0.413  # seconds for 16 x 512 tokens
GFLOP = 298.0  # arithmetic of a step, as XLA counts it
QUICK = 2  # repetitions up to which the long cases are left out


@benchmark("distil", title="Cross-tokenizer distillation: speed and memory beside the JAX trainer's")
def distil(repeat: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        found = measure_apart(Case(collate=True, steps=max(5, repeat)), folder)
        yield collation(found)
        full = measure_apart(Case(steps=repeat), folder)
        yield from machine_of(full)
        how = f"next token and ALM, {BATCH} x {LENGTH}, fp32, no cache, median of {repeat}"
        yield from beside("full", "full", full, 2.0, how)
        yield share(full)
        note = "a step beside teacher forward, student forward and backward with whole logits"
        found = measure_apart(Case(steps=repeat, beside=True), folder)
        yield over_plain("step_over_plain", found, 1.25, note)
        yield from beside("lora", "lora", measure_apart(Case(mode="lora", steps=repeat), folder), 2.0, how)
        cached = Case(cached=True, steps=repeat)
        note = "with the teacher cache, beside the student's part alone"
        found = measure_apart(replace(cached, beside=True), folder)
        yield over_plain("cached_over_plain", found, 1.1, note)
        precision = "bf16" if full["bf16_gflops"] > 1.5 * full["gflops"] else "fp32"
        how = f"own choice for this machine: teacher cache, {precision}, median of {repeat}"
        for mode in ("full", "lora"):
            case = replace(cached, mode=mode, precision=precision)
            yield from beside(f"{mode}_ours", mode, measure_apart(case, folder), 4.0, how)
        if repeat > QUICK:
            case = Case(mode="lora", target="bytes", length=1024, steps=min(repeat, 3))
            how = f"adapters, {BATCH} x 1,024 bytes, fp32, no cache"
            yield from beside("bytes", "bytes", measure_apart(case, folder), 2.0, how)
            yield vocabulary(folder)


def machine_of(found: dict[str, float]) -> Iterator[Figure]:
    for name, note in (
        ("plain_gflops", "as torch does it unasked; the JAX trainer's machine: 190"),
        ("gflops", "as training does it here"),
        ("bf16_gflops", "in bf16"),
    ):
        yield Figure(name=name, value=round(found[name]), unit="GFLOP/s", note=f"product, {note}")


def beside(name: str, like: str, found: dict[str, float], times: float, how: str) -> Iterator[Figure]:
    """Speed per unit of the machine's, and memory, beside theirs."""
    theirs = THEIRS[like]
    rate = found["tokens"] / found["seconds"]
    machine = found["plain_gflops"] / THEIR_GFLOPS
    yield Figure(
        name=f"{name}_times_jax",
        value=round(rate / theirs.tokens_s / machine, 2),
        unit="x",
        target=times,
        note=f"{rate:,.0f} text tokens/s against {theirs.tokens_s:,.0f}, machine {machine:.2f} of theirs, "
        f"{found['seconds']:.2f} s and {found['cpu_seconds']:.2f} CPU-s a step against {theirs.cpu_seconds:.2f} "
        f"CPU-s; {how}",
        at_least=True,
    )
    yield Figure(
        name=f"{name}_peak_mib",
        value=round(found["peak_bytes"] / MIB),
        unit="MiB",
        target=theirs.peak_mib / 2,
        note=f"of the whole process; theirs {theirs.peak_mib:,.0f}",
    )


def share(found: dict[str, float]) -> Figure:
    value = GFLOP / found["gflops"] / found["seconds"]
    note = f"{GFLOP:.0f} GFLOP a step at {found['gflops']:.0f} GFLOP/s, of {found['seconds']:.2f} s"
    return Figure(name="share_of_arithmetic", value=round(value, 3), unit="", note=note)


def over_plain(name: str, found: dict[str, float], target: float, note: str) -> Figure:
    return Figure(name=name, value=round(found["over_plain"], 3), unit="", target=target, note=note)


def vocabulary(folder: Path) -> Figure:
    """How much more memory a step takes with many rows, beyond rows, gradients and moments."""
    small, large = 8192, 131_072  # the tokenizer's own, and so many that only memory counts
    peaks = [measure_apart(Case(vocabulary=size, steps=1), folder)["peak_bytes"] for size in (small, large)]
    weights = 2 * (large - small) * 256 * 4 * 4  # two matrices; values, gradients, two moments
    growth = (peaks[1] - peaks[0] - weights) / peaks[0]
    note = f"peak of a step, {small:,} to {large:,} rows, beyond {weights / MIB:,.0f} MiB of weights and their state"
    return Figure(name="growth_with_vocabulary", value=round(growth, 3), unit="", target=0.05, note=note)


def collation(found: dict[str, float]) -> Figure:
    machine = found["plain_gflops"] / THEIR_GFLOPS
    note = (
        f"{BATCH} texts, 28 kB, both tokenizers, cut at 512 tokens and lined up; theirs {COLLATE} s for 27 kB; "
        f"products {machine:.2f} of their machine's"
    )
    return Figure(
        name="collate_s", value=round(found["seconds"], 4), unit="s", target=COLLATE / 20, note=note
    )
