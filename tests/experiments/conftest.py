"""A model of one layer with the demo's tokenizer."""

import pytest

from tokstudio.train.config import ModelConfig
from tokstudio.train.pretrain import new_model


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    import shutil

    from tokstudio.paths import resource
    from tokstudio.tokens.reference import load_tokenizer

    folder = tmp_path_factory.mktemp("model")
    shape = ModelConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=512,
    )
    new_model(shape, load_tokenizer("demo:english"), seed=1).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(resource(f"demo/english/{name}"), folder / name)
    return str(folder)
