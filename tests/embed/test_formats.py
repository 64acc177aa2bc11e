"""GGUF and .npy: the same numbers as their own libraries, and what is refused."""

import struct

import gguf
import numpy as np
import pytest

from tests.embed.files import random
from tokstudio.embed.gguf import read_gguf
from tokstudio.embed.matrix import finish
from tokstudio.embed.read import open_model
from tokstudio.embed.summary import summarize
from tokstudio.errors import ModelError


def written(path, tensors: dict[str, np.ndarray], raw: dict | None = None, vocabulary: int = 0):
    made = gguf.GGUFWriter(path, "llama")
    if vocabulary:
        made.add_vocab_size(vocabulary)
    for name, values in tensors.items():
        made.add_tensor(name, values, raw_dtype=(raw or {}).get(name))
    made.write_header_to_file()
    made.write_kv_data_to_file()
    made.write_tensors_to_file()
    made.close()
    return path


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0"])
def test_gguf_gives_the_numbers_of_its_own_library(tmp_path, kind):
    values = random(70, 64)
    quantized = gguf.quantize(values, gguf.GGMLQuantizationType[kind])
    raw = {"token_embd.weight": gguf.GGMLQuantizationType[kind]} if kind in ("BF16", "Q8_0") else None
    path = written(
        tmp_path / "m.gguf", {"token_embd.weight": quantized, "output_norm.weight": values[0]}, raw, 70
    )
    expected = gguf.dequantize(quantized, gguf.GGMLQuantizationType[kind])
    model = open_model(path)
    matrix = model.matrix()
    assert (matrix.shape, matrix.role, matrix.tensor.name) == ((70, 64), "input", "token_embd.weight")
    assert np.array_equal(matrix.block(0, 70), expected)
    assert np.array_equal(matrix.rows([69, 3]), expected[[69, 3]])
    assert np.array_equal(matrix.block(5, 9, slice(7, 40)), expected[5:9, 7:40])
    assert finish(summarize(matrix)).spread == pytest.approx(float(expected.std()), rel=1e-4)


def test_kinds_that_cannot_be_read_are_named(tmp_path):
    quantized = gguf.quantize(random(8, 64), gguf.GGMLQuantizationType.Q4_0)
    path = written(
        tmp_path / "m.gguf",
        {"token_embd.weight": quantized},
        {"token_embd.weight": gguf.GGMLQuantizationType.Q4_0},
    )
    with pytest.raises(ModelError, match="Q4_0, which cannot be read") as found:
        open_model(path)
    assert "Q8_0" in found.value.hint


def test_a_gguf_that_is_cut_off_or_lies_is_refused(tmp_path):
    path = written(tmp_path / "m.gguf", {"token_embd.weight": random(70, 64)})
    raw = path.read_bytes()
    for size in (0, 3, 20, 60, len(raw) - 100):
        (tmp_path / "cut.gguf").write_bytes(raw[:size])
        with pytest.raises(ModelError, match=r"cut off|no intact GGUF|damaged"):
            open_model(tmp_path / "cut.gguf")
    many = raw[:8] + struct.pack("<Q", 1 << 60) + raw[16:]
    (tmp_path / "lie.gguf").write_bytes(many)
    with pytest.raises(ModelError, match="promises"):
        read_gguf(tmp_path / "lie.gguf")


@pytest.mark.parametrize("dtype", ["<f4", "<f2", "<f8"])
def test_npy_is_mapped(tmp_path, dtype):
    values = random(50, 12).astype(dtype)
    np.save(tmp_path / "vectors.npy", values)
    matrix = open_model(tmp_path / "vectors.npy").matrix()
    assert matrix.tensor.name == "vectors"
    assert np.array_equal(
        matrix.rows([7, 0]), values[[7, 0]].astype(np.float64 if dtype == "<f8" else np.float32)
    )
    assert open_model(tmp_path).matrix().shape == (50, 12)


def test_npy_with_objects_columns_or_an_end_too_early(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ModelError, match="Python objects"):
        open_model(path)
    np.save(path, np.asfortranarray(random(9, 4)))
    with pytest.raises(ModelError, match="by columns"):
        open_model(path)
    np.save(path, random(90, 4))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ModelError, match="cut off"):
        open_model(path)
    path.write_bytes(b"\x93NUMPY\x01\x00\x76\x00{'descr'")
    with pytest.raises(ModelError, match="no intact"):
        open_model(path)
    np.save(path, np.arange(12).reshape(3, 4))
    with pytest.raises(ModelError, match="cannot be read here"):
        open_model(path)
