"""`tokstudio embeddings`."""

import json

import pytest

from tests.embed.files import MINILM
from tokstudio.cli import main
from tokstudio.tokens.hub import downloads_folder


def test_neighbors_as_json(capsys):
    assert main(["embeddings", "neighbors", str(MINILM), "--token", "river", "-k", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["id"], found["token"], found["metric"]) == (2314, "river", "cosine")
    assert [row["token"] for row in found["neighbors"]] == ["rivers", "creek", "waterways", "lake"]
    assert found["neighbors"][0]["similarity"] == pytest.approx(0.739, abs=0.001)
    assert set(found["neighbors"][0]) == {"id", "token", "similarity"}


def test_distances_are_called_distances(capsys):
    arguments = [
        "embeddings",
        "neighbours",
        str(MINILM),
        "--token",
        "#2314",
        "-k",
        "2",
        "--metric",
        "euclidean",
        "--json",
    ]
    assert main(arguments) == 0
    assert "distance" in json.loads(capsys.readouterr().out)["neighbours"][0], "the list is spelled as asked"


def test_info(capsys):
    assert main(["embeddings", "info", str(MINILM), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tensors"][0]["shape"] == [30_522, 384]
    assert found["mean_norm"] == pytest.approx(1.066, abs=0.001)
    assert main(["embeddings", "info", str(MINILM)]) == 0
    assert "30,522 x 384" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        ("demo:english", 4096),
        ("demo model", 4096),  # as the window calls it
        ("all-MiniLM-L6", 30_522),
        ("sentence-transformers/all-MiniLM-L6-v2", 30_522),
        (str(MINILM.parent), 30_522),  # the package; its model lies in model/
    ],
)
def test_models_have_names(capsys, model, rows):
    assert main(["embeddings", "info", model, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tensors"][0]["shape"][0] == rows


def test_a_folder_above_the_weights_says_where_they_are(capsys, tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "model.safetensors").symlink_to(MINILM / "model.safetensors")
    assert main(["embeddings", "info", str(tmp_path)]) == 2
    assert f"There is one in {tmp_path / 'inside'}" in capsys.readouterr().err


def test_a_downloaded_tokenizer_is_no_matrix(capsys, tokstudio_home):
    (folder := downloads_folder("somebody/model")).mkdir(parents=True)
    assert main(["embeddings", "info", "somebody/model"]) == 2
    said = capsys.readouterr().err
    assert "Only the tokenizer of somebody/model" in said
    assert str(folder) in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["info", "nowhere"], "does not exist"),
        (["info", "demo:nothing"], "no demo model"),
        (["neighbors", str(MINILM), "--token", "river bed"], "no single token"),
        (["neighbors", str(MINILM), "--token", "#30522"], "no row"),
        (["neighbors", str(MINILM), "--token", "river", "-k", "0"], "starts at 1"),
        (["neighbors", str(MINILM), "--token", "river", "--metric", "x"], "no metric"),
        (["info", str(MINILM), "--tensor", "x"], "no matrix called"),
    ],
    ids=["missing", "demo", "two tokens", "row", "k", "metric", "tensor"],
)
def test_bad_input_exits_2_with_a_sentence(capsys, arguments, words):
    assert main(["embeddings", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""
    assert "Traceback" not in said.err
