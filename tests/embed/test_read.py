"""Which matrices a folder holds, and what is refused."""

import json

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.embed.files import MINILM, model, random, write, write_raw
from tokstudio.embed.header import read_header
from tokstudio.embed.read import open_model
from tokstudio.errors import InputError, ModelError


def test_minilm_is_what_its_paper_says():
    found = open_model(MINILM)
    matrix = found.matrix()
    assert matrix.shape == (30_522, 384)
    assert (found.entries[0].tensor.name, found.entries[0].role) == (
        "embeddings.word_embeddings.weight",
        "input",
    )
    assert found.tied == "input only"
    assert abs(float(np.linalg.norm(matrix.rows([2314])[0])) - 1.17) < 0.3


def test_the_same_numbers_as_the_safetensors_library():
    from safetensors import safe_open

    with safe_open(MINILM / "model.safetensors", "numpy") as reference:
        expected = reference.get_tensor("embeddings.word_embeddings.weight")
    assert np.array_equal(open_model(MINILM).matrix().stored, expected)


def test_vocabulary_sized_matrices_come_first_with_their_roles(tmp_path):
    tensors = {
        "model.layers.0.mlp.up_proj.weight": random(300, 8),
        "lm_head.weight": random(100, 8),
        "model.embed_tokens.weight": random(100, 8),
        "model.norm.weight": random(1, 8)[0],
    }
    found = open_model(model(tmp_path / "m", tensors, vocab_size=100))
    assert [(e.tensor.name, e.role) for e in found.entries] == [
        ("model.embed_tokens.weight", "input"),
        ("lm_head.weight", "output"),
        ("model.layers.0.mlp.up_proj.weight", "other"),
    ]
    assert found.tied == "untied"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"architectures": ["LlamaForCausalLM"]}, "tied"),
        ({"architectures": ["LlamaForCausalLM"], "tie_word_embeddings": True}, "tied"),
        ({"architectures": ["GPT2LMHeadModel"]}, "tied"),
        ({"architectures": ["LlamaForCausalLM"], "tie_word_embeddings": False}, "input only"),
        ({"architectures": ["BertModel"]}, "input only"),
        ({}, "input only"),
    ],
    ids=["default", "said", "gpt2", "not tied", "encoder", "nothing"],
)
def test_a_missing_output_matrix_is_tied_only_where_the_configuration_says_so(tmp_path, config, expected):
    folder = model(tmp_path, {"model.embed_tokens.weight": random(40, 4)}, vocab_size=40, **config)
    assert open_model(folder).tied == expected


def test_rows_padded_above_the_vocabulary_still_count_as_its_matrix(tmp_path):
    folder = model(tmp_path, {"wte.weight": random(128, 4)}, vocab_size=100)
    assert open_model(folder).entries[0].role == "input"


def test_without_a_configuration_names_tell(tmp_path):
    path = write(tmp_path / "x.safetensors", {"transformer.wte.weight": random(50, 4), "h.0.w": random(9, 4)})
    assert [e.role for e in open_model(path).entries] == ["input", "other"]


def test_shards_are_read_through_their_index(tmp_path):
    write(tmp_path / "a.safetensors", {"model.embed_tokens.weight": random(20, 4, 1)})
    write(tmp_path / "b.safetensors", {"lm_head.weight": random(20, 4, 2)})
    weights = {"model.embed_tokens.weight": "a.safetensors", "lm_head.weight": "b.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    found = open_model(tmp_path)
    assert np.array_equal(found.matrix("lm_head.weight").stored, random(20, 4, 2))
    (tmp_path / "b.safetensors").unlink()
    with pytest.raises(ModelError, match=r"1 of 2 files .* missing.*b\.safetensors"):
        open_model(tmp_path)


@pytest.mark.parametrize(
    "name", ["../outside.safetensors", "/etc/x.safetensors", "sub/x.safetensors", "..\\x.safetensors"]
)
def test_an_index_may_not_lead_out_of_its_folder(tmp_path, name):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": name}}))
    with pytest.raises(ModelError, match="outside its folder"):
        open_model(tmp_path)


def test_types_decode_to_the_same_numbers(tmp_path):
    values = random(17, 5, 3)
    half = values.astype(np.float16)
    brain = (values.view(np.uint32) >> 16).astype(np.uint16)
    path = write(tmp_path / "x.safetensors", {"a": values, "b": half, "c": brain}, {"c": "BF16"})
    found = open_model(path)
    assert np.array_equal(found.matrix("b").block(0, 17), half.astype(np.float32))
    assert np.array_equal(found.matrix("c").block(0, 17), (brain.astype(np.uint32) << 16).view(np.float32))
    assert np.abs(found.matrix("c").block(0, 17) - values).max() <= np.abs(values).max() * 2.0**-7
    assert found.matrix("a").block(0, 17).base is not None, "float32 is handed through, not copied"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_every_code_of_a_type_decodes_as_torch_does(tmp_path, dtype):
    import torch

    wide = dtype in ("float16", "bfloat16")
    codes = np.arange(65536 if wide else 256, dtype=np.uint16 if wide else np.uint8).reshape(-1, 16)
    expected = torch.from_numpy(codes.copy()).view(getattr(torch, dtype)).to(torch.float32).numpy()
    name = {"float16": "F16", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"}[dtype]
    path = write(tmp_path / "x.safetensors", {"w": codes.view(f"u{codes.itemsize}")}, {"w": name})
    found = open_model(path).matrix("w").block(0, len(codes))
    assert np.array_equal(found, expected, equal_nan=True)


def test_a_matrix_stays_on_disk(tmp_path):
    """400 MB as a sparse file: opening it and reading ten rows may not cost memory."""
    header = json.dumps(
        {"w": {"dtype": "F32", "shape": [100_000, 1000], "data_offsets": [0, 400_000_000]}}
    ).encode()
    path = write_raw(tmp_path / "x.safetensors", header)
    with open(path, "r+b") as stream:
        stream.truncate(8 + len(header) + 400_000_000)
    before = psutil.Process().memory_info().rss
    rows = open_model(path).matrix().rows(np.arange(0, 100_000, 10_000))
    assert rows.shape == (10, 1000)
    assert psutil.Process().memory_info().rss - before < 50_000_000


def test_a_row_that_is_not_there_says_which_are(tmp_path):
    matrix = open_model(write(tmp_path / "x.safetensors", {"w": random(9, 4)})).matrix()
    with pytest.raises(InputError, match="no row 9") as caught:
        matrix.rows([3, 9])
    assert "0 to 8" in caught.value.hint


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt"])
def test_pickles_are_refused_with_a_way_on(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04evil")
    for path in (tmp_path / name, tmp_path):
        with pytest.raises(ModelError, match="safetensors only") as caught:
            open_model(path)
        assert "save_pretrained" in caught.value.hint


def test_missing_and_empty_places_are_plain_sentences(tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        open_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="has no safetensors file"):
        open_model(tmp_path)
    with pytest.raises(ModelError, match="holds no 2-D matrix"):
        open_model(write(tmp_path / "x.safetensors", {"w": np.zeros(4, np.float32)}))


KEYS = ["w", "dtype", "shape", "data_offsets", "__metadata__"]


def entry(shape, offsets, dtype="F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def two(first: list[int], second: list[int]) -> bytes:
    return json.dumps({"a": entry([1, 2], first), "b": entry([1, 2], second)}).encode()


@pytest.mark.parametrize(
    ("header", "blob", "words"),
    [
        (b"{", b"", "no valid JSON"),
        (b"[1]", b"", "no list of tensors"),
        (b'{"w": 1, "w": 2}', b"", "no valid JSON"),
        (json.dumps({"w": entry([2, 2], [0, 12])}).encode(), b"x" * 12, "does not fit its shape"),
        (json.dumps({"w": entry([2, -2], [0, 16])}).encode(), b"x" * 16, "no usable shape"),
        (json.dumps({"w": entry([2, True], [0, 8])}).encode(), b"x" * 8, "no usable shape"),
        (json.dumps({"w": entry([1, 1], [4, 0])}).encode(), b"x" * 4, "no usable shape"),
        (two([0, 8], [4, 12]), b"x" * 12, "overlaps"),
        (two([0, 8], [12, 20]), b"x" * 20, "hole"),
        (json.dumps({"w": entry([2, 2], [0, 16])}).encode(), b"x" * 10, "cut off"),
        (json.dumps({"w": entry([2, 2], [0, 16])}).encode(), b"x" * 18, "belong to no tensor"),
        (json.dumps({"w": {"shape": [1], "data_offsets": [0, 4]}}).encode(), b"x" * 4, "no type"),
        (b'{"w": [' + b"9" * 5000 + b"]}", b"x" * 4, "no valid JSON"),
        (b"[" * 100_000, b"", "no valid JSON"),
    ],
    ids=[
        "torn",
        "list",
        "twice",
        "size",
        "negative",
        "bool",
        "turned",
        "overlap",
        "hole",
        "short",
        "long",
        "typeless",
        "huge",
        "deep",
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, header, blob, words):
    with pytest.raises(ModelError, match=words) as caught:
        read_header(write_raw(tmp_path / "x.safetensors", header, blob))
    assert caught.value.hint


def test_a_length_beyond_the_file_is_refused(tmp_path):
    for data in (b"", b"\x01", b"\xff" * 8, (10**12).to_bytes(8, "little") + b"{}"):
        (tmp_path / "x.safetensors").write_bytes(data)
        with pytest.raises(ModelError, match="header is longer than the file"):
            read_header(tmp_path / "x.safetensors")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), place=st.integers(0, 399), byte=st.integers(0, 255))
def test_damage_never_gets_further_than_a_model_error(tmp_path, cut, place, byte):
    """One byte changed and the end cut off: it reads, or it is refused; nothing else."""
    path = write(
        tmp_path / "x.safetensors",
        {"model.embed_tokens.weight": random(8, 4), "lm_head.weight": random(8, 4)},
    )
    data = bytearray(path.read_bytes())
    data[min(place, len(data) - 1)] = byte
    path.write_bytes(bytes(data[: max(0, len(data) - cut)] if cut > 200 else data))
    try:
        found = open_model(path)
        found.matrix().rows([0])
    except ModelError as error:
        assert error.hint  # noqa: PT017  most examples raise nothing


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_any_json_as_a_header_is_read_or_refused(tmp_path, header):
    path = write_raw(tmp_path / "x.safetensors", json.dumps(header).encode(), b"")
    try:
        read_header(path)
    except ModelError as error:
        assert error.hint  # noqa: PT017  most examples raise nothing
