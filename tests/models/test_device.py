"""Settings of the process that make products faster leave their digits alone."""

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
