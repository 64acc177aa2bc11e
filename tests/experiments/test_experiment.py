"""The whole experiment on a tiny model: equal bytes, resumed, refused where it is another one; its data and floors."""

import inspect
import json
import math
import textwrap
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from tokstudio import cli
from tokstudio.errors import ConfigError, InputError
from tokstudio.experiments.config import ARMS, PRESETS, ExperimentConfig, transfer_config
from tokstudio.experiments.data import fasta, text_files, write_corpus
from tokstudio.experiments.picture import curves_svg
from tokstudio.experiments.references import references
from tokstudio.experiments.run import run, table

FASTA = ">a one\nMAQKSEGF\nRSKTRYK\n>b two\nMDFEQLLD\n>c the same again\nMDFEQLLD\n"


@pytest.fixture
def config(model, tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    for number, part in enumerate(inspect.getsource(textwrap).split("\n\n")):
        (texts / f"{number}.h").write_text(part)
    return ExperimentConfig(
        name="tiny", model=model, data=str(texts), kind="text", vocabulary=300, translation_steps=2, steps=4, seeds=2,
        batch_size=2, window_bytes=200, held_out_bytes=1024, evaluate_every=2, device="cpu",
        arms=("source-tokenizer", "mean-pieces", "s2t2", "s2t2-only"),
    )  # fmt: skip


def test_arms_are_run_compared_and_not_run_again(config, tmp_path):
    folder, said = tmp_path / "out", []
    result = run(config, folder, said.append)
    assert set(result["arms"]) == set(config.arms)
    for arm in result["arms"].values():
        assert len(arm["runs"]) == 2
        assert arm["end"]["deviation"] is not None
        assert set(arm["runs"][0]["curve"]) == {"0", "2", "4"}
    assert result["arms"]["source-tokenizer"]["translated"] is None
    assert result["arms"]["s2t2"]["start"]["mean"] == result["arms"]["s2t2-only"]["start"]["mean"]
    assert json.loads((folder / "result.json").read_text()) == result
    ET.parse(folder / "curves.svg")
    assert "| Mean of pieces, fine-tuned |" in table(result)
    again = []
    assert run(config, folder, again.append) == result
    assert not again


def test_a_cut_off_arm_is_resumed(config, tmp_path):
    class StopOnce:
        asked = 0

        def poll(self):
            StopOnce.asked += 1
            return "stop" if StopOnce.asked == 3 else None

    config = replace(config, seeds=1, arms=("s2t2",))
    assert run(config, tmp_path / "cut", control=StopOnce()) is None
    assert not (tmp_path / "cut/s2t2-0/result.json").exists()
    resumed, whole = run(config, tmp_path / "cut"), run(config, tmp_path / "whole")
    assert resumed["arms"]["s2t2"]["end"] == whole["arms"]["s2t2"]["end"]


def test_another_experiment_in_the_same_folder_is_refused(config, tmp_path):
    config = replace(config, seeds=1, arms=("mean-pieces",))
    run(config, tmp_path / "out")
    with pytest.raises(ConfigError, match="another steps"):
        run(replace(config, steps=8), tmp_path / "out")
    with pytest.raises(ConfigError, match="no arm"):
        run(replace(config, arms=("nonsense",)), tmp_path / "other")
    with pytest.raises(ConfigError, match="cannot be the translation"):
        run(replace(config, translation_steps=4), tmp_path / "other")


def test_every_arm_gets_the_same_bytes():
    config = PRESETS["protein"]()
    for arm in ARMS.values():
        settings = transfer_config(config, arm, corpus="x", target="y", seed=0)
        steps = settings.s2t2.steps + (settings.train.steps if arm.tuned else 0)
        assert steps == config.steps
        assert settings.data.window_bytes == config.window_bytes
        assert settings.train.batch_size == config.batch_size


def test_fasta_and_folders_are_read(tmp_path):
    (tmp_path / "a.fasta").write_text(FASTA)
    assert next(iter(fasta(tmp_path / "a.fasta"))) == "MAQKSEGFRSKTRYK\n"
    path = write_corpus("fasta", str(tmp_path / "a.fasta"), tmp_path / "c.jsonl", limit=1000)
    assert len(path.read_text().splitlines()) == 2  # the duplicate is left out
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/x").write_text("hidden")
    (tmp_path / "b.bin").write_bytes(b"\xff\xfe\0")
    assert list(text_files(tmp_path / "a.fasta")) == [FASTA]
    assert not any("hidden" in text for text in text_files(tmp_path))


@pytest.mark.parametrize(
    ("name", "content"), [("a.fasta", b"MAQK\n"), ("a.fasta", b""), ("a.fasta", "é".encode()), ("gone", None)]
)
def test_data_that_cannot_be_read_is_told(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError):
        write_corpus("fasta", str(tmp_path / name), tmp_path / "c.jsonl", limit=1000)
    assert not (tmp_path / "c.jsonl").exists()


def test_references_of_known_texts():
    even = ["abcdabcd" * 8] * 4
    found = references(even, even[:1])
    assert found["uniform over bytes seen"] == 2
    assert found["order 0"] == pytest.approx(2, abs=0.1)
    assert found["order 2"] < 0.2 > found["order 4"]
    random = "".join(chr(97 + (i * 7919 % 26)) for i in range(2000))
    assert math.log2(26) * 0.9 < references([random], [random])["order 0"] < math.log2(26) * 1.1


@pytest.mark.parametrize("span", [1e-9, 0.004, 0.85, 1.0, 7.99, 8.01, 30.0])
def test_a_picture_of_any_range(span):
    runs = [{"curve": {"0": {"bits_per_byte": 4 + span}, "9": {"bits_per_byte": 4.0}}}]
    svg = curves_svg(
        {"arms": {"a": {"title": "A & B", "runs": runs}}, "references": {"order 0": 4.1, "far": 99.0}}
    )
    assert "A &amp; B" in svg
    ET.fromstring(svg)


def test_the_command(config, tmp_path, capsys):
    arguments = ["experiment", "domain", "--text", config.data, "--set", f"model={config.model}"]
    assert cli.main([*arguments, "--steps", "8", "--print-config"]) == 0
    assert "translation_steps = 1" in capsys.readouterr().out
    short = ["vocabulary=300", "batch_size=2", "window_bytes=200", "held_out_bytes=1024", "evaluate_every=2"]
    sets = [part for one in short for part in ("--set", one)]
    command = [*arguments, *sets, "--steps", "3", "--seeds", "1", "--arms", "mean-pieces"]
    assert cli.main([*command, "--output", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["arms"]["mean-pieces"]["end"]["mean"] > 0
    assert cli.main(["experiment", "protein", "--fasta", "/nowhere", "--output", str(tmp_path / "no")]) == 2
    assert "no file" in capsys.readouterr().err
