"""The memory that is computed, against peaks that were measured: fresh processes, two steps and a measurement of the
demo on the CPU (lab notes of 2026-11-26). Whether they still hold, a slow test of test_distil_run.py measures."""

from dataclasses import replace

import pytest

from tokstudio.train.config import demo
from tokstudio.train.estimate import Sizes, memory_parts
from tokstudio.train.settings import apply_overrides

SHAPE = {"hidden": 256, "intermediate": 640, "layers": 4}
SUBWORDS = {"vocabulary": 4160, "taught_vocabulary": 4096}
BYTES = {"vocabulary": 258, "taught_vocabulary": 4096}
FULL = {"student": 4_097_000, "trained": 4_097_000, "teacher": 4_080_000}
LORA = {"student": 5_294_336, "trained": 2_277_376, "teacher": 1_048_576}
TWO = ('objectives=["next_token", "alm"]', "weights=[1.0, 1.0]")
SHORT = "data.window_bytes=512"
PROCESS = 431e6  # that these runs had before there was a model

MEASURED = [  # settings, sizes, tokens of student and teacher, MB
    ("full", 4, (), FULL | SUBWORDS, (1728, 1724), 938),
    ("full", 4, TWO, FULL | SUBWORDS, (1728, 1724), 733),
    ("full", 4, ("train.precision=bf16",), FULL | SUBWORDS, (1728, 1724), 952),
    ("full", 4, ("train.gradient_checkpointing=true",), FULL | SUBWORDS, (1728, 1724), 972),
    ("full", 16, (), FULL | SUBWORDS, (7744, 7728), 1218),
    ("full", 16, TWO, FULL | SUBWORDS, (7744, 7728), 1123),
    ("lora", 4, (), LORA | SUBWORDS, (1728, 1724), 1006),
    ("lora", 4, TWO, LORA | SUBWORDS, (1728, 1724), 723),
    ("lora", 4, (*TWO, "train.teacher_cache=true"), LORA | SUBWORDS | {"teacher": 0}, (1728, 1724), 711),
    ("lora", 4, ("train.precision=bf16",), LORA | SUBWORDS, (1728, 1724), 977),
    ("lora", 4, ("train.gradient_checkpointing=true",), LORA | SUBWORDS, (1728, 1724), 1086),
    ("lora", 16, (), LORA | SUBWORDS, (7744, 7728), 1195),
    ("lora", 16, TWO, LORA | SUBWORDS, (7744, 7728), 1130),
    ("full", 4, (*TWO, SHORT), FULL | BYTES | {"student": 3_099_000, "trained": 3_099_000}, (2052, 900), 763),
    ("lora", 4, (*TWO, SHORT), LORA | BYTES | {"student": 4_295_000, "trained": 1_278_000}, (2052, 900), 762),
]


@pytest.mark.parametrize(("mode", "batch", "settings", "sizes", "tokens", "measured"), MEASURED)
def test_near_what_was_measured(mode, batch, settings, sizes, tokens, measured):
    config = apply_overrides(demo(), [f"mode={mode}", f"train.batch_size={batch}", *settings])
    parts = memory_parts(Sizes(**SHAPE, **sizes, tokens=tokens[0], taught=tokens[1]), config, process=PROCESS)
    assert sum(parts.values()) / 1e6 == pytest.approx(measured, rel=0.15)


def test_a_measurement_counts_only_where_it_takes_more_than_a_step():
    sizes = Sizes(**SHAPE, **FULL, **SUBWORDS, tokens=1728, taught=1724)
    config = apply_overrides(demo(), ["train.batch_size=4", *TWO])
    little = replace(config, data=replace(config.data, held_out_bytes=2000))
    assert memory_parts(sizes, config) == memory_parts(sizes, little)
    one = replace(config, train=replace(config.train, batch_size=1))
    sizes = replace(sizes, tokens=432, taught=431)
    less = replace(one, data=little.data)
    total = lambda config: sum(memory_parts(sizes, config).values())  # noqa: E731
    assert total(one) > total(less)


def test_a_gpu_pays_neither_for_the_process_nor_for_holes():
    sizes = Sizes(**SHAPE, **FULL, **SUBWORDS, tokens=1728, taught=1724)
    parts = memory_parts(sizes, demo(), cuda=True)
    assert parts["process"] == 0
    assert parts["weights"] == parts["gradients"] == 4 * FULL["student"]
    assert parts["logits"] < memory_parts(sizes, demo())["logits"]
