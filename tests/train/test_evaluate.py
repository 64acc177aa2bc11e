import math

import numpy as np
import pytest
import torch

from tokstudio.errors import ConfigError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.data import prefix_id, token_batch
from tokstudio.train.evaluate import bits_per_byte

TEXTS = ["Hello, world.\n", "naïve 東京 🙂\n", "x" * 50]


class Uniform(torch.nn.Module):
    """Every token equally likely: log2(v) bits a token, whatever the text."""

    def __init__(self, vocab_size: int):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.vocab_size = vocab_size
        self.config = type("Config", (), {"max_position_embeddings": 512})

    def get_input_embeddings(self):
        return torch.nn.Embedding(self.vocab_size, 1)

    def forward(self, input_ids, use_cache=False):
        logits = torch.zeros(*input_ids.shape, self.vocab_size) + self.weight
        return type("Output", (), {"logits": logits})


@pytest.mark.parametrize("reference", ["demo:english", "demo:code"])
def test_a_uniform_model_costs_log2_v_a_token(reference):
    tokenizer = load_tokenizer(reference)
    result = bits_per_byte(Uniform(len(tokenizer)), tokenizer, TEXTS)
    tokens = sum(len(tokenizer.encode(t)) for t in TEXTS)
    size = sum(len(t.encode()) for t in TEXTS)
    assert (result.tokens, result.bytes, result.windows, result.lossy) == (tokens, size, 3, 0)
    assert result.value == pytest.approx(math.log2(len(tokenizer)) * tokens / size, rel=1e-6)
    assert result.perplexity == pytest.approx(len(tokenizer), rel=1e-5)


def test_batching_changes_nothing(english, tiny_folder):
    from tokstudio.models.load import load_model

    model = load_model(str(tiny_folder))
    one = bits_per_byte(model, english, TEXTS, batch_size=1)
    all_ = bits_per_byte(model, english, TEXTS, batch_size=8)
    assert one.value == pytest.approx(all_.value, rel=1e-5)


def test_matches_a_loss_worked_out_token_by_token(english, tiny_folder):
    from tokstudio.models.load import load_model

    model, text = load_model(str(tiny_folder)).eval(), TEXTS[0]
    ids = [prefix_id(english), *english.encode(text).ids.tolist()]
    nats = 0.0
    with torch.no_grad():
        for i in range(1, len(ids)):
            logits = model(input_ids=torch.tensor([ids[:i]])).logits[0, -1].double()
            nats -= float(torch.log_softmax(logits, -1)[ids[i]])
    assert bits_per_byte(model, english, [text]).value == pytest.approx(
        nats / np.log(2) / len(text), rel=1e-5
    )


def test_what_a_tokenizer_loses_is_counted():
    bert = load_tokenizer("bert-base-uncased")
    assert bits_per_byte(Uniform(len(bert)), bert, ["Hello  World\n"]).lossy == 1


def test_a_window_longer_than_the_model_reads_says_what_to_set(english):
    with pytest.raises(ConfigError, match="the model reads 8") as caught:
        token_batch(english, ["word " * 50], limit=8)
    assert "data.window_bytes" in caught.value.hint
