"""The numbered truths that need whole models: 21, 26 and 29. The long ends of 29 are marked slow."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.train.conftest import TINY
from tokstudio.events import Metrics, Report
from tokstudio.models.load import load_model
from tokstudio.paths import resource
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import (
    AlmConfig,
    DataConfig,
    OptimizerConfig,
    PretrainConfig,
    TrainConfig,
    TransferConfig,
    demo,
)
from tokstudio.train.control import NoControl
from tokstudio.train.pretrain import run as pretrain
from tokstudio.train.recipes import recipe
from tokstudio.train.transfer import run
from tokstudio.transfer.export import export
from tokstudio.transfer.surgery import numpy_of, replace_vocabulary
from tokstudio.transfer.verify import check


@pytest.fixture(scope="module")
def turned(tmp_path_factory):
    """demo:english with other ids, and the source id of each."""
    data = json.loads(resource("demo/english/tokenizer.json").read_text(encoding="utf-8"))
    vocab = data["model"]["vocab"]
    ordinary = [name for name, i in sorted(vocab.items(), key=lambda item: item[1]) if i > 1]
    data["model"]["vocab"] = {"<s>": 0, "</s>": 1} | {n: 2 + i for i, n in enumerate(reversed(ordinary))}
    folder = tmp_path_factory.mktemp("turned")
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    return load_tokenizer(str(folder)), np.array([0, 1, *range(len(vocab) - 1, 1, -1)])


def test_21_a_renumbered_vocabulary_is_the_same_model(tiny_folder, english, turned):
    target, old = turned
    source, model = (load_model(str(tiny_folder)).eval() for _ in range(2))
    replace_vocabulary(model, english, target, method="mean-pieces", seed=1)
    text = "def join(self):\n    return 'naïve 🙂'\n"
    ids = english.encode(text).ids.astype(np.int64)
    new = target.encode(text).ids.astype(np.int64)
    assert (old[new] == ids).all()
    with torch.no_grad():
        before, after = (
            m(input_ids=torch.from_numpy(i)[None]).logits for m, i in ((source, ids), (model, new))
        )
    assert torch.equal(after, before[..., torch.from_numpy(old)])


@pytest.mark.parametrize("method", ["mean-pieces", "normal"])
def test_21_rows_repeat_themselves_and_line_ends_stay(method, tiny_folder, english, code):
    found = []
    for _ in range(2):
        model = load_model(str(tiny_folder))
        rows = numpy_of(model.get_input_embeddings().weight).copy()
        replace_vocabulary(model, english, code, method=method, seed=7)
        found.append(numpy_of(model.get_input_embeddings().weight))
    assert np.array_equal(*found)
    for literal in ("\n", "user", "model"):
        (old, *more), new = english.encode(literal).ids, code.encode(literal).ids
        if not more and len(new) == 1:
            assert np.array_equal(found[0][new[0]], rows[old])
    assert len(english.encode("\n").ids) == len(code.encode("\n").ids) == 1


@pytest.mark.parametrize("target", ["demo:code", "demo:english:conversion=byte"])
def test_26_an_export_is_read_back_to_the_bit(target, tiny_folder, english, tmp_path):
    model, tokenizer = load_model(str(tiny_folder)).eval(), load_tokenizer(target)
    replace_vocabulary(model, english, tokenizer, method="mean-pieces", seed=1)
    found = check(export(model, tokenizer, tmp_path / "out"))
    assert found["max_abs_logit_difference"] == 0
    assert found["embedding_rows"] == found["config_vocab_size"] == found["tokenizer_size"] == len(tokenizer)


def figures(config: TransferConfig, folder) -> tuple[dict, list[float]]:
    folder.mkdir()
    events = list(run(config, folder, NoControl(), False))
    (report,) = (e.values for e in events if isinstance(e, Report))
    losses = [e.values["loss"] for e in events if isinstance(e, Metrics) and "loss" in e.values]
    return report, losses


@pytest.mark.parametrize("target", ["demo:code", "bytes"])
def test_29_a_small_model_comes_nearer_to_its_teacher(target, corpus_file, tmp_path):
    data = DataConfig(corpus=str(corpus_file), window_bytes=200, held_out_bytes=2048)
    train = TrainConfig(
        steps=80,
        batch_size=4,
        evaluate_every=500,
        checkpoint_every=500,
        sample_every=500,
        sample_tokens=1,
        device="cpu",
    )
    rate = OptimizerConfig(learning_rate=0.01, embedding_learning_rate=0.02, copied_row_rate=1.0)
    teacher = PretrainConfig(model=TINY, data=data, optimizer=rate, train=train)
    (tmp_path / "teacher").mkdir()
    list(pretrain(teacher, tmp_path / "teacher", NoControl(), False))
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(resource(f"demo/english/{file}"), tmp_path / "teacher" / "export" / file)
    config = TransferConfig(
        model=str(tmp_path / "teacher" / "export"),
        tokenizer=target,
        objectives=("alm",),
        weights=(1.0,),
        alm=AlmConfig(),
        data=data,
        optimizer=rate,
        train=replace(train, steps=40),
        check_export=False,
    )
    report, losses = figures(config, tmp_path / "run")
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:3])
    start, end, wanted = (report[k]["bits_per_byte"] for k in ("initialized", "trained", "source"))
    assert abs(end - wanted) < 0.7 * abs(start - wanted)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_29_subwords_to_subwords_within_two_percent(tmp_path):
    """More text than the demo reads: its 240 steps of 3 windows end 2.5 % above the source."""
    config = replace(demo(), check_export=False)
    config = replace(config, train=replace(config.train, steps=300, batch_size=12, evaluate_every=100))
    report, _ = figures(config, tmp_path / "run")
    assert report["trained"]["bits_per_byte"] <= 1.02 * report["source"]["bits_per_byte"]


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
def test_29_subwords_to_bytes_within_ten_percent(tmp_path):
    """2,000 steps of 4 windows, read in 300 steps of 28, at twice the rates for seven times the batch."""
    config = recipe("subword-to-bytes").config
    config = replace(
        config,
        train=replace(config.train, steps=300, batch_size=28, evaluate_every=50, precision="bf16"),
        optimizer=replace(
            config.optimizer, learning_rate=0.002, embedding_learning_rate=0.02, muon_learning_rate=0.02
        ),
        data=replace(config.data, held_out_bytes=16384),
        check_export=False,
    )
    report, _ = figures(config, tmp_path / "run")
    assert report["trained"]["bits_per_byte"] <= 1.1 * report["source"]["bits_per_byte"]
