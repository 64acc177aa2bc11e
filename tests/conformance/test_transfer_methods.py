"""One suite over every initializer, with the demo's vocabularies."""

import inspect
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from tokstudio.errors import TransferError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import train_bpe
from tokstudio.transfer.base import COPIED, METHODS, SOLVED, Donor, TransferProblem, assemble
from tokstudio.transfer.compose import mixtures

WIDTH = 12
COPYING_NOTHING = {"random", "wechsel"}  # special tokens apart
NAMES = [name for name in METHODS if name != "trim"]


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("target")
    text = inspect.getsource(textwrap)
    train_bpe([text, "naïve café 東京都 " * 5], folder, vocab_size=500)
    source, target = load_tokenizer("demo:english"), load_tokenizer(str(folder))
    random = np.random.default_rng(3)
    matrix = random.standard_normal((len(source) + 8, WIDTH)).astype(np.float32)  # eight rows of padding
    donor = Donor(target, random.standard_normal((len(target), 20)).astype(np.float32))
    return TransferProblem.of(source, target, matrix, seed=5, texts=text.split("\n\n"), donor=donor)


def solve(problem, name):
    return assemble(problem, METHODS[name].solve(problem))


@pytest.mark.parametrize("name", NAMES)
def test_every_id_gets_one_finite_row_and_the_same_one_again(problem, name):
    values, origin = solve(problem, name)
    assert values.shape == (len(problem.target), WIDTH)
    assert values.dtype == np.float32
    assert origin.shape == (len(problem.target),)
    assert np.array_equal(values, solve(replace(problem, shared={}), name)[0])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in COPYING_NOTHING])
def test_shared_tokens_are_copied_to_the_bit(problem, name):
    values, origin = solve(problem, name)
    assert (origin[problem.copyable] == COPIED).all()
    assert np.array_equal(values[problem.copyable], problem.matrix[problem.overlap.match[problem.copyable]])


@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_is_called_a_mixture_is_one(problem, name):
    rows = list(METHODS[name].solve(problem))
    mix = mixtures(problem, rows)
    values, _ = assemble(problem, rows)
    some = mix.counts > 0
    assert np.allclose(mix.dot(problem.matrix[: mix.width])[some], values[some], atol=1e-3)
    if name != "omp":  # its coefficients are no shares
        assert np.allclose(mix.sums()[some], 1, atol=1e-4)
        assert mix.weights.min(initial=0) >= 0


@pytest.mark.parametrize("name", NAMES)
def test_the_head_is_treated_as_a_matrix_of_its_own(problem, name):
    head = problem.with_matrix(-problem.matrix)
    assert head.role == "output"
    values, _ = solve(head, name)
    assert np.isfinite(values).all()
    copied = problem.copyable if name not in COPYING_NOTHING else problem.copyable[:0]
    assert np.array_equal(values[copied], -problem.matrix[problem.overlap.match[copied]])


@pytest.mark.parametrize("name", NAMES)
def test_no_overlap_at_all_still_gives_rows(problem, name):
    alone = replace(problem.without(np.arange(len(problem.source))), shared={})
    assert not len(alone.copyable)
    values, origin = solve(alone, name)
    assert np.isfinite(values).all()
    assert not (origin == COPIED).any()


@pytest.mark.parametrize("name", NAMES)
def test_no_row_is_made_of_what_was_excluded(problem, name):
    excluded = problem.overlap.match[problem.copyable[::3]]
    rest = problem.excluding(excluded)
    rows = list(METHODS[name].solve(rest))
    assert not np.isin(mixtures(rest, rows).columns, excluded).any()
    assert np.isfinite(assemble(rest, rows)[0]).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_method_needs_is_asked_for(problem, name):
    bare = replace(problem, texts=(), donor=None, shared={})
    method = METHODS[name]
    if not method.needs_texts and not method.needs_donor:
        assert np.isfinite(solve(bare, name)[0]).all()
        return
    with pytest.raises(TransferError, match=r"texts|donor") as caught:
        solve(bare, name)
    assert caught.value.hint


@pytest.mark.parametrize("name", [name for name in NAMES if METHODS[name].fits])
def test_a_fit_starts_at_rows_it_can_be_told_from(problem, name):
    """What is fitted learns from texts, and no start row claims to be fitted already."""
    assert METHODS[name].needs_texts
    assert not (solve(problem, name)[1] == SOLVED).any()


def test_token_distillation_starts_at_the_mean_of_pieces(problem):
    found, expected = (solve(problem, name) for name in ("token-distillation", "mean-pieces"))
    assert np.array_equal(found[0], expected[0])
    assert METHODS["token-distillation"].fits
    assert not METHODS["mean-pieces"].fits


def test_place_weights_turn_around_for_the_head(problem):
    for name in ("weighted-pieces", "first-last"):
        first = mixtures(problem, METHODS[name].solve(problem))
        head = mixtures(problem, METHODS[name].solve(problem.with_matrix(problem.matrix)))
        token = next(
            t
            for t in range(len(problem.target))
            if problem.overlap.match[t] < 0 and len(set(problem.pieces.of(problem.target.token_bytes(t)))) > 1
        )
        pieces = problem.pieces.of(problem.target.token_bytes(token))
        leading = [
            m.columns[m.start[token] + m.weights[m.start[token] : m.start[token + 1]].argmax()]
            for m in (first, head)
        ]
        assert leading == [pieces[-1], pieces[0]]


def test_matching_pursuit_finds_a_sparse_sum_again():
    from tokstudio.transfer.methods.omp import pursue

    random = np.random.default_rng(0)
    atoms = random.standard_normal((40, 30)) * random.uniform(0.01, 100, (40, 1))
    true = np.zeros((6, 40))
    for row in true:
        row[random.choice(40, 3, replace=False)] = random.uniform(1, 2, 3) * random.choice([-1, 1], 3)
    true /= np.linalg.norm(atoms, axis=1)
    chosen, coefficients = pursue(atoms, true @ atoms, 10)
    found = np.zeros_like(true)
    np.add.at(found, (np.arange(6)[:, None], chosen), coefficients)
    assert np.allclose(found @ atoms, true @ atoms, atol=1e-6)
    assert np.allclose(found, true, atol=1e-6)


def test_matching_pursuit_agrees_with_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    from tokstudio.transfer.methods.omp import pursue

    random = np.random.default_rng(1)
    atoms, wanted = random.standard_normal((50, 20)), random.standard_normal((5, 20))
    units = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    chosen, coefficients = pursue(atoms, wanted, 6)
    mine = np.einsum("nk,nkd->nd", coefficients, atoms[chosen])
    theirs = linear_model.orthogonal_mp(units.T, wanted.T, n_nonzero_coefs=6).T @ units
    assert np.allclose(mine, theirs, atol=1e-8)


def test_a_donor_with_another_tokenizer_is_refused(problem):
    wrong = Donor(problem.source, problem.matrix)
    with pytest.raises(TransferError, match="donor model has the tokenizer"):
        TransferProblem.of(problem.source, problem.target, problem.matrix, donor=wrong)


def test_a_source_row_that_is_not_finite_is_named(problem):
    broken = problem.matrix.copy()
    broken[77, 3] = np.nan
    with pytest.raises(TransferError, match="row 77"):
        TransferProblem.of(problem.source, problem.target, broken)


def test_trimming_copies_and_refuses_new_tokens(problem):
    same = TransferProblem.of(problem.source, problem.source, problem.matrix)
    assert np.array_equal(solve(same, "trim")[0], problem.matrix[: len(problem.source)])
    with pytest.raises(TransferError, match="no trimmed vocabulary"):
        solve(problem, "trim")
