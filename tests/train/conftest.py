"""Small real things: the demo's tokenizers, a two-layer Llama, a corpus of a few documents."""

from dataclasses import replace
from pathlib import Path

import pytest

from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import (
    DataConfig,
    LoraConfig,
    ModelConfig,
    OptimizerConfig,
    TrainConfig,
    TransferConfig,
)
from tokstudio.train.corpus import python_documents
from tokstudio.train.pretrain import new_model

TINY = ModelConfig(
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    max_position_embeddings=256,
)


@pytest.fixture(scope="session")
def english():
    return load_tokenizer("demo:english")


@pytest.fixture(scope="session")
def code():
    return load_tokenizer("demo:code")


@pytest.fixture(scope="session")
def documents():
    names = {
        "topics/assert",
        "topics/while",
        "topics/lambda",
        "topics/if",
        "topics/del",
        "Lib/this.py",
        "Lib/keyword.py",
    }
    found = tuple(d for d in python_documents() if d.name in names)
    assert len(found) >= 5
    return found


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory, documents) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "topics.txt"
    path.write_text("\n".join(d.text for d in documents), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def make_model(tmp_path_factory):
    """(name of a demo tokenizer, changes to the tiny shape) -> a model folder as anybody could have one."""
    import shutil

    from tokstudio.paths import resource

    def make(name: str, **changes) -> Path:
        folder = tmp_path_factory.mktemp("model")
        new_model(replace(TINY, **changes), load_tokenizer(f"demo:{name}"), seed=1).save_pretrained(folder)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(resource(f"demo/{name}/{file}"), folder / file)
        return folder

    return make


@pytest.fixture(scope="session", params=[True, False], ids=["tied", "untied"])
def tiny_folder(request, make_model) -> Path:
    return make_model("english", tie_word_embeddings=request.param)


@pytest.fixture
def tiny_config(tiny_folder, corpus_file) -> TransferConfig:
    return TransferConfig(
        model=str(tiny_folder),
        data=DataConfig(corpus=str(corpus_file), window_bytes=200, held_out_bytes=1024),
        optimizer=OptimizerConfig(warmup_steps=1),
        train=TrainConfig(
            steps=4,
            batch_size=2,
            evaluate_every=2,
            checkpoint_every=2,
            sample_every=2,
            sample_tokens=4,
            device="cpu",
        ),
        lora=LoraConfig(rank=4, alpha=4.0),
    )
