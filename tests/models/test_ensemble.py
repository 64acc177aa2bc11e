"""Models with one tokenizer, asked together."""

import json
import shutil

import pytest
import torch

from tokstudio.cli import main
from tokstudio.errors import InputError, TransferError
from tokstudio.models.ensemble import Ensemble, load_ensemble
from tokstudio.models.load import load_model
from tokstudio.paths import resource
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import ModelConfig
from tokstudio.train.evaluate import bits_per_byte
from tokstudio.train.pretrain import new_model

IDS = torch.tensor([[0, 262, 263, 335, 300]])
TEXTS = ["def join(self):\n    return self.sep\n", "Return a new list.\n", "import os\n"]


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """A tiny model of another shape with the demo's tokenizer."""
    folder = tmp_path_factory.mktemp("second")
    shape = ModelConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
    )
    new_model(shape, load_tokenizer("demo:english"), 5).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(resource(f"demo/english/{name}"), folder / name)
    return str(folder)


@pytest.mark.parametrize("mean", ["probs", "logits"])
def test_28_two_of_the_same_are_the_one(mean, second):
    ensemble, _ = load_ensemble([second, second], mean=mean)
    alone = torch.log_softmax(load_model(second).eval()(IDS).logits, -1)
    together = torch.log_softmax(ensemble(IDS).logits, -1)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("mean", ["probs", "logits"])
def test_28_rows_that_pad_a_model_change_nothing(mean, second, tmp_path):
    padded = load_model(second)
    size = padded.config.vocab_size
    padded.resize_token_embeddings(size + 7)
    with torch.no_grad():
        padded.get_output_embeddings().weight[size:] = padded.get_output_embeddings().weight[:7] * 50
    padded.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(resource(f"demo/english/{name}"), tmp_path / name)
    found = load_ensemble([second, str(tmp_path)], mean=mean)[0](IDS).logits
    expected = load_ensemble([second, second], mean=mean)[0](IDS).logits
    assert found.shape[-1] == size
    torch.testing.assert_close(found.log_softmax(-1), expected.log_softmax(-1), atol=1e-5, rtol=1e-5)


def test_means_are_what_their_names_say(second):
    members = [load_model(r).eval() for r in ("demo:english", second)]
    logits = [m(IDS).logits.double() for m in members]
    probs = 0.25 * logits[0].softmax(-1) + 0.75 * logits[1].softmax(-1)
    found = Ensemble(members, 4096, (0.25, 0.75), "probs")(IDS).logits
    torch.testing.assert_close(found.double().exp(), probs, atol=1e-6, rtol=1e-4)
    geometric = (0.25 * logits[0] + 0.75 * logits[1]).softmax(-1)
    found = Ensemble(members, 4096, (0.25, 0.75), "logits")(IDS).logits
    torch.testing.assert_close(found.double().softmax(-1), geometric, atol=1e-6, rtol=1e-4)
    only = Ensemble(members, 4096, (1.0, 0.0), "probs")(IDS).logits
    torch.testing.assert_close(only.double(), logits[0].log_softmax(-1), atol=1e-4, rtol=1e-4)


def test_the_mean_of_probabilities_is_no_worse_than_the_members_on_average(second):
    ensemble, tokenizer = load_ensemble(["demo:english", second])
    each = [bits_per_byte(member, tokenizer, TEXTS).value for member in ensemble.members]
    assert min(each) < bits_per_byte(ensemble, tokenizer, TEXTS).value <= sum(each) / 2


def test_the_shortest_reader_sets_the_limit(second):
    assert load_ensemble(["demo:english", second])[0].config.max_position_embeddings == 128


def test_other_tokenizers_are_refused_with_a_way_on(second, tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(f"{second}/{name}", tmp_path / name)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(resource(f"demo/code/{name}"), tmp_path / name)
    with pytest.raises(TransferError, match="different tokenizers") as caught:
        load_ensemble(["demo:english", str(tmp_path)])
    assert "two-models-one-tokenizer" in caught.value.hint


@pytest.mark.parametrize("weights", [(1.0,), (-1.0, 2.0), (0.0, 0.0), (float("nan"), 1.0)])
def test_weights_that_are_none(weights):
    with pytest.raises(InputError, match="weights"):
        load_ensemble(["demo:english", "demo:english"], weights=weights)
    with pytest.raises(InputError, match="two models"):
        load_ensemble(["demo:english"])


def test_the_command_scores_and_continues(second, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("".join(TEXTS) * 20)
    words = ["ensemble", "--model", "demo:english", "--model", second, "--weights", "3,1", "--json"]
    assert (
        main([*words, "--text", str(tmp_path / "a.txt"), "--window-bytes", "150", "--max-bytes", "2000"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["weights"] == [0.75, 0.25]
    assert told["bits_per_byte"] < max(told["each"])
    assert main([*words, "--prompt", "def join(", "--max-new-tokens", "5"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["tokens"]) == 5
    assert told["text"]
    alone = [
        "ensemble",
        "--model",
        "demo:english",
        "--model",
        "demo:english",
        "--prompt",
        "def join(",
        "--json",
    ]
    said = []
    for mean in ("probs", "logits"):
        assert main([*alone, "--mean", mean, "--max-new-tokens", "5"]) == 0
        said.append(json.loads(capsys.readouterr().out)["text"])
    assert said == ["path, path, path"] * 2  # what the model writes alone


def test_windows_that_are_too_long_are_told_in_the_commands_own_words(second, tmp_path, capsys):
    (tmp_path / "text.txt").write_text("def join(self): return self.sep\n" * 40)
    command = ["ensemble", "--model", second, "--model", second, "--text", str(tmp_path / "text.txt")]
    assert main([*command, "--window-bytes", "1024"]) != 0
    assert "Choose --window-bytes below 1024." in capsys.readouterr().err
