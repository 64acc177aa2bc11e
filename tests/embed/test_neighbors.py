"""Exact means exact: the same ids and order as float64, whatever the values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.embed.files import MINILM, random, write
from tokstudio.embed.header import Tensor
from tokstudio.embed.matrix import EmbeddingMatrix, finish
from tokstudio.embed.neighbors import METRICS, nearest, row_norms
from tokstudio.embed.read import open_model
from tokstudio.embed.vocabulary import Vocabulary, model_tokenizer, read_vocabulary
from tokstudio.errors import InputError


def in_memory(values: np.ndarray) -> EmbeddingMatrix:
    return EmbeddingMatrix(Tensor("w", "F32", values.shape, None, 0, values.nbytes), "input", values)


def reference(values: np.ndarray, row: int, k: int, metric: str) -> np.ndarray:
    """Ids by float64, smaller id first among equals."""
    wide = values.astype(np.float64)
    query = wide[row]
    if metric == "euclidean":
        score = -np.sqrt(np.einsum("ij,ij->i", wide - query, wide - query))
    else:
        score = np.einsum("ij,j->i", wide, query)
        if metric == "cosine":
            norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))
            score = np.where(
                norms > 0, score / (np.where(norms > 0, norms, 1) * np.sqrt(query @ query)), -np.inf
            )
    score[row] = -np.inf
    order = np.lexsort((np.arange(len(score)), -score))
    return order[: min(k, int(np.isfinite(score).sum()))]


def ask(matrix: EmbeddingMatrix, row: int, k: int, metric: str):
    norms = finish(row_norms(matrix))
    return finish(nearest(matrix, norms, matrix.rows([row])[0], k, metric, without=row))


def test_the_neighbors_of_river():
    """Minilm's own, as everybody can check with the published model."""
    model = open_model(MINILM)
    names = finish(read_vocabulary(model_tokenizer(model.folder)))
    row = Vocabulary.row_of(names, "river", len(model.matrix()))
    found = ask(model.matrix(), row, 10, "cosine")
    listed = [names.text(int(i)) for i in found.ids]
    assert listed[0] == "rivers"
    assert {"creek", "lake"} <= set(listed[:4])
    assert found.scores[0] == pytest.approx(0.74, abs=0.005)
    assert found.scores[1] == pytest.approx(0.49, abs=0.005)


@pytest.mark.parametrize("metric", METRICS)
def test_minilm_agrees_with_float64_on_tokens_of_every_kind(metric):
    matrix = open_model(MINILM).matrix()
    values = np.asarray(matrix.stored)
    for row in (0, 1, 101, 999, 2314, 14_000, 29_000, 30_521):  # unused rows are nearly equal to each other
        assert np.array_equal(ask(matrix, row, 10, metric).ids, reference(values, row, 10, metric))


@settings(max_examples=150, deadline=None)
@given(
    values=hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
                      elements=st.floats(-8, 8, width=32) | st.sampled_from([0.0, 1.0, -1.0])),
    k=st.integers(1, 15), metric=st.sampled_from(METRICS), data=st.data(),
)  # fmt: skip
def test_small_matrices_with_ties_and_zero_rows_agree_with_float64(values, k, metric, data):
    row = data.draw(st.integers(0, len(values) - 1))
    if metric == "cosine" and not values[row].any():
        with pytest.raises(InputError, match="all zeros"):
            ask(in_memory(values), row, k, metric)
        return
    found = ask(in_memory(values), row, k, metric)
    assert np.array_equal(found.ids, reference(values, row, k, metric))
    assert np.isfinite(found.scores).all()


def test_equal_rows_come_in_the_order_of_their_ids():
    values = np.tile(random(1, 16), (50, 1))
    assert ask(in_memory(values), 7, 5, "cosine").ids.tolist() == [0, 1, 2, 3, 4]


def test_rows_that_differ_less_than_float32_rounding_are_told_apart(tmp_path):
    """As float64 in the file: the fast pass cannot see the difference, the exact one must."""
    base = random(1, 64).astype(np.float64)[0]
    values = base + np.outer(np.arange(40)[::-1], np.full(64, 1e-11))
    matrix = open_model(write(tmp_path / "x.safetensors", {"w": values})).matrix()
    assert ask(matrix, 39, 5, "euclidean").ids.tolist() == [38, 37, 36, 35, 34]


def test_rows_with_nan_are_left_out():
    values = random(10, 4)
    values[3, 1], values[4, 2] = np.nan, np.inf
    for metric in METRICS:
        assert not {3, 4} & set(ask(in_memory(values), 0, 9, metric).ids.tolist())
    with pytest.raises(InputError, match="not numbers"):
        ask(in_memory(values), 3, 5, "dot")


def test_an_unknown_metric_names_the_known_ones():
    with pytest.raises(InputError, match="no metric") as caught:
        ask(in_memory(random(4, 4)), 0, 2, "hamming")
    assert "cosine" in caught.value.hint
