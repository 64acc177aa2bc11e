"""Heads that add a number to each token's logit (Phi, GPT-J): it goes where the token's row goes."""

import numpy as np
import pytest
import torch

from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import train_bpe
from tokstudio.train.translated import translated_student
from tokstudio.transfer.base import TransferProblem
from tokstudio.transfer.start import make_start
from tokstudio.transfer.surgery import apply_plan, numpy_of, replace_vocabulary
from tokstudio.transfer.translate import Translation, handed_on

TEXT = "def join(self, *args):\n    return self.separator.join(args)\n" * 4


@pytest.fixture
def phi(english):
    from transformers import PhiConfig, PhiForCausalLM

    torch.manual_seed(3)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = PhiForCausalLM(PhiConfig(vocab_size=len(english), bos_token_id=0, eos_token_id=1, **size)).eval()
    torch.nn.init.normal_(model.lm_head.bias)
    return model


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    folder = tmp_path_factory.mktemp("target")
    train_bpe([TEXT], folder, vocab_size=300)
    return load_tokenizer(str(folder))


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits


def test_the_same_vocabulary_is_the_same_model(phi, english):
    ids = english.encode(TEXT).ids.tolist()
    before = logits(phi, ids)
    replace_vocabulary(phi, english, english, method="mean-pieces", seed=0)
    assert torch.equal(logits(phi, ids), before)


def test_a_mixed_row_gets_a_mixed_bias(phi, english, target):
    before = numpy_of(phi.lm_head.bias)
    surgery = replace_vocabulary(phi, english, target, method="mean-pieces", seed=0)
    after, mix = numpy_of(phi.lm_head.bias), surgery.mix
    for token in range(len(target)):
        own = slice(mix.start[token], mix.start[token + 1])
        wanted = before[mix.columns[own]] @ mix.weights[own] if mix.counts[token] else before.mean()
        assert after[token] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("head", ["logit", "prob"])
def test_a_translated_head_has_it_before_and_after_folding(phi, english, target, head):
    rows = numpy_of(phi.get_input_embeddings().weight)
    problem = TransferProblem.of(english, target, rows, seed=0, texts=(TEXT,))
    layer = Translation(make_start(problem, method="mean-pieces", width=8, epsilon=0.2))
    ids = target.encode(TEXT).ids.tolist()
    matrix, bias = phi.lm_head.weight.detach(), phi.lm_head.bias.detach()
    student = translated_student(phi, layer, head=head)
    found = logits(student.model.eval(), ids)
    if head == "prob":
        hidden = student.model.model(torch.tensor([ids])).last_hidden_state
        ones = torch.cat([hidden, torch.ones_like(hidden[..., :1])], -1)
        wide = torch.cat([matrix, bias[:, None]], 1)  # the same sums, with the bias as one more column
        assert torch.allclose(found, handed_on(ones, wide, layer, layer.solve()), atol=1e-4)
        return
    plain = student.released()
    apply_plan(plain, english, target, layer.plan(english, target))
    assert np.abs(numpy_of(plain.lm_head.bias)).max() > 0.1
    assert torch.allclose(found, logits(plain, ids), atol=1e-4)
