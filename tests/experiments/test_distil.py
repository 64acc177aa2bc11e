"""The comparison of objectives on a tiny model: equal text, one measurement of the start, resumed, told as it is."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from tokstudio import cli
from tokstudio.experiments import distil
from tokstudio.experiments.base import Prepared
from tokstudio.experiments.distil import ARMS, DistilConfig
from tokstudio.experiments.run import run, table


@pytest.fixture
def texts(tmp_path):
    import inspect
    import textwrap

    folder = tmp_path / "texts"
    folder.mkdir()
    for number, part in enumerate(inspect.getsource(textwrap).split("\n\n")):
        (folder / f"{number}.py").write_text(part + "\n")
    return str(folder)


@pytest.fixture
def config(model, texts):
    return DistilConfig(
        name="tiny", model=model, data=texts, elsewhere=texts, steps=2, seeds=1, batch_size=2, window_bytes=200,
        held_out_bytes=1024, evaluate_every=1, device="cpu",
    )  # fmt: skip


def test_every_arm_runs_from_one_start(config, tmp_path, monkeypatch):
    from tokstudio.train import transfer

    measured = []
    plain = transfer._measure_baseline
    monkeypatch.setattr(transfer, "_measure_baseline", lambda p: measured.append(p) or plain(p))
    result = run(config, tmp_path / "out")
    assert set(result["arms"]) == set(ARMS)
    assert len(measured) == 1
    starts = {arm["start"]["mean"] for arm in result["arms"].values()}
    assert len(starts) == 1
    for arm in result["arms"].values():
        assert set(arm["runs"][0]["curve"]) == {"0", "1", "2"}
        assert arm["apart"]["mean"] > 0
        assert arm["elsewhere"]["mean"] > 0
    ends = {round(arm["end"]["mean"], 9) for arm in result["arms"].values()}
    assert len(ends) == len(ARMS)
    assert "from the teacher" in table(result)
    assert result["references"]["source model"] == result["arms"]["sft"]["runs"][0]["source"]
    ET.parse(tmp_path / "out/curves.svg")
    said = []
    assert run(config, tmp_path / "out", said.append) == result
    assert not said


def test_arms_differ_in_their_objectives_alone():
    config, shared = DistilConfig(), Prepared("python", "demo:code", {})
    made = [distil.transfer_config(config, arm, shared, 1) for arm in ARMS.values()]
    same = {replace(m, objectives=(), weights=(), alm=config.alm) for m in made}
    assert len(same) == 1
    assert all(len(m.objectives) == len(m.weights) for m in made)
    by_name = dict(zip(ARMS, made, strict=True))
    assert by_name["alm-plain"].alm.chunks == "unconstrained"
    assert not by_name["alm-plain"].alm.boundary_mass
    assert by_name["alm"].alm == config.alm


def test_the_distance_of_a_model_from_itself_is_nought(config):
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer

    itself = load_model(config.model).eval()
    assert distil._apart(config, itself, load_tokenizer(config.model)) < 1e-6


def test_the_command(config, tmp_path, capsys):
    command = ["experiment", "distil", "--text", config.data, "--steps", "1", "--seeds", "1", "--arms", "alm"]
    sets = [f"model={config.model}", "batch_size=2", "window_bytes=200", "held_out_bytes=1024", "device=cpu"]
    parts = [part for one in sets for part in ("--set", one)]
    assert cli.main([*command, *parts, "--output", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["arms"]["alm"]["end"]["mean"] > 0
    assert told["arms"]["alm"]["elsewhere"] is None
