"""`tokstudio transfer` without starting a run: recipes and the dry run."""

import json

import pytest

from tokstudio.cli import main
from tokstudio.train.settings import to_toml


def test_recipes_are_listed(capsys):
    assert main(["transfer", "--recipe", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["recipes"]
    assert told["subword-to-bytes"]["title"] == "Subwords to bytes"
    assert main(["transfer", "--recipe", "list"]) == 0
    assert "Large to small" in capsys.readouterr().out


def test_a_recipe_prints_its_settings(capsys):
    assert main(["transfer", "--recipe", "paper", "--print-config", "--set", "train.steps=7"]) == 0
    said = capsys.readouterr().out
    assert "temperature = 100.0" in said
    assert "steps = 7" in said


def test_an_unknown_recipe_names_the_known_ones(capsys):
    assert main(["transfer", "--recipe", "soup"]) != 0
    assert "subword-to-subword" in capsys.readouterr().err


@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
def test_a_dry_run_tells_memory_tokens_and_the_command(tiny_config, tmp_path, capsys):
    path = tmp_path / "a b.toml"
    path.write_text(to_toml(tiny_config), encoding="utf-8")
    words = ["transfer", "--config", str(path), "--set", "train.steps=9", "--dry-run"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["steps"] == 9
    assert told["command"] == f"tokstudio transfer --config '{path}' --set train.steps=9"
    assert told["estimated_bytes"] == sum(told["parts"].values())
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "9 steps" in said
    assert "optimizer" in said
