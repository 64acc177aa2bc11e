"""Layers that keep less of a step, against the layers themselves: numbers, gradients, and what is kept."""

import copy

import pytest
import torch

from tokstudio.models.lean import lean
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import ModelConfig
from tokstudio.train.pretrain import new_model

SHAPE = ModelConfig(
    hidden_size=32,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=2,
    max_position_embeddings=128,
)
IDS = torch.arange(2 * 60).view(2, 60) % 500


def llama():
    model = new_model(SHAPE, load_tokenizer("demo:english"), seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name:
                p.copy_(torch.rand(p.shape, generator=generator) + 0.5)
    return model


def adapted():
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(llama(), LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_B" in name:  # zero at first: nothing to see
                p.copy_(0.1 * torch.randn(p.shape, generator=generator))
    return model


def step(model, autocast=False):
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        loss = model(input_ids=IDS, labels=IDS, use_cache=False).loss
    trained = [p for p in model.parameters() if p.requires_grad]
    return loss.detach(), torch.autograd.grad(loss, trained)


@pytest.mark.parametrize("make", [llama, adapted])
def test_loss_and_gradients_are_those_of_the_layers_themselves(make):
    model = make()
    loss, gradients = step(model)
    # 5 norms and 2 MLPs, and with adapters the 14 maps
    assert lean(model) == (7 if make is llama else 21)
    assert lean(model) == 0
    mine, others = step(model)
    assert torch.allclose(loss, mine, atol=1e-6)
    for a, b in zip(gradients, others, strict=True):
        assert (a - b).abs().max() <= 1e-5 * a.abs().max().clamp(min=1e-3)


@pytest.mark.parametrize("make", [llama, adapted])
def test_bf16_products_stay_near(make):
    model = make()
    exact = step(model)[1]
    plain = step(model, autocast=True)[1]
    lean(model)
    mine = step(model, autocast=True)[1]

    def error(found):
        return sum(float((a - b).square().sum()) for a, b in zip(found, exact, strict=True))

    assert error(mine) <= 2 * error(plain)


def test_half_as_much_is_kept():
    def kept(model):
        sizes = {}

        def hold(tensor):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
            loss = model.model(input_ids=IDS, use_cache=False).last_hidden_state.sum()
        del loss
        weights = sum(p.untyped_storage().nbytes() for p in model.model.layers.parameters())
        return sum(sizes.values()) - weights

    model = llama()
    before = kept(model)
    lean(model)
    assert kept(model) < 0.55 * before


def test_adapters_can_be_switched_off_and_merged():
    model = adapted()
    base = copy.deepcopy(model.get_base_model())
    lean(model)
    with torch.no_grad():
        full = model(input_ids=IDS).logits
        with model.disable_adapter():
            off = model(input_ids=IDS).logits
        merged = copy.deepcopy(model).merge_and_unload()(input_ids=IDS).logits
        again = model(input_ids=IDS).logits
    assert (full - off).abs().max() > 1e-3
    assert torch.allclose(merged, full, atol=1e-4)
    assert torch.equal(full, again)
    with torch.no_grad():
        for module in base.modules():
            if hasattr(module, "lora_A"):
                module.enable_adapters(False)
        assert torch.allclose(base(input_ids=IDS).logits, off, atol=1e-5)


def test_layers_of_another_kind_are_left_alone():
    from transformers import GemmaConfig, GemmaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaConfig, LlamaMLP

    gemma = GemmaForCausalLM(
        GemmaConfig(
            vocab_size=50,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
        )
    )
    with torch.no_grad():
        for module in gemma.modules():
            if type(module).__name__ == "GemmaRMSNorm":
                module.weight.fill_(0.3)  # times 1.3, not 0.3
    assert lean(gemma) == 0
    assert (
        lean(
            LlamaMLP(LlamaConfig(hidden_size=16, intermediate_size=32, num_attention_heads=2, mlp_bias=True))
        )
        == 0
    )
    assert (
        lean(LlamaMLP(LlamaConfig(hidden_size=16, intermediate_size=32, num_attention_heads=2)).bfloat16())
        == 0
    )


def test_gradcheck_of_the_pieces():
    from tokstudio.models.lean import _Gated, _Norm

    generator = torch.Generator().manual_seed(4)

    def some(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    x, w = some(3, 5), some(5)
    assert torch.autograd.gradcheck(lambda x, w: _Norm.apply(x, w, 1e-3), (x, w))
    maps = [some(7, 5), some(2, 5), some(7, 2), some(7, 5), None, None, some(5, 7), some(2, 7), some(5, 2)]

    def gated(x, *given):
        tensors = iter(given)
        every = [None if m is None else next(tensors) for m in maps]
        return _Gated.apply(x, x.dtype, (0.5, 1.0, 2.0), *every)

    assert torch.autograd.gradcheck(gated, (x, *(m for m in maps if m is not None)))
