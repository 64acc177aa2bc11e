"""Two matrices: joins by what tokens mean, and every figure against NumPy or SciPy done the plain way."""

import json

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from tests.embed.files import MINILM, random
from tests.embed.test_neighbors import in_memory
from tokstudio.cli import main
from tokstudio.embed import compare as comparing
from tokstudio.embed.compare import compare
from tokstudio.embed.join import Join, join
from tokstudio.embed.known import known_matrices
from tokstudio.embed.matrix import finish
from tokstudio.embed.read import open_model
from tokstudio.embed.vocabulary import SPECIAL, read_vocabulary
from tokstudio.errors import InputError

DEMO = next(known.path for known in known_matrices() if known.name == "Demo model")


@pytest.fixture(scope="module")
def pair():
    models = [open_model(MINILM), open_model(DEMO)]
    return [(m.matrix(), finish(read_vocabulary(m.tokenizer))) for m in models]


def joined(rows: int) -> Join:
    return Join(np.arange(rows), np.arange(rows), "bytes", rows, rows, 0, 0)


def test_the_same_bytes_are_the_same_token(pair):
    (_, a), (_, b) = pair
    found = join(a, b, len(a), len(b))
    assert all(a.bytes_of(x) == b.bytes_of(y) for x, y in zip(found.a, found.b, strict=True))
    assert not any(a.glued[x] for x in found.a if a.find(a.bytes_of(x)) is not None)
    table = set.intersection(
        *({v.bytes_of(i) for i in range(len(v)) if v.kinds[i] < SPECIAL} for v in (a, b))
    )
    assert len(found.a) == len(table)
    assert found.report["only_b"] == found.tokens_b - len(table)
    assert 1996 in found.a, "BERT's “the” is row 1996"


def test_words_join_where_a_vocabulary_keeps_the_space(pair):
    (_, a), (_, b) = pair
    found = join(a, b, len(a), len(b), "words")
    there = dict(zip(found.a.tolist(), found.b.tolist(), strict=True))
    assert b.bytes_of(there[1996]) == b" the"
    glued = next(x for x in there if a.glued[x])
    assert b.bytes_of(there[glued])[:1] != b" "
    assert len(found.a) > len(join(a, b, len(a), len(b)).a)


def test_a_vocabulary_joins_with_itself_row_by_row(pair):
    (_, a), _ = pair
    found = join(a, a, len(a), len(a))
    assert np.array_equal(found.a, found.b)
    assert found.report["only_a"] == 0


def test_tokens_beyond_the_matrix_are_counted_and_an_empty_join_is_refused(pair):
    (_, a), (_, b) = pair
    whole = join(a, b, len(a), len(b))
    part = join(a, b, 2000, len(b))
    assert part.without_row == len(whole.a) - len(part.a) > 0
    with pytest.raises(InputError, match="no token in common"):
        join(a, b, 1, 1)
    with pytest.raises(InputError, match="no rule"):
        join(a, b, 9, 9, "sound")


def test_figures_are_those_of_the_plain_way(monkeypatch):
    monkeypatch.setattr(comparing, "BLOCK", 37)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(301, 12)).astype(np.float32)
    y = (x @ np.linalg.qr(rng.normal(size=(12, 12)))[0] * 3 + 0.5 * rng.normal(size=(301, 12))).astype(
        np.float32
    )
    found = finish(compare(in_memory(x), in_memory(y), joined(301), k=5))
    wide, tall = x.astype(float), y.astype(float)
    r = [np.corrcoef(p, q)[0, 1] for p, q in zip(wide, tall, strict=True)]
    assert np.allclose(found.r, r)
    u, v = wide - wide.mean(0), tall - tall.mean(0)
    cka = np.linalg.norm(u.T @ v) ** 2 / (np.linalg.norm(u.T @ u) * np.linalg.norm(v.T @ v))
    assert found.cka == pytest.approx(cka)
    aligned = np.empty(301)
    for half in (0, 1):
        fit = slice(1 - half, None, 2)
        p, q = wide[fit] - wide[fit].mean(0), tall[fit] - tall[fit].mean(0)
        turned = (wide[half::2] - wide[fit].mean(0)) @ orthogonal_procrustes(p, q)[0]
        other = tall[half::2] - tall[fit].mean(0)
        aligned[half::2] = (
            (turned * other).sum(1) / np.linalg.norm(turned, axis=1) / np.linalg.norm(other, axis=1)
        )
    assert np.allclose(found.aligned, aligned)
    assert found.explained == pytest.approx(
        orthogonal_procrustes(u, v)[1] ** 2 / (np.linalg.norm(u) ** 2 * np.linalg.norm(v) ** 2)
    )
    tops = []
    for rows in (wide, tall):
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        near = unit @ unit.T
        np.fill_diagonal(near, -9)
        tops.append(np.argsort(-near, axis=1)[:, :5])
    overlap = [len(set(p) & set(q)) / 5 for p, q in zip(*tops, strict=True)]
    assert np.allclose(found.overlap, np.array(overlap)[found.sampled])
    assert abs(found.index_r.mean() - np.mean(r)) < 1e-9, "here the same index is the same token"


def test_a_rotation_is_found_and_noise_is_not():
    x = random(400, 16)
    turn = np.linalg.qr(random(16, 16, 3))[0].astype(np.float32)
    same = finish(compare(in_memory(x), in_memory(x @ turn), joined(400)))
    assert same.cka == pytest.approx(1, abs=1e-5)
    assert same.aligned.min() > 0.999
    other = finish(compare(in_memory(x), in_memory(random(400, 16, 9)), joined(400)))
    assert abs(other.figures()["procrustes_cosine"]) < 0.15
    assert abs(other.figures()["same_index_r_mean"]) < 0.05


def test_zero_and_broken_rows_are_left_out_and_widths_may_differ():
    x, y = random(60, 8), random(60, 5, 2)
    x[3], y[9, 2] = 0, np.nan
    found = finish(compare(in_memory(x), in_memory(y), joined(60)))
    assert found.left_out == 2
    assert not {3, 9} & set(found.place)
    assert found.figures()["r_mean"] is None
    assert np.isfinite(found.aligned).all()
    with pytest.raises(InputError, match="Fewer than three"):
        finish(compare(in_memory(x[:2]), in_memory(y[:2]), joined(2)))


def test_the_command(capsys):
    arguments = ["embeddings", "compare", str(MINILM), str(DEMO), "--token", "the", "--row", "300", "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["join"]["shared"] == found["figures"]["tokens"] > 1000
    assert found["token"]["same"]
    assert (found["token"]["token_a"], found["token"]["id_a"]) == ("the", 1996)
    assert not found["row"]["same"]
    assert "Two different words" in found["row"]["relation"]
    assert found["most_agreeing"][0]["cosine"] > found["least_agreeing"][0]["cosine"]
    assert main(["embeddings", "compare", str(MINILM), str(MINILM), "--token", "the"]) == 0
    assert "r 1.0000" in capsys.readouterr().out
    assert main(["embeddings", "compare", str(MINILM), str(DEMO), "--token", "zxqj"]) == 2
    assert "no token that both models have" in capsys.readouterr().err
