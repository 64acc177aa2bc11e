"""Candidates of a target token: its kin by bytes, then its neighbors in the texts or in the model's matrix."""

import argparse
import inspect
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import ConfigError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import train_bpe
from tokstudio.train.s2t2_config import S2t2Config
from tokstudio.train.settings import apply_overrides
from tokstudio.transfer.base import METHODS, TransferProblem
from tokstudio.transfer.candidates import NEIGHBORS, candidates, nearest, neighbors
from tokstudio.transfer.compose import mixtures
from tokstudio.transfer.contexts import beside, sampled, shared_space
from tokstudio.transfer.start import make_start

ANIMALS = ("cat", "dog")
PLACES = ("Paris", "London")


def letters(word: str, tokenizer) -> int:
    """The id that spells `word` alone."""
    return next(i for i in range(len(tokenizer)) if tokenizer.token_bytes(i) == word.encode())


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The source learns cats and Paris, the target dogs and London; animals and places stand in places of their
    own in the texts that both read."""
    folder = tmp_path_factory.mktemp("pair")
    animal = "the {} sleeps on my warm bed. a {} eats its food. "
    place = "we fly to {} by night; from {} we come again! "
    for name, words in (("source", ("cat", "Paris")), ("target", ("dog", "London"))):
        text = animal.format(words[0], words[0]) + place.format(words[1], words[1])
        train_bpe([text] * 200, folder / name, vocab_size=420)
    source, target = (load_tokenizer(str(folder / name)) for name in ("source", "target"))
    texts = tuple(
        animal.format(beast, beast) + place.format(town, town)
        for _ in range(20)
        for beast, town in zip(ANIMALS, PLACES, strict=True)
    )
    matrix = np.random.default_rng(1).standard_normal((len(source), 8)).astype(np.float32)
    return TransferProblem.of(source, target, matrix, seed=2, texts=texts)


@pytest.fixture(scope="module")
def start(pair):
    return mixtures(pair, METHODS["mean-pieces"].rows(pair))


@pytest.mark.parametrize(
    ("target", "source", "other"), [(" dog", " cat", " Paris"), (" London", " Paris", " cat")]
)
def test_tokens_that_stand_in_the_same_places_are_candidates(pair, start, target, source, other):
    wanted, found, far = (
        letters(target, pair.target),
        letters(source, pair.source),
        letters(other, pair.source),
    )
    ids = np.array([wanted])
    chosen = candidates(pair, start, ids, width=24, allowed=pair.usable, kind="auxiliary")[0].tolist()
    kin = candidates(pair, start, ids, width=24, allowed=pair.usable, kind="none")[0]
    kin = kin[kin >= 0].tolist()
    assert found not in kin  # no byte in common leads there
    assert chosen[: len(kin)] == kin
    assert chosen[len(kin)] == found
    sources, targets = shared_space(pair)
    assert targets[wanted] @ sources[found] > 0.9 > 0.5 > targets[wanted] @ sources[far]


def test_contexts_touch_a_token_and_do_not_overlap_it():
    """ab|c|de|f beside abc|d|ef, one byte a letter."""
    places = np.array([[0, 2], [2, 3], [3, 5], [5, 6]])
    spans = np.array([[0, 3], [3, 4], [4, 6]])
    ids, contexts = np.array([70, 71, 72]), np.array([10, 11, 12, 13])
    found = {
        (int(a), int(b), worth)
        for rows, columns, worth in beside(ids, spans, contexts, places, window=2)
        for a, b in zip(rows, columns, strict=True)
    }
    assert found == {
        (70, 12, 1.0), (70, 13, 0.5),  # after "abc": "de", "f"
        (71, 13, 1.0), (71, 11, 1.0), (71, 10, 0.5),  # "d": "de" overlaps it
        (72, 11, 1.0), (72, 10, 0.5),  # "ef"
    }  # fmt: skip


def test_without_texts_the_rows_of_the_model_serve(pair, start):
    silent = replace(pair, texts=(), shared={})
    ids = np.arange(len(pair.target))
    by = {
        kind: candidates(silent, start, ids, width=24, allowed=pair.usable, kind=kind) for kind in NEIGHBORS
    }
    assert np.array_equal(by["auxiliary"], by["rows"])
    assert (by["none"] < 0).sum() > (by["rows"] < 0).sum()
    assert not any(rows.any() for rows in shared_space(silent))


def test_a_token_that_the_texts_lack_has_the_neighbors_of_its_row(pair, start):
    few = replace(pair, texts=("the dog sleeps on my warm bed. " * 4,), shared={})
    absent, present = letters(" London", pair.target), letters(" dog", pair.target)
    ids = np.array([absent, present])
    chosen, rows, none = (
        candidates(few, start, ids, width=24, allowed=pair.usable, kind=kind)
        for kind in ("auxiliary", "rows", "none")
    )
    assert np.array_equal(chosen[0], rows[0])
    assert (none[0] < 0).any()
    assert not np.array_equal(chosen[1], rows[1])


def test_neighbors_are_allowed_ones(pair, start):
    allowed = pair.usable
    allowed[letters(" cat", pair.source)] = False
    ids = np.array([letters(" dog", pair.target)])
    chosen = candidates(pair, start, ids, width=24, allowed=allowed, kind="auxiliary")
    assert allowed[chosen[chosen >= 0]].all()


def test_the_demo_pair():
    """A token that both vocabularies have stands in the same places in both, so it is among its own neighbors."""
    source, target = load_tokenizer("demo:english"), load_tokenizer("demo:code")
    texts = (inspect.getsource(argparse), inspect.getsource(textwrap))
    matrix = np.random.default_rng(3).standard_normal((len(source), 16)).astype(np.float32)
    problem = TransferProblem.of(source, target, matrix, texts=texts)
    sources, targets = shared_space(problem)
    shared = np.flatnonzero(targets.any(1) & (problem.overlap.match >= 0))
    shared = shared[sources[problem.overlap.match[shared]].any(1)]
    near = nearest(targets[shared], sources, problem.usable, count=10)
    assert len(shared) > 300
    assert (near == problem.overlap.match[shared][:, None]).any(1).mean() > 0.9
    start, ids = mixtures(problem, METHODS["mean-pieces"].rows(problem)), shared[:200]
    chosen = {
        kind: candidates(problem, start, ids, width=32, allowed=problem.usable, kind=kind)
        for kind in NEIGHBORS
    }
    assert not np.array_equal(chosen["auxiliary"], chosen["rows"])
    filled = {kind: (rows >= 0).mean() for kind, rows in chosen.items()}
    assert filled["auxiliary"] == filled["rows"] == 1 > filled["none"]


def test_a_start_is_the_same_each_time(pair):
    first, again = (
        make_start(replace(pair, shared={}), method="mean-pieces", width=16).slots for _ in range(2)
    )
    assert np.array_equal(first, again)


def test_long_texts_are_sampled_from_all_over():
    texts = [f"{i:04d}" * 25 for i in range(100)]  # 100 bytes each
    kept = sampled(texts, 1000)
    assert sum(map(len, kept)) <= 1000
    assert (kept[0], kept[-1]) == (texts[0], texts[-1])
    assert sampled(texts, 10_000) == texts
    assert len(sampled(["a" * 5000], 1000)[0]) == 1000


def test_the_setting_names_the_kinds():
    assert S2t2Config().neighbors in NEIGHBORS
    for kind in NEIGHBORS:
        assert apply_overrides(S2t2Config(), [f"neighbors={kind}"]).neighbors == kind
    with pytest.raises(ConfigError):
        apply_overrides(S2t2Config(), ["neighbors=words"])


@given(
    arrays.arrays(np.float32, (7, 3), elements=st.integers(-3, 3)),
    arrays.arrays(np.float32, (5, 3), elements=st.integers(-3, 3)),
    arrays.arrays(bool, 7),
)
def test_nearest_is_the_plain_search(rows, wanted, allowed):
    found = nearest(wanted, rows, allowed, count=4)
    unit = lambda x: x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)  # noqa: E731
    cosine = np.where(allowed, unit(wanted) @ unit(rows).T, -np.inf)
    for row, (own, scores) in enumerate(zip(found, cosine, strict=True)):
        kept = own[own >= 0]
        if not wanted[row].any():
            assert not len(kept)
            continue
        assert len(set(kept.tolist())) == len(kept) == min(4, allowed.sum())
        assert np.allclose(scores[kept], np.sort(scores)[::-1][: len(kept)], atol=1e-6)


def test_a_row_that_starts_from_nothing_has_no_neighbors():
    rows = np.eye(3, dtype=np.float32)
    start = SparseRows.of([([0], [1.0]), ([], [])], 3)
    found = neighbors(rows, start, np.ones(3, bool), count=2)
    assert found[0, 0] == 0
    assert (found[1] == -1).all()
