import numpy as np

from tokstudio.tokens.reference import load_tokenizer
from tokstudio.transfer.audit import audit, digit_runs, digit_warning, untrained
from tokstudio.transfer.base import TransferProblem

ENGLISH = load_tokenizer("demo:english")


def rows(padding=0):
    random = np.random.default_rng(0)
    return random.standard_normal((len(ENGLISH) + padding, 64)).astype(np.float32)


def test_healthy_rows_pass():
    assert len(untrained(ENGLISH, rows())) == 0


def test_rows_that_stayed_short_are_found():
    matrix = rows()
    matrix[[300, 500]] *= 0.01
    assert untrained(ENGLISH, matrix).tolist() == [300, 500]


def test_rows_that_look_like_padding_are_found():
    matrix = rows(padding=16)
    drift = np.random.default_rng(1).standard_normal(64)
    unused = [700, *range(len(ENGLISH), len(matrix))]
    matrix[unused] = drift + 0.05 * matrix[unused]
    assert untrained(ENGLISH, matrix).tolist() == [700]


def test_untrained_rows_are_not_copied():
    matrix = rows()
    matrix[300] *= 0.001
    problem = TransferProblem.of(ENGLISH, load_tokenizer("demo:code"), matrix)
    found = audit(problem)
    assert any("untrained" in warning for warning in found.warnings)
    assert not (problem.without(found.untrained).overlap.match == 300).any()


def test_other_digit_groups_are_told():
    three = load_tokenizer("tiktoken:cl100k_base")
    assert digit_runs(three) == 3
    assert digit_runs(load_tokenizer("bytes")) == 1
    assert "digits" in digit_warning(three, load_tokenizer("bytes"))
    assert digit_warning(three, three) is None
