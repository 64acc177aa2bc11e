"""How busy the processor is with a run."""

import pytest

from tests.runs.conftest import follow
from tokstudio.events import Metrics
from tokstudio.runs import load


def test_load_is_what_the_process_takes_of_its_cores(monkeypatch):
    clock, spent = [100.0], [5.0]
    monkeypatch.setattr(load.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(load.time, "process_time", lambda: spent[0])
    sampler = load.Load()
    sampler.cores = 4
    clock[0], spent[0] = 100.9, 8.0
    assert sampler.read() == {}
    clock[0] = 102.0
    assert sampler.read()["cpu_percent"] == pytest.approx(100 * 3 / (2 * 4))
    clock[0], spent[0] = 104.0, 9.0
    assert sampler.read()["cpu_percent"] == pytest.approx(12.5)  # from the last reading, not from the start


def test_a_driver_that_is_not_there_is_no_gpu_load(monkeypatch):
    monkeypatch.setattr(load, "LIBRARY", "no-such-library.so")
    assert load._Gpu.opened("GPU-x") is None


def test_a_run_tells_its_load(make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    batches = run.events()
    found = next(
        event.values["cpu_percent"]
        for batch in batches
        for event in batch
        if isinstance(event, Metrics) and "cpu_percent" in event.values
    )
    batches.close()
    assert 0 <= found <= 100
    run.stop()
    follow(run)
