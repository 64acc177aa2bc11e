"""A whole model of the hub: address and size first, no pickle, no code. The hub is a stand-in on this machine."""

import shutil

import pytest

from tests.tokens.test_hub_download import hub, listing  # noqa: F401  `hub` is a fixture
from tokstudio.cli import main
from tokstudio.embed.known import matrix_path
from tokstudio.errors import TokenizerError
from tokstudio.models import download
from tokstudio.models.download import downloaded_models, model_plan
from tokstudio.models.load import model_folder
from tokstudio.paths import resource
from tokstudio.tokens.download import Stopped, fetch
from tokstudio.tokens.hub import models_folder

DEMO = resource("demo/english")
KEPT = ("config.json", "model.safetensors", "tokenizer.json")


@pytest.fixture
def served(hub):  # noqa: F811
    """The demo model as a repository, with what must never be fetched beside it."""
    hub.files = {name: (DEMO / name).read_bytes() for name in KEPT}
    hub.files |= {"pytorch_model.bin": b"\x80\x04", "modeling_demo.py": b"import os", "onnx/model.onnx": b"x"}
    hub.listed = {name: listing(name, data) for name, data in hub.files.items()}
    return hub


def test_the_plan_has_weights_configuration_and_tokenizer_and_nothing_else(served):
    found = model_plan("someone/small")
    assert sorted(file.name for file in found.files) == sorted(KEPT)
    assert found.bytes == sum(len(served.files[name]) for name in KEPT)
    assert found.address.endswith("/someone/small")
    assert not found.folder.exists()
    assert len(served.asked) == 1, "sizes are asked for, and no file"


def test_what_was_fetched_opens_as_a_model_folder(served):
    assert list(downloaded_models()) == []
    seen = []
    folder = fetch(model_plan("someone/small"), lambda done, total: seen.append((done, total)))
    assert folder == models_folder("someone/small") == model_folder(str(folder))
    assert model_folder("someone/small") == matrix_path("someone/small") == folder
    assert (folder / "model.safetensors").read_bytes() == served.files["model.safetensors"]
    assert seen[-1] == (sum(len(served.files[name]) for name in KEPT),) * 2
    assert list(downloaded_models()) == [("someone/small", folder)]


def test_stopped_nothing_is_kept(served):
    with pytest.raises(Stopped):
        fetch(model_plan("someone/small"), cancelled=lambda: True)
    assert not models_folder("someone/small").exists()
    assert list(models_folder().iterdir()) == []


def test_weights_that_are_pickles_are_not_fetched(served):
    del served.listed["model.safetensors"]
    with pytest.raises(TokenizerError, match="no safetensors weights") as found:
        model_plan("someone/small")
    assert "run code" in found.value.hint


def test_shards_and_a_full_disk(served, monkeypatch):
    for name in ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"):
        served.listed[name] = listing(name, b"x") | {"size": 5 * 10**12}
    served.listed["model.safetensors.index.json"] = listing("model.safetensors.index.json", b"{}")
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 7 * 10**9))
    with pytest.raises(TokenizerError, match=r"takes 10000\.0 GB; 7\.0 GB of the disk are free"):
        model_plan("someone/small")


@pytest.mark.parametrize("name", ["", "../x", "a/b/c", "tiktoken:gpt2"])
def test_what_is_no_hub_id_is_said_without_asking(served, name):
    with pytest.raises(TokenizerError, match="no hub id"):
        model_plan(name)
    assert served.asked == []


def test_the_command_fetches_a_model(served, capsys):
    assert main(["download", "someone/small", "--model", "--yes"]) == 0
    assert capsys.readouterr().out.strip() == str(models_folder("someone/small"))
