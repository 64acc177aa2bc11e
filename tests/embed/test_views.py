"""Spaces, sums of tokens, orders of rows, health, pairs: each against the plain way."""

import json

import numpy as np
import pytest

from tests.embed.files import MINILM, random, watched
from tests.embed.test_compare import DEMO
from tests.embed.test_neighbors import in_memory
from tokstudio.cli import main
from tokstudio.embed import layout, spectrum
from tokstudio.embed.expression import Asked, parse
from tokstudio.embed.health import check
from tokstudio.embed.layout import lay_out
from tokstudio.embed.matrix import finish
from tokstudio.embed.memory import need
from tokstudio.embed.neighbors import nearest, row_norms
from tokstudio.embed.order import by_cluster, by_key, ordered
from tokstudio.embed.pairs import spread
from tokstudio.embed.pyramid import build
from tokstudio.embed.read import open_model
from tokstudio.embed.space import make_space
from tokstudio.embed.vocabulary import read_vocabulary
from tokstudio.errors import InputError, ModelError


@pytest.fixture(scope="module")
def minilm():
    model = open_model(MINILM)
    return model.matrix(), finish(read_vocabulary(model.tokenizer))


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("name", ["centered", "whitened"])
def test_neighbors_in_another_space_are_those_of_float64(name, metric):
    values = (random(700, 24) @ random(24, 24, 5) + 0.3).astype(np.float32)
    matrix = in_memory(values)
    space = finish(make_space(matrix, name))
    found = finish(nearest(matrix, finish(row_norms(matrix)), values[7], 12, metric, [7], space))
    wide = values.astype(np.float64) - values.astype(np.float64).mean(0)
    if name == "whitened":
        variances, axes = np.linalg.eigh(wide.T @ wide / len(wide))
        wide = wide @ (axes / np.sqrt(variances)) @ axes.T
    if metric == "euclidean":
        score = -np.linalg.norm(wide - wide[7], axis=1)
    else:
        score = wide @ wide[7]
        score = (
            score / np.linalg.norm(wide, axis=1) / np.linalg.norm(wide[7]) if metric == "cosine" else score
        )
    score[7] = -np.inf
    best = np.argsort(-score, kind="stable")[:12]
    assert found.ids.tolist() == best.tolist()
    assert np.allclose(np.abs(found.scores), np.abs(score[best]), rtol=1e-4)


def test_an_unknown_space_is_named():
    with pytest.raises(InputError, match="no space"):
        finish(make_space(in_memory(random(4, 2)), "warped"))


def test_sums_of_tokens(minilm):
    matrix, names = minilm
    asked = parse("king - man + woman", names, len(matrix))
    assert [names.text(row) for row in asked.rows] == ["king", "man", "woman"]
    assert asked.signs == (1, -1, 1)
    rows = matrix.rows(asked.rows).astype(np.float64)
    assert np.allclose(asked.vector(matrix), rows[0] - rows[1] + rows[2])
    found = finish(nearest(matrix, finish(row_norms(matrix)), asked.vector(matrix), 3, "cosine", asked.rows))
    assert names.text(int(found.ids[0])) == "queen"
    assert parse("-", names, len(matrix)) == Asked((names.look_up("-"),), (1,))
    with pytest.raises(InputError, match="missing beside"):
        parse("king - - woman", names, len(matrix))


def test_orders_are_permutations_and_mean_what_they_say(minilm):
    matrix, _ = minilm
    norms = finish(row_norms(matrix))
    order = by_key(norms, len(matrix), largest_first=True)
    assert (np.diff(norms[order]) <= 0).all()
    clusters = finish(by_cluster(matrix))
    assert np.array_equal(np.sort(clusters), np.arange(len(matrix)))
    rows = matrix.rows(clusters[::50]).astype(np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    beside, apart = (unit[1:] * unit[:-1]).sum(1).mean(), (unit[200:] * unit[:-200]).sum(1).mean()
    assert beside > apart, "neighbors in the order are more alike than rows far apart"
    short = by_key(np.array([3.0, np.nan, 5.0]), 5, largest_first=True)
    assert short.tolist() == [2, 0, 1, 3, 4]


def test_a_pyramid_of_ordered_rows_is_that_of_the_rows_in_that_order():
    values = random(700, 20)
    order = np.random.default_rng(0).permutation(700)
    one = finish(build(ordered(in_memory(values), order), 0.1))
    other = finish(build(in_memory(values[order]), 0.1))
    for pooling in ("mean", "max-abs", "min", "std"):
        assert np.array_equal(one.tile(pooling, (4, 0), (1, 0)), other.tile(pooling, (4, 0), (1, 0)))
    assert np.array_equal(one.tile("mean", (0, 1), (0, 0)), values[order][256:512])


def test_health_finds_what_was_put_there():
    values = random(400, 16)
    values[5] = 0
    values[9, 3] = np.inf
    values[[20, 30]] = values[10]
    values[44] *= 0.01
    found = finish(check(in_memory(values), None))
    assert found.zero.tolist() == [5]
    assert found.broken.tolist() == [9]
    assert found.groups == ((10, 20, 30),)
    assert [entry["id"] for entry in found.candidates] == [44]
    assert found.candidates[0]["why"] == "small norm"
    assert found.reference == ""


def test_health_of_the_demo_model_points_at_bytes_that_its_text_never_had(capsys):
    assert main(["embeddings", "health", str(DEMO), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["reference"] == "13 bytes that no UTF-8 text holds"
    assert found["under_trained_count"] > 10
    assert [entry["kind"] for entry in found["under_trained"][:4]] == ["Byte"] * 4
    assert main(["embeddings", "health", str(MINILM)]) == 0
    assert "994 unused ids" in capsys.readouterr().out


def test_padding_rows_are_named(minilm):
    matrix, names = minilm
    padded = np.concatenate([matrix.rows(np.arange(len(names))), random(70, matrix.shape[1]) * 1e-3])
    found = finish(check(in_memory(padded), names))
    assert found.padding == 70
    assert "70 padding rows" in found.reference
    assert not any(entry["id"] >= len(names) for entry in found.candidates), "they are the reference"
    assert finish(check(in_memory(padded[:30_000]), names)).missing == 522


def test_rows_in_general():
    values = random(300, 10) + 0.05
    found = finish(spread(in_memory(values)))
    wide = values.astype(np.float64)
    assert np.allclose(found.row_means, wide.mean(1), atol=1e-6)
    assert np.allclose(found.row_variances, wide.var(1), atol=1e-6)
    unit = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    every = unit @ unit.T
    assert found.anisotropy == pytest.approx((every.sum() - 300) / (300 * 299))
    assert found.cosines.mean() == pytest.approx(found.anisotropy, abs=0.01)
    assert finish(spread(in_memory(np.zeros((3, 4), np.float32)))).anisotropy == 0


def test_what_does_not_fit_into_memory_is_said_with_the_figure():
    with pytest.raises(ModelError, match=r"needs [\d.]+ GB of memory, and [\d.]+ GB are free"):
        need(1 << 60, "UMAP of these rows")


def test_a_layout_without_its_library_names_the_extra(monkeypatch):
    monkeypatch.setattr(layout, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="not installed") as found:
        finish(lay_out(in_memory(random(40, 8)), "umap"))
    assert "projections" in found.value.hint


def test_tsne_keeps_clusters_apart_and_its_seed_makes_it_again():
    pytest.importorskip("openTSNE")
    centers = np.repeat(np.eye(3, 8, dtype=np.float32), 30, axis=0)
    matrix = in_memory(centers + random(90, 8))
    shares, found = watched(lay_out(matrix, "tsne", seed=3))
    assert shares == sorted(shares)
    assert found.about["seed"] == 3
    assert "openTSNE" in found.about["library"]
    groups = found.points.reshape(3, 30, 2)
    inside = max(np.linalg.norm(g - g.mean(0), axis=1).mean() for g in groups)
    assert inside < min(np.linalg.norm(groups[i].mean(0) - groups[i - 1].mean(0)) for i in range(3))
    assert np.array_equal(found.points, finish(lay_out(matrix, "tsne", seed=3)).points)


def test_components_never_step_back_however_long_their_solver_takes():
    matrix = in_memory(random(90, 8))

    def slow(solve, values, share):
        yield share
        return solve(values)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spectrum, "_aside", slow)
        shares = list(spectrum.components(matrix, np.arange(90), 4))
    assert shares == sorted(shares)
    assert max(shares) <= 0.3  # where the layout itself begins


def test_a_dropped_layout_ends_its_process(monkeypatch):
    pytest.importorskip("openTSNE")
    started = []
    real = layout.subprocess.Popen
    monkeypatch.setattr(
        layout.subprocess, "Popen", lambda *a, **k: started.append(real(*a, **k)) or started[-1]
    )
    steps = lay_out(in_memory(random(600, 20)), "tsne")
    while not started:
        next(steps)
    steps.close()
    assert started[0].returncode is not None


@pytest.mark.slow  # UMAP compiles parts of itself at every start
def test_umap_keeps_clusters_apart():
    pytest.importorskip("umap")
    centers = np.repeat(np.eye(3, 8, dtype=np.float32), 30, axis=0)
    found = finish(lay_out(in_memory(centers + random(90, 8)), "umap", seed=3))
    assert "umap-learn" in found.about["library"]
    groups = found.points.reshape(3, 30, 2)
    inside = max(np.linalg.norm(g - g.mean(0), axis=1).mean() for g in groups)
    assert inside < min(np.linalg.norm(groups[i].mean(0) - groups[i - 1].mean(0)) for i in range(3))
