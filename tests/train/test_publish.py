"""What is exported: the card with its figures and licenses, adapters alone, nothing merged in place."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tokstudio.models.load import load_model
from tokstudio.train.control import NoControl
from tokstudio.train.transfer import run
from tokstudio.transfer.card import License, license_of, write_card


@pytest.fixture(autouse=True)
def unverified(monkeypatch):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})


def test_licenses_are_what_the_folder_states(tmp_path):
    assert license_of(None) == license_of(tmp_path / "none") == License("")
    (tmp_path / "README.md").write_text("---\nlanguage: en\nlicense: 'apache-2.0'\n---\nlicense: not this\n")
    (tmp_path / "LICENSE").write_text("words")
    assert license_of(tmp_path) == License("apache-2.0", (tmp_path / "LICENSE",))
    (tmp_path / "README.md").write_text("license: mit\n")
    assert license_of(tmp_path).name == ""


def report(**more):
    return {
        "source": {
            "model": "/folder/of/me/small",
            "tokenizer": "Old",
            "vocab_size": 4096,
            "bits_per_byte": 1.5,
        },
        "target": {"tokenizer": "New", "vocab_size": 512},
        "initialized": {"bits_per_byte": 2.5},
        "trained": {"bits_per_byte": 1.75},
        "tokens_source": 10,
        "tokens_target": 12,
        "held_out_bytes": 1234,
        "export": {"max_abs_logit_difference": 1e-6},
        **more,
    }


def test_a_card_holds_figures_licenses_and_no_folder(tmp_path):
    model, tokenizer, export = (tmp_path / n for n in ("model", "tokenizer", "export"))
    for folder, name in ((model, "mit"), (tokenizer, "gemma")):
        folder.mkdir()
        (folder / "README.md").write_text(f"---\nlicense: {name}\n---\n")
        (folder / "LICENSE.txt").write_text(name)
    export.mkdir()
    data = {"corpus": "/folder/of/me/text.txt", "fingerprint": "abc", "train": 100, "held_out": 10}
    path = write_card(
        export, report(), kind="transfer", settings_toml="a = 1", model=model, tokenizer=tokenizer, data=data
    )
    said = path.read_text()
    assert said.startswith("---\n")
    assert "license: mit\nbase_model: small" in said
    assert "Source model: mit." in said
    assert "Source tokenizer: gemma." in said
    assert "| this model | 1.7500 |" in said
    code = said.partition("```python\n")[2].partition("```")[0]
    compile(code, "card", "exec")
    assert "expanded_bytes" not in said
    assert "/folder/of/me" not in said
    assert (export / "LICENSE-model.txt").read_text() == "mit"
    assert (export / "LICENSE-tokenizer.txt").read_text() == "gemma"


@pytest.mark.parametrize("tiny_folder", [True, False], indirect=True, ids=["tied", "untied"])
def test_adapters_alone_give_the_exported_models_logits(tiny_config, tmp_path):
    """On the source model with as many rows: adapters and token rows are all that was trained."""
    from peft import PeftModel

    config = replace(tiny_config, mode="lora", lora=replace(tiny_config.lora, save_adapters=True))
    found = list(run(config, tmp_path, NoControl(), False))[-2].values
    card = (Path(found["export"]["path"]) / "README.md").read_text()
    assert f"| this model | {found['trained']['bits_per_byte']:.4f} |" in card
    assert str(tmp_path) not in card
    assert config.model not in card
    folder = Path(found["export"]["adapters"])
    assert (folder / "adapter_model.safetensors").exists()
    base = load_model(config.model)
    base.resize_token_embeddings(found["target"]["vocab_size"], mean_resizing=False)
    alone = PeftModel.from_pretrained(base, folder).eval()
    merged = load_model(found["export"]["path"]).eval()
    ids = torch.tensor([[5, 300, 4100, 17]])
    with torch.inference_mode():
        torch.testing.assert_close(alone(ids).logits, merged(ids).logits, atol=1e-4, rtol=1e-4)
