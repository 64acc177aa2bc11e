"""The classic comparison: one word's rows in two models of one width, its line, its scatter, r, and r of all words.

Everything goes through `tokstudio embeddings compare`, as for any two folders, and is computed again here with NumPy
and the vocabularies' own files. The published pair is compared where the network may be used.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.embed.files import MINILM, model
from tokstudio.cli import main
from tokstudio.embed.known import matrix_path
from tokstudio.paths import resource

NAME = "model.embed_tokens.weight"
RHO = 0.15  # what is planted, on the average


def spelled(folder: Path) -> dict[bytes, int]:
    """What each token of a byte-level or WordPiece tokenizer.json stands for, by the published rules."""
    found = json.loads((folder / "tokenizer.json").read_text())["model"]
    if found["type"] == "WordPiece":
        table: dict[bytes, int] = {}
        for glued in (False, True):  # a piece that starts a word counts before one that goes on
            for token, row in found["vocab"].items():
                if token.startswith("##") == glued and not (token.startswith("[") and token.endswith("]")):
                    table.setdefault(token.removeprefix("##").encode() if glued else token.encode(), row)
        return table
    letters = [*range(33, 127), *range(161, 173), *range(174, 256)]  # of the byte-level alphabet of GPT-2
    alphabet = {chr(byte): byte for byte in letters}
    others = [byte for byte in range(256) if byte not in letters]
    alphabet |= {chr(256 + place): byte for place, byte in enumerate(others)}
    plain = {token: row for token, row in found["vocab"].items() if set(token) <= set(alphabet)}
    return {bytes(alphabet[char] for char in token): row for token, row in plain.items()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """The demo model, and a model of its width with BERT's vocabulary whose rows lean a little on the demo's."""
    first = resource("demo/english")
    rows = read(first)
    second = tmp_path_factory.mktemp("classic") / "bert"
    table, other = spelled(first), spelled(MINILM)
    rng = np.random.default_rng(11)
    made = rng.normal(0, 0.05, (30_522, rows.shape[1]))
    for token in table.keys() & other.keys():
        row = rows[table[token]]
        lean = (row - row.mean()) / row.std()
        share = np.clip(rng.normal(RHO, 0.05), -0.9, 0.9)
        noise = rng.normal(0, 1, len(row))
        made[other[token]] = 0.05 * (share * lean + np.sqrt(1 - share**2) * noise)
    model(second, {NAME: made.astype(np.float32)}, vocab_size=30_522)
    (second / "tokenizer.json").write_bytes((MINILM / "tokenizer.json").read_bytes())
    return first, second


def read(folder: Path) -> np.ndarray:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")[NAME].astype(np.float64)


def compared(capsys, *arguments: str) -> dict:
    assert main(["embeddings", "compare", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_one_word_and_all_words_correlate_as_numpy_says(capsys, folders):
    found = compared(capsys, *map(str, folders), "--token", "the", "--row", "1996")
    table, other = (spelled(Path(folder)) for folder in (folders[0], MINILM))
    shared = sorted(table.keys() & other.keys(), key=table.get)
    a, b = map(read, folders)
    r = np.array([np.corrcoef(a[table[token]], b[other[token]])[0, 1] for token in shared])
    assert found["join"]["shared"] == len(shared) > 1000
    assert found["token"]["id_a"] == table[b"the"]
    assert found["token"]["id_b"] == 1996
    assert found["token"]["r"] == pytest.approx(r[shared.index(b"the")], abs=1e-6)
    assert found["figures"]["r_mean"] == pytest.approx(r.mean(), abs=1e-6)
    assert found["figures"]["r_std"] == pytest.approx(r.std(), abs=1e-6)
    assert found["figures"]["r_mean"] == pytest.approx(RHO, abs=0.02), "what was planted is found"
    row = np.corrcoef(a[1996], b[1996])[0, 1]
    assert found["row"]["r"] == pytest.approx(row, abs=1e-6)
    assert not found["row"]["same"]
    assert "Two different words" in found["row"]["relation"]
    both = min(len(a), len(b))
    rows = [np.corrcoef(a[i], b[i])[0, 1] for i in range(both)]
    # 4,000 of the 4,096 rows, evenly spaced
    assert found["figures"]["same_index_r_mean"] == pytest.approx(np.mean(rows), abs=1e-3)
    assert abs(found["figures"]["same_index_r_mean"]) < RHO / 2, "another word at the same row: near zero"


def test_other_widths_have_no_r_and_it_is_said_in_words(capsys):
    pair = [str(MINILM), str(matrix_path("demo:english")), "--token", "the"]
    found = compared(capsys, *pair)
    assert found["token"]["r"] is found["figures"]["r_mean"] is None
    assert found["figures"]["linear_cka"] > 0
    assert main(["embeddings", "compare", *pair]) == 0
    said = capsys.readouterr().out
    assert "not defined: the rows have 384 and 256 values" in said


PUBLISHED = ("openai-community/gpt2", "google-bert/bert-base-uncased")


@pytest.mark.network
@pytest.mark.slow
def test_the_published_figures_of_gpt2_and_bert(capsys):
    """Fetches about a gigabyte, through the command that asks first where nobody says --yes."""
    for hub_id in PUBLISHED:
        assert main(["download", hub_id, "--model", "--yes"]) == 0
    capsys.readouterr()
    found = compared(capsys, *PUBLISHED, "--token", "the")
    assert (found["a"]["rows"], found["a"]["columns"]) == (50_257, 768)
    assert (found["b"]["rows"], found["b"]["columns"]) == (30_522, 768)
    assert (found["token"]["id_a"], found["token"]["id_b"]) == (1169, 1996)
    assert found["token"]["same"]
    assert found["token"]["r"] == pytest.approx(0.15, abs=0.05)
    other = compared(capsys, *PUBLISHED, "--row", "1996")
    assert abs(other["row"]["r"]) < found["token"]["r"]
