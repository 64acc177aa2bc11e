"""`tokstudio evaluate` with the demo model: one, two, multiple choice, and what it refuses."""

import json

import pytest

from tokstudio import cli

TEXT = "The with statement is used to wrap the execution of a block.\n" * 6 + "import os\n\nprint(os.sep)\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return str(path)


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.csv"
    path.write_text(
        "question,choices,answer\n"
        "The with statement is used to wrap the,execution|zebra,A\n"
        "import,os|umbrella,os\n"
    )
    return str(path)


def evaluate(*arguments, capsys):
    code = cli.main(["evaluate", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_one_model_says_what_it_always_said_and_more(text, capsys):
    code, out, _ = evaluate("demo:english", "--data", text, "--window-bytes", "128", "--json", capsys=capsys)
    report = json.loads(out)
    assert code == 0
    before = ("model", "tokenizer", "data", "bits_per_byte", "nats", "tokens", "bytes", "windows", "lossy")
    assert all(name in report for name in before)
    assert report["bytes"] == len(TEXT)
    assert report["interval"]["low"] < report["bits_per_byte"] < report["interval"]["high"]
    assert report["cut"] == "lines"
    assert set(report["references"]) == {"uniform over bytes seen", "order 0 entropy", "xz"}
    assert "texts" not in report


def test_two_models_are_compared_on_the_same_bytes(text, capsys):
    # the same weights under a tokenizer they were not made for: far worse, and on the same windows
    arguments = ["demo:english", "demo:english", "--other-tokenizer", "bytes", "--data", text]
    code, out, _ = evaluate(*arguments, "--window-bytes", "128", "--per-text", "--json", capsys=capsys)
    report = json.loads(out)
    assert code == 0
    first, second = report["models"]
    assert first["bytes"] == second["bytes"] == sum(one["bytes"] for one in report["texts"])
    assert report["difference"]["bits_per_byte"] == second["bits_per_byte"] - first["bits_per_byte"] > 0
    assert (report["difference"]["better"], report["difference"]["separated"]) == ("first", True)
    assert second["unscored"] == second["windows"]
    assert report["cut"] == "both"  # the same text twice: alone in each window, and after as much text
    beside = report["sliding"]
    assert beside["least_overlap"] >= 0.5
    assert beside["models"][0]["bits_per_byte"] < first["bits_per_byte"]  # more to go by
    assert beside["models"][0]["interval"]["unit"] == first["interval"]["unit"]
    assert beside["difference"]["separated"]
    code, out, err = evaluate(*arguments, "--window-bytes", "128", capsys=capsys)
    assert code == 0
    assert "The first predicts this text better" in out
    assert "with a sliding window" in out
    assert "not scored" in err


def test_reference_lines_learnt_from_a_text(text, capsys):
    _, out, _ = evaluate("demo:english", "--data", text, "--train-text", text, "--json", capsys=capsys)
    assert json.loads(out)["references"]["order 4"] < 1


def test_multiple_choice(questions, capsys):
    code, out, _ = evaluate("demo:english", "--choices", questions, "--per-text", "--json", capsys=capsys)
    report = json.loads(out)
    assert code == 0
    assert (report["questions"], report["chance"]) == (2, 0.5)
    assert report["accuracy_bytes"] == 1
    assert len(report["questions_each"]) == 2
    code, out, _ = evaluate("demo:english", "demo:english", "--choices", questions, capsys=capsys)
    assert "keeps 100.0% of the first one's lead" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "TEXT", "--window-bytes", "0"], "--window-bytes 0 is too small"),
        (["--data", "TEXT", "--resamples", "1"], "--resamples 1 is too small"),
        (["--data", "TEXT", "--batch-size", "0"], "--batch-size 0 is too small"),
        (["--data", "TEXT", "--seed", "-1"], "--seed is below 0"),
        (["--data", "TEXT", "--per-text"], "Add --json"),
        (["--data", "TEXT", "--other-tokenizer", "bytes"], "needs a second model"),
        (["--data", "nowhere.txt"], "no file or folder"),
        (["--choices", "nowhere.csv"], "cannot be read"),
        (["--data", "TEXT", "--tokenizer", "tiktoken:cl100k_base"], "rows"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(text, arguments, said, capsys):
    code, out, err = evaluate("demo:english", *(a.replace("TEXT", text) for a in arguments), capsys=capsys)
    assert (code, out) == (2, "")
    assert said in err


def test_nothing_to_measure_is_usage(capsys):
    with pytest.raises(SystemExit):
        evaluate("demo:english", capsys=capsys)
