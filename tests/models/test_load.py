import pytest

from tokstudio.errors import ModelError
from tokstudio.models.load import load_model, model_folder


def test_missing_and_empty_folders(tmp_path):
    for name, says in (("nowhere", "no model folder"), (".", "no config.json")):
        with pytest.raises(ModelError, match=says) as caught:
            model_folder(str(tmp_path / name))
        assert caught.value.hint


def test_a_pickle_is_not_opened(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelError, match="pickle") as caught:
        load_model(str(tmp_path))
    assert "safetensors" in caught.value.hint


@pytest.mark.parametrize(
    ("config", "weights"),
    [
        ('{"model_type": "llama"}', b"\x00" * 16),
        ('{"model_type": "no-such-thing"}', b"\x02\x00\x00\x00\x00\x00\x00\x00{}"),
        ("not json", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"),
    ],
)
def test_corrupt_files_are_a_sentence(tmp_path, config, weights):
    (tmp_path / "config.json").write_text(config)
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="cannot be opened as a causal language model"):
        load_model(str(tmp_path))


def test_a_file_that_is_cut_off_says_how_much_is_missing(tmp_path):
    demo = model_folder("demo:english")
    (tmp_path / "config.json").write_bytes((demo / "config.json").read_bytes())
    whole = (demo / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    promise = f"cut off: its header promises {len(whole):,} bytes and the file has {len(whole) // 2:,}"
    with pytest.raises(ModelError, match=promise) as caught:
        load_model(str(tmp_path))
    assert "Download" in caught.value.hint
