"""Golden test 28: an ensemble of equal models is the model."""

import shutil

import numpy as np
import pytest
import torch

from tokstudio.errors import ModelError
from tokstudio.models.ensemble import COMBINE, Ensemble, Member
from tokstudio.models.generate import greedy
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import ModelConfig
from tokstudio.train.pretrain import new_model

TEXT = "def join(self):\n    return 'naïve'\n"
SHAPE = ModelConfig(
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    max_position_embeddings=256,
    tie_word_embeddings=False,
)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("demo:english")


@pytest.fixture(scope="module")
def model(tokenizer):
    return new_model(SHAPE, tokenizer, seed=3).eval()


def padded(model, rows: int):
    """The same model with rows that no token has, and that would win, were they asked."""
    import copy

    made = copy.deepcopy(model)
    made.resize_token_embeddings(len(model.get_input_embeddings().weight) + rows, mean_resizing=False)
    with torch.no_grad():
        made.get_output_embeddings().weight[-rows:] = made.get_output_embeddings().weight[:rows] * 50
    return made.eval()


@pytest.mark.parametrize("combine", COMBINE)
def test_28_equal_models_are_the_model_whatever_their_padding(combine, model, tokenizer):
    one = Ensemble([Member(model, tokenizer)])
    two = Ensemble([Member(model, tokenizer), Member(padded(model, 7), tokenizer)], combine)
    ids = torch.from_numpy(tokenizer.encode(TEXT).ids.astype(np.int64))[None]
    with torch.no_grad():
        logits = [m.model(input_ids=ids).logits for m in two.members]
    single, both = one.log_probabilities(logits[:1]), two.log_probabilities(logits)
    assert torch.allclose(single, both, atol=1e-5)
    real = [i for i in range(len(tokenizer)) if tokenizer.token_bytes(i) or i == 1]
    plain = torch.log_softmax(logits[0][..., real], -1)
    assert torch.allclose(single.exp().sum(-1), torch.ones(1), atol=1e-5)
    assert torch.allclose(single.sort(-1).values, plain.sort(-1).values, atol=1e-5)
    assert two.score(TEXT).nats == pytest.approx(one.score(TEXT).nats, rel=1e-5)
    assert two.generate(TEXT, max_new_tokens=6) == one.generate(TEXT, max_new_tokens=6)
    assert one.generate(TEXT, max_new_tokens=6).startswith(
        greedy(model, tokenizer, TEXT, max_new_tokens=6, prefix=0)
    )


def test_means_by_hand(model, tokenizer):
    members = [Member(model, tokenizer)] * 2
    p, q = torch.randn(2, len(tokenizer)), torch.randn(2, len(tokenizer))
    mean, logits = (Ensemble(members, kind) for kind in COMBINE)
    columns = torch.from_numpy(mean.columns[0])
    a, b = (torch.softmax(z[:, columns], -1) for z in (p, q))
    assert torch.allclose(mean.log_probabilities([p, q]).exp(), (a + b) / 2, atol=1e-6)
    between = torch.softmax((p + q)[:, columns] / 2, -1)
    assert torch.allclose(logits.log_probabilities([p, q]).exp(), between, atol=1e-6)


def test_models_of_two_vocabularies_are_refused(model, tokenizer):
    with pytest.raises(ModelError, match="cannot speak together"):
        Ensemble([Member(model, tokenizer), Member(model, load_tokenizer("bytes"))])


def test_the_command(model, tmp_path, capsys):
    from tokstudio.cli import main
    from tokstudio.paths import resource

    folders = []
    for name in ("a", "b"):
        folder = tmp_path / name
        model.save_pretrained(folder)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(resource(f"demo/english/{file}"), folder / file)
        folders.append(str(folder))
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    assert main(["ensemble", *folders, "--file", str(tmp_path / "text.txt"), "--json"]) == 0
    import json

    figures = [row["bits_per_byte"] for row in json.loads(capsys.readouterr().out).values()]
    assert figures[0] == pytest.approx(figures[1], rel=1e-4)
    assert main(["ensemble", *folders]) != 0
