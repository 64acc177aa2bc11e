"""The network between token rows and model: golden test 20, and that it is gone from the export."""

from dataclasses import replace

import pytest
import torch

from tokstudio.models.load import load_model
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import TransferConfig
from tokstudio.train.data import token_batch
from tokstudio.train.forward import scores_of
from tokstudio.train.optim import Optimizers
from tokstudio.train.projector import fold, projector_of
from tokstudio.train.student_config import ProjectorConfig
from tokstudio.train.students import build_student
from tokstudio.train.transfer import Pair
from tokstudio.transfer.surgery import is_tied

CPU = torch.device("cpu")


def student_of(config: TransferConfig, kind: str, mode: str = "full"):
    torch.manual_seed(0)
    pair = Pair(load_tokenizer(config.model), load_tokenizer(config.tokenizer), CPU)
    config = replace(config, mode=mode, projector=ProjectorConfig(kind=kind, layers=2))
    return build_student(load_model(config.model), pair, config)


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_20_the_projector_begins_as_the_identity_learns_and_folds(mode, tiny_config, code):
    plain, student = (student_of(tiny_config, kind, mode) for kind in ("identity", "transformer"))
    model, ids = student.model, torch.arange(20)[None]
    tied = is_tied(model.get_base_model() if mode == "lora" else model)
    with torch.no_grad():
        assert torch.equal(model.eval()(input_ids=ids).logits, plain.model.eval()(input_ids=ids).logits)
    assert projector_of(plain.model) is None
    batch = token_batch(code, ["def join(self):\n"], limit=64)
    optimizers = Optimizers(model, tiny_config.optimizer, torch.ones(len(code)))
    for _ in range(2):  # the first step moves `out` alone: what is behind it has a gradient from then on
        (-scores_of(model, batch, needs=frozenset(), precision="fp32").picked.sum()).backward()
        grown = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        optimizers.step(1.0)
    assert any("projector.tables" in n for n in grown)
    assert any("projector.layers.0.up" in n for n in grown)
    with torch.no_grad():
        learnt = model(input_ids=ids).logits
        again = scores_of(model, batch, needs=frozenset(), precision="fp32").picked
        fold(model)
        assert torch.allclose(model(input_ids=ids).logits, learnt, atol=1e-5)
        assert torch.allclose(
            scores_of(model, batch, needs=frozenset(), precision="fp32").picked, again, atol=1e-5
        )
    assert projector_of(model) is None
    assert not any("projector" in n for n, _ in model.named_parameters())
    assert is_tied(model.get_base_model() if mode == "lora" else model) == tied
    if mode == "lora":
        assert torch.allclose(student.merged()(input_ids=ids).logits, learnt, atol=1e-4)


def test_the_teacher_does_not_see_the_projector(tiny_config):
    student = student_of(tiny_config, "transformer", "lora")
    ids = torch.arange(20)[None]
    with torch.no_grad():
        student.model.get_base_model().projector.out.weight.normal_()
        before = load_model(tiny_config.model).eval()(input_ids=ids).logits
        assert torch.allclose(student.teacher_logits(ids), before, atol=1e-5)
