"""Settings of the process that make products faster leave their digits alone."""

import os
import subprocess
import sys

import pytest
import torch

from tokstudio.models import device


@pytest.fixture
def precision():
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def test_fast_products_have_fp32_digits(precision):
    device.fast_products(torch.device("cpu"))
    assert device._product_error() < 1e-6


def test_a_library_that_multiplies_in_less_is_not_taken(precision, monkeypatch):
    before = torch.get_float32_matmul_precision()
    monkeypatch.setattr(device, "_from_amd", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    low = torch.randn(64, 64).bfloat16()
    exact = low.double() @ low.double()
    error = float(
        ((low @ low).double() - exact).abs().max() / (low.double().abs() @ low.double().abs()).max()
    )
    monkeypatch.setattr(device, "_product_error", lambda: error)
    assert not device.fast_products(torch.device("cpu"))
    assert torch.get_float32_matmul_precision() == before


def test_a_gpu_is_left_alone(precision):
    before = torch.get_float32_matmul_precision()
    assert not device.fast_products(torch.device("cuda"))
    assert torch.get_float32_matmul_precision() == before


SHAPES = """
import psutil, torch
from tokstudio.models.device import fast_products
def multiply(lengths):
    for length in lengths:
        torch.ones(length, 256) @ weight
    return psutil.Process().memory_info().rss / 1e6
weight = torch.ones(256, 640)
if fast_products(torch.device("cpu")):
    before = multiply(range(16, 116))
    print(multiply(range(116, 616)) - before)
"""


def test_products_of_ever_other_lengths_are_not_kept():
    """500 shapes: 350 MB with the libraries' own limits, 42 MB with ours. Limits are read once in a process."""
    names = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    env = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run([sys.executable, "-c", SHAPES], env=env, capture_output=True, text=True, check=True)
    if not done.stdout:
        pytest.skip("MKL multiplies here")
    assert float(done.stdout) < 150
