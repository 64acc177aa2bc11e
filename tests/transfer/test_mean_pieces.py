import json

import numpy as np
import pytest

from tokstudio.errors import TransferError
from tokstudio.paths import resource
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.transfer.base import COMPOSED, COPIED, METHODS, Rows, TransferProblem, assemble

RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def problem():
    source, target = load_tokenizer("demo:english"), load_tokenizer("demo:code")
    return TransferProblem.of(
        source, target, RANDOM.standard_normal((len(source), 8)).astype(np.float32), seed=5
    )


def solve(problem, name="mean-pieces"):
    return assemble(problem, METHODS[name].rows(problem))


def test_matches_are_copied_to_the_bit(problem):
    values, origin = solve(problem)
    matched = np.flatnonzero(problem.overlap.match >= 0)
    assert (origin[matched] == COPIED).all()
    assert np.array_equal(values[matched], problem.matrix[problem.overlap.match[matched]])


def test_a_new_token_is_the_mean_of_its_pieces(problem):
    values, origin = solve(problem)
    token = next(t for t in np.flatnonzero(origin == COMPOSED) if len(problem.target.token_bytes(int(t))) > 4)
    pieces = problem.source.encode(problem.target.token_bytes(int(token)).decode()).ids
    assert len(pieces) > 1
    assert np.allclose(values[token], problem.matrix[pieces].mean(0))


def test_part_of_a_character_is_spelled_in_bytes(problem):
    half = "東".encode()[:2]
    pieces = problem.pieces.of(half)
    assert b"".join(problem.source.token_bytes(i) for i in pieces) == half


def test_nothing_is_sampled_between_byte_level_vocabularies(problem):
    assert set(solve(problem)[1].tolist()) == {COPIED, COMPOSED}


def test_a_renumbered_vocabulary_gets_the_renumbered_rows(tmp_path, problem):
    """The same tokens under other ids: every row is a copy from its old place."""
    data = json.loads(resource("demo/english/tokenizer.json").read_text(encoding="utf-8"))
    vocab = data["model"]["vocab"]
    ordinary = [name for name, i in sorted(vocab.items(), key=lambda item: item[1]) if i > 1]
    data["model"]["vocab"] = {"<s>": 0, "</s>": 1} | {n: 2 + i for i, n in enumerate(reversed(ordinary))}
    (tmp_path / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    turned = load_tokenizer(str(tmp_path))
    values, _ = solve(TransferProblem.of(problem.source, turned, problem.matrix))
    expected = problem.matrix[[0, 1, *range(len(vocab) - 1, 1, -1)]]
    assert np.array_equal(values, expected)


def test_assemble_refuses_holes_doubles_and_nan(problem):
    row = np.zeros((1, 8), np.float32)
    with pytest.raises(TransferError, match="got 0 rows"):
        assemble(problem, [Rows(np.array([3]), row, 0)])
    everything = Rows(np.arange(len(problem.target)), np.zeros((len(problem.target), 8), np.float32), 0)
    with pytest.raises(TransferError, match="got 2 rows"):
        assemble(problem, [everything, Rows(np.array([3]), row, 0)])
    with pytest.raises(TransferError, match="not finite"):
        assemble(
            problem,
            [Rows(np.arange(len(problem.target)), np.full((len(problem.target), 8), np.nan, np.float32), 0)],
        )
