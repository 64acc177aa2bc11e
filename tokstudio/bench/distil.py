"""Distillation on random weights: tokens a second, memory, and what the objectives cost beside plain fine-tuning.

The targets come from the JAX trainer's figures on two such cores (lab notes in CHANGELOG.md): 981 tokens/s trained in
full and 966 with adapters, counted with padding, 2,910 MiB, 0.413 s to collate 16 x 512 tokens. Ours count tokens of
text alone. Each case has a process of its own.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tokstudio.bench.base import Figure, benchmark

MIB = 2**20
THEIRS = {"full": (981.0, 2910.0), "lora": (966.0, 2930.0), "bytes": (961.0, 7985.0)}  # tokens/s, peak MiB
COLLATE = 0.413  # seconds for 16 x 512 tokens
GFLOP, GFLOPS = 300.0, 190.0  # of a step, and of the machine in fp32


@benchmark("distil", title="Cross-tokenizer distillation: tokens per second, memory, share of the objectives")
def distil(repeat: int) -> Iterator[Figure]:
    from tokstudio.train.distil_cost import BATCH, LENGTH, Case, measure_apart

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        yield collation(folder, repeat)
        how = f"next_token + alm, {BATCH} x {LENGTH}, fp32, best of {repeat}"
        for mode in ("full", "lora"):
            found = measure_apart(Case(mode=mode, steps=repeat, beside=mode == "full"), folder)
            yield from speed(mode, mode, found, 2.0, how)
            if mode == "full":
                share = GFLOP / GFLOPS / found["seconds"]
                yield Figure(
                    name="share_of_arithmetic",
                    value=round(share, 3),
                    unit="",
                    note=f"{GFLOP:.0f} GFLOP a step at {GFLOPS:.0f} GFLOP/s",
                )
                ratio = found["seconds"] / found["plain_seconds"]
                note = "a step beside teacher forward, student forward and backward with whole logits"
                yield Figure(name="step_over_plain", value=round(ratio, 3), unit="", target=1.25, note=note)
        found = measure_apart(Case(cached=True, steps=repeat, beside=True), folder)
        ratio = found["seconds"] / found["plain_seconds"]
        note = "with the teacher cache, beside the student's part alone"
        yield Figure(name="cached_over_plain", value=round(ratio, 3), unit="", target=1.1, note=note)
        for mode in ("full", "lora"):
            found = measure_apart(Case(mode=mode, cached=True, precision="bf16", steps=repeat), folder)
            yield from speed(f"{mode}_ours", mode, found, 4.0, f"teacher cache, bf16, best of {repeat}")
        yield from bytes_case(folder, repeat)
        yield vocabulary(folder)


def speed(name: str, like: str, found: dict[str, float], times: float, how: str) -> Iterator[Figure]:
    rate, peak = THEIRS[like]
    cpu = f"{how}; {found['cpu_seconds']:.2f} CPU-s a step"
    yield Figure(
        name=f"{name}_tokens_s",
        value=round(found["tokens"] / found["seconds"], 1),
        unit="tokens/s",
        target=round(times * rate),
        note=cpu,
        at_least=True,
    )
    yield Figure(
        name=f"{name}_peak_mib", value=round(found["peak_bytes"] / MIB), unit="MiB", target=peak / 2, note=how
    )


def bytes_case(folder: Path, repeat: int) -> Iterator[Figure]:
    from tokstudio.train.distil_cost import Case, measure_apart

    case = Case(mode="lora", target="bytes", length=1024, steps=max(1, min(repeat, 2)))
    yield from speed("bytes", "bytes", measure_apart(case, folder), 2.0, "adapters, 16 x 1,024 bytes, fp32")


def vocabulary(folder: Path) -> Figure:
    """How much more memory a step takes with many rows, beyond rows, gradients and moments."""
    from tokstudio.train.distil_cost import Case, measure_apart

    small, large = 8192, 131_072
    peaks = [measure_apart(Case(vocabulary=size, steps=2), folder)["peak_bytes"] for size in (small, large)]
    weights = 2 * (large - small) * 256 * 4 * 4  # two matrices; values, gradients, two moments
    growth = (peaks[1] - peaks[0] - weights) / peaks[0]
    note = f"peak of a step, {small:,} to {large:,} rows, beyond {weights / MIB:,.0f} MiB of weights and their state"
    return Figure(name="growth_with_vocabulary", value=round(growth, 3), unit="", target=0.05, note=note)


def collation(folder: Path, repeat: int) -> Figure:
    """Tokenize 16 texts twice, cut them to 512 tokens, and line them up."""
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.chunks import chunk
    from tokstudio.train.config import DataConfig
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.data import WindowOrder
    from tokstudio.train.distil_cost import tokenizer_of
    from tokstudio.train.packing import batches

    sides = [(load_tokenizer(name), 512) for name in ("demo:english", tokenizer_of(8192, folder))]
    data = DataConfig(window_bytes=3000, too_long="cut")
    order = WindowOrder(load_corpus("python").train, window_bytes=3000, batch_size=16, seed=1)
    taken = []
    for index in range(repeat + 1):
        texts = order[index]
        began = time.perf_counter()
        teacher, student = batches(sides, texts, data)
        chunk(teacher, student)
        taken.append(time.perf_counter() - began)
    note = f"16 texts of at most 512 tokens, both tokenizers, cut and lined up; best of {repeat}"
    return Figure(name="collate_s", value=round(min(taken[1:]), 4), unit="s", target=COLLATE / 20, note=note)
