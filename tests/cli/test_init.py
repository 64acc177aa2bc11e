"""`tokstudio init`: a folder that plain transformers loads, from a method or from a saved plan."""

import json

import numpy as np
import pytest

from tokstudio import cli
from tokstudio.models.load import load_model
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.transfer.base import TransferProblem
from tokstudio.transfer.plan import save_plan
from tokstudio.transfer.start import make_start
from tokstudio.transfer.surgery import apply_plan, is_tied, numpy_of
from tokstudio.transfer.translate import Translation

PAIR = ["--model", "demo:english", "--target", "demo:code"]


def init(*arguments, capsys):
    code = cli.main(["init", *arguments, "--json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if code == 0 else said.err


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory):
    source, target = load_tokenizer("demo:english"), load_tokenizer("demo:code")
    matrix = numpy_of(load_model("demo:english").get_input_embeddings().weight)
    problem = TransferProblem.of(source, target, matrix, texts=("import os\n",))
    layer = Translation(make_start(problem, method="mean-pieces", width=8))
    return save_plan(layer.plan(source, target), tmp_path_factory.mktemp("plan") / "plan.safetensors")


def test_a_method_writes_a_loadable_model(tmp_path, capsys):
    code, report = init(*PAIR, "--output", str(tmp_path / "out"), capsys=capsys)
    assert code == 0
    assert report["check"]["checked"]
    assert report["vocab_size"] == report["check"]["embedding_rows"] == 4160
    assert report["rows"]["copied"] == 4096
    assert init(*PAIR, "--output", str(tmp_path / "out"), capsys=capsys)[0] == 2  # not without --force


def test_the_report_says_where_rows_come_from(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    out = ["--output", str(tmp_path / "out"), "--norm-input", "sources", "--special", "<s>=</s>"]
    code, report = init(*PAIR, *out, capsys=capsys)
    assert code == 0
    lengths = report["norms"]["input"]
    assert lengths["before"] < lengths["after"]
    assert report["special_tokens"][0] == {
        "id": 0, "token": "<s>", "source_id": 1, "source": "</s>", "reason": "chosen by hand",
    }  # fmt: skip
    assert report["digits_per_token"]["source"] == report["digits_per_token"]["target"]
    assert report["untrained_source_rows"] == 0
    with open(report["row_sources"], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert rows[0]["sources"][0]["token"] == "</s>"
    assert len(rows) == report["vocab_size"]


def test_new_rows_can_be_distilled(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    texts = tmp_path / "texts.txt"
    texts.write_text("import os\n\ndef join(a, b):\n    return os.path.join(a, b)\n" * 200)
    out = ["--output", str(tmp_path / "out"), "--texts", str(texts), "--distill", "3"]
    code, report = init(*PAIR, *out, capsys=capsys)
    assert code == 0
    assert report["distillation"]["last"] > 0
    unreached = report["distillation"]["unreached"]
    assert 0 < unreached < 64
    assert (report["rows"]["composed"], report["rows"]["solved"]) == (unreached, 64 - unreached)
    with open(report["row_sources"], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert all(row["sources"] for row in rows if row["origin"] == "composed")  # still means of their pieces
    new = [row["norm"] for row in rows if row["origin"] != "copied"]
    assert report["norms"]["input"]["after"] == pytest.approx(sum(new) / len(new), rel=1e-4)
    assert all(not row["sources"] for row in rows if row["origin"] == "solved")
    assert all(len(row["sources"]) == 1 for row in rows if row["origin"] == "copied")


@pytest.mark.parametrize(("more", "steps"), [(["--distill", "3"], 3), (["--distill", "0"], 0)])
def test_token_distillation_is_a_method(tmp_path, capsys, monkeypatch, more, steps):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    texts = tmp_path / "texts.txt"
    texts.write_text("import os\n\ndef join(a, b):\n    return os.path.join(a, b)\n" * 200)
    out = ["--output", str(tmp_path / "out"), "--texts", str(texts), "--method", "token-distillation"]
    code, report = init(*PAIR, *out, *more, capsys=capsys)
    assert code == 0
    assert report["method"] == "token-distillation"
    assert report["rows"]["solved"] == (64 - report["distillation"]["unreached"] if steps else 0)
    assert (report["distillation"] or {"steps": 0})["steps"] == steps


def test_token_distillation_has_steps_unless_said():
    import argparse

    from tokstudio.cli.commands.init import _fit, arguments

    parser = argparse.ArgumentParser()
    arguments(parser)
    found = {
        line: _fit(parser.parse_args(line.split())).steps
        for line in ("", "--method token-distillation", "--method token-distillation --plan p", "--distill 7")
    }
    assert list(found.values()) == [0, 100, 0, 7]


def test_a_plan_is_applied(tmp_path, capsys, plan_file):
    code, report = init(*PAIR, "--plan", str(plan_file), "--output", str(tmp_path / "out"), capsys=capsys)
    assert code == 0
    assert report["method"] == "plan"
    assert report["check"]["checked"]


def test_a_plan_fits_a_wider_untied_model(plan_file):
    """Weak to strong: other widths, the head apart, the same source tokenizer."""
    from tokstudio.train.config import ModelConfig
    from tokstudio.train.pretrain import new_model
    from tokstudio.transfer.plan import load_plan

    source, target = load_tokenizer("demo:english"), load_tokenizer("demo:code")
    shape = ModelConfig(
        hidden_size=48,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        tie_word_embeddings=False,
    )
    model = new_model(shape, source, seed=1)
    before = [numpy_of(m.weight) for m in (model.get_input_embeddings(), model.get_output_embeddings())]
    plan = load_plan(plan_file)
    apply_plan(model, source, target, plan)
    assert model.config.vocab_size == len(target)
    assert not is_tied(model)
    for role, old, module in zip(
        ("input", "output"),
        before,
        (model.get_input_embeddings(), model.get_output_embeddings()),
        strict=True,
    ):
        assert np.allclose(numpy_of(module.weight), plan.apply(old, role), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "nonsense"], "no method"),
        (["--method", "focus"], "texts"),
        (["--method", "token-distillation"], "learns from texts"),
        (["--method", "omp"], "donor"),
        (["--method", "omp", "--donor", "demo:english"], "donor model has the tokenizer"),
        (["--method", "trim"], "no trimmed vocabulary"),
        (["--plan", "/nowhere"], "no translation plan"),
        (["--atoms", "0"], "count tokens"),
        (["--distill", "5"], "--texts"),
        (["--special", "<pad>=<s>"], "no special token"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_calls_are_told_in_a_sentence(tmp_path, capsys, arguments, message):
    code, said = init(*PAIR, *arguments, "--output", str(tmp_path / "out"), capsys=capsys)
    assert code == 2
    assert message in said
    assert not (tmp_path / "out").exists()


def test_a_method_that_copies_nothing_says_so_of_special_tokens(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    code, report = init(*PAIR, "--method", "random", "--output", str(tmp_path / "out"), capsys=capsys)
    assert code == 0
    assert report["rows"]["copied"] == 0
    assert [(s["token"], s["source"]) for s in report["special_tokens"]] == [("<s>", None), ("</s>", None)]


def test_a_short_text_is_enough_to_learn_rows_from(tmp_path, capsys, monkeypatch):
    """Nothing is measured, so nothing is held out of it."""
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    text = tmp_path / "short.txt"
    text.write_text("import os\nprint(os.sep)\n")
    out = ["--method", "focus", "--texts", str(text), "--output", str(tmp_path / "out")]
    assert init(*PAIR, *out, capsys=capsys)[0] == 0


@pytest.mark.parametrize(
    "more",
    [["--method", "focus"], ["--norm-output", "mean"], ["--special", "<s>=</s>"], ["--texts", "python"]],
)
def test_what_a_plan_does_not_take_is_refused(tmp_path, capsys, plan_file, more):
    out = ["--plan", str(plan_file), "--output", str(tmp_path / "out")]
    code, said = init(*PAIR, *out, *more, capsys=capsys)
    assert code == 2
    assert f"{more[0]} means nothing beside --plan" in said


def test_a_plan_of_another_pair_is_refused(tmp_path, capsys, plan_file):
    code, said = init(
        "--model", "demo:english", "--target", "demo:english", "--plan", str(plan_file),
        "--output", str(tmp_path / "out"), capsys=capsys,
    )  # fmt: skip
    assert code == 2
    assert "target tokenizer" in said
    mine, given = (
        load_tokenizer(f"demo:{name}").fingerprint.split("-")[1][:8] for name in ("code", "english")
    )
    assert mine in said
    assert given in said


def test_a_folder_that_is_no_model_is_not_replaced(tmp_path, capsys):
    (tmp_path / "letters.txt").write_text("mine")
    code, said = init(*PAIR, "--output", str(tmp_path), "--force", capsys=capsys)
    assert code == 2
    assert "something else" in said
    assert (tmp_path / "letters.txt").exists()


def test_the_methods_are_listed(capsys):
    code, found = init("--list", capsys=capsys)
    assert code == 0
    assert {"focus", "omp", "mean-pieces", "wechsel"} <= {method["name"] for method in found["methods"]}


def test_a_plan_is_shown(capsys, plan_file):
    names = ["--source", "demo:english", "--target", "demo:code"]
    command = ["plan", str(plan_file), *names, "--before", str(plan_file), "--text", "import os", "--json"]
    assert cli.main(command) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert "".join(row["text"] for row in rows) == "import os"
    first = rows[0]["now"]
    assert first == rows[0]["before"]
    assert first[0]["text"] == "import"
    assert [s["share"] for s in first] == sorted((s["share"] for s in first), reverse=True)
    assert cli.main(["plan", str(plan_file), *names]) == 0
    assert cli.main(["plan", str(plan_file), "--source", "bytes", "--target", "demo:code"]) == 2
