"""The benchmark of distillation with cases that are made up: which are asked for, and how figures are worked out."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from tokstudio.bench import distil
from tokstudio.train.distil_cost import Case

FOUND = {
    "seconds": 2.0,
    "cpu_seconds": 3.5,
    "tokens": 3924.0,
    "peak_bytes": 1 << 30,
    "plain_seconds": 1.6,
    "over_plain": 1.25,
    "plain_gflops": 190.0,
    "gflops": 298.0,
    "bf16_gflops": 400.0,
}


@pytest.fixture
def cases(monkeypatch):
    asked = []
    monkeypatch.setattr(distil, "measure_apart", lambda case, folder: asked.append(case) or dict(FOUND))
    return asked


def test_figures_are_told_per_unit_of_the_machine(cases):
    figures = {figure.name: figure for figure in distil.distil(2)}
    assert figures["full_times_jax"].value == pytest.approx(2.0)  # 1,962 tokens/s on a machine like theirs
    assert figures["full_times_jax"].met
    assert figures["full_peak_mib"].value == 1024
    assert figures["share_of_arithmetic"].value == 0.5
    assert figures["step_over_plain"].met
    assert not figures["cached_over_plain"].met
    assert "bytes_peak_mib" not in figures
    assert all(case.precision == "fp32" for case in cases)  # bf16 is not half as fast again


def test_a_machine_twice_as_fast_is_no_merit(cases, monkeypatch):
    monkeypatch.setitem(FOUND, "plain_gflops", 380.0)
    figures = {figure.name: figure for figure in distil.distil(2)}
    assert figures["full_times_jax"].value == pytest.approx(1.0)


def test_bf16_is_taken_where_it_pays_and_long_cases_where_there_is_time(cases, monkeypatch):
    monkeypatch.setitem(FOUND, "bf16_gflops", 900.0)
    names = [figure.name for figure in distil.distil(3)]
    assert {case.precision for case in cases if case.cached and not case.beside} == {"bf16"}
    assert any(case.target == "bytes" for case in cases)
    assert names[-1] == "growth_with_vocabulary"


@pytest.mark.slow
def test_a_real_case_in_a_process_of_its_own(tmp_path):
    """One step of a short text: figures are there, and memory is the child's own."""
    case = Case(steps=1, length=32)
    words = [sys.executable, "-m", "tokstudio.train.distil_cost", json.dumps(asdict(case)), str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    found = json.loads(done.stdout)
    assert found["tokens"] > 100
    assert 200 << 20 < found["peak_bytes"] < 3 << 30
    assert found["plain_gflops"] > 1
