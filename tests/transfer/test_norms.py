"""Lengths of new rows, what each row is made of, and which special token stands for which."""

import json

import numpy as np
import pytest

from tokstudio.errors import TransferError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.transfer.base import COPIED, METHODS, TransferProblem, assemble
from tokstudio.transfer.norms import Matched
from tokstudio.transfer.provenance import Recorded, row_sources, special_map, with_specials, write_rows

SOURCE, TARGET = load_tokenizer("demo:english"), load_tokenizer("demo:code")


@pytest.fixture(scope="module")
def problem():
    random = np.random.default_rng(3)
    lengths = random.uniform(0.5, 2, (len(SOURCE), 1))
    matrix = (random.standard_normal((len(SOURCE), 32)) * lengths).astype(np.float32)
    return TransferProblem.of(SOURCE, TARGET, matrix, seed=5)


def solve(problem, norm, method="mean-pieces"):
    recorded = Recorded(problem, METHODS[method].solve(problem))
    matched = Matched(problem, recorded, norm)
    values, origin = assemble(problem, matched)
    return values, origin, recorded.mix, matched.lengths


def test_a_mean_of_rows_is_shorter_and_can_be_given_their_length(problem):
    plain, origin, mix, told = solve(problem, "none")
    assert told.before == told.after < told.source
    values, _, again, told = solve(problem, "sources")
    new = np.flatnonzero(origin != COPIED)
    lengths = np.linalg.norm(problem.matrix, axis=1)
    for token in new:
        own = slice(mix.start[token], mix.start[token + 1])
        wanted = (mix.weights[own] * lengths[mix.columns[own]]).sum() / mix.weights[own].sum()
        assert np.linalg.norm(values[token]) == pytest.approx(wanted, rel=1e-4)
        cosine = values[token] @ plain[token]
        assert cosine == pytest.approx(np.linalg.norm(values[token]) * np.linalg.norm(plain[token]), rel=1e-4)
    assert told.before < told.after
    assert np.array_equal(again.weights, mix.weights)
    mean, _, _, told = solve(problem, "mean")
    assert np.allclose(np.linalg.norm(mean[new], axis=1), told.source, rtol=1e-4)
    for changed in (values, mean):
        assert np.array_equal(changed[origin == COPIED], plain[origin == COPIED])


@pytest.mark.parametrize("norm", ["sources", "mean"])
def test_rows_of_zeros_stay_and_drawn_rows_get_the_mean_length(problem, norm):
    values, origin, _, _ = solve(problem, norm, "zero")
    assert not values[origin != COPIED].any()
    values, _, _, told = solve(problem, norm, "random")
    assert np.allclose(np.linalg.norm(values, axis=1), told.source, rtol=1e-4)


def test_an_unknown_way_is_refused(problem):
    with pytest.raises(TransferError, match="no way 'longer'") as caught:
        solve(problem, "longer")
    assert "sources" in caught.value.hint


def test_what_a_row_is_made_of_is_written(problem, tmp_path):
    values, origin, mix, _ = solve(problem, "none")
    path = write_rows(row_sources(SOURCE, TARGET, origin, mix, values), tmp_path)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == list(range(len(TARGET)))
    copied = next(row for row in rows if row["origin"] == "copied")
    assert [(s["weight"], s["token"]) for s in copied["sources"]] == [(1.0, copied["token"])]
    composed = next(
        row for row in rows if row["origin"] == "composed" and 1 < row["entries"] == len(row["sources"])
    )
    again = sum(s["weight"] * problem.matrix[s["id"]] for s in composed["sources"])
    assert np.allclose(again, values[composed["id"]], atol=1e-4)
    assert composed["norm"] == pytest.approx(np.linalg.norm(values[composed["id"]]), abs=1e-5)


def test_special_tokens_are_mapped_by_name_by_role_and_by_hand(problem):
    told = special_map(problem)
    assert [(s["token"], s["source"], s["reason"]) for s in told] == [
        ("<s>", "<s>", "same special token"),
        ("</s>", "</s>", "same special token"),
    ]
    bert = TransferProblem.of(SOURCE, load_tokenizer("tiktoken:cl100k_base"), problem.matrix)
    roles = {s["token"]: (s["source"], s["reason"]) for s in special_map(bert)}
    assert roles["<|endoftext|>"] == ("</s>", "same role")
    assert roles["<|fim_prefix|>"] == (None, "no match")
    chosen = ["<|fim_prefix|>=<s>", "<|endoftext|>="]
    roles = {s["token"]: s for s in special_map(with_specials(bert, chosen), chosen)}
    assert (roles["<|fim_prefix|>"]["source"], roles["<|fim_prefix|>"]["reason"]) == ("<s>", "chosen by hand")
    assert roles["<|endoftext|>"]["source"] is None


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("<pad>=<s>", "no special token '<pad>'"),
        ("<s>", "no special"),
        ("<s>=<nothing>", "no token '<nothing>'"),
    ],
)
def test_a_special_token_that_does_not_exist_is_told(problem, pair, message):
    pair = pair if pair != "<s>" else "nonsense"
    with pytest.raises(TransferError, match=message) as caught:
        with_specials(problem, [pair])
    assert "<s>" in caught.value.hint


def test_untrained_rows_are_neither_copied_nor_spelled_with(problem):
    """FOCUS and WECHSEL are of the suite over all methods; here the pieces."""
    pieces = problem.pieces.of(b"return value")
    assert len(pieces) > 1
    without = problem.excluding(np.array(pieces[:1]))
    spelled = without.pieces.of(b"return value")
    assert pieces[0] not in spelled
    assert b"".join(SOURCE.token_bytes(i) for i in spelled) == b"return value"
    assert not without.usable[pieces[0]]
    values, _, mix, _ = solve(without, "none")
    assert not np.isin(mix.columns, pieces[:1]).any()
    assert np.isfinite(values).all()
