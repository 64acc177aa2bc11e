"""What a translation or an initialization cannot be made of: each a sentence that names it, and a way out.

Marginals that do not sum and scores that are not finite: test_sinkhorn.py. Texts without a target token, nothing to
translate into, plans of other tokenizers: test_translate.py. An alpha that leaves one entry or all: a run,
test_translation.py.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tokstudio.errors import TransferError
from tokstudio.paths import resource
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.transfer.audit import audit, digit_runs, digit_warning
from tokstudio.transfer.base import METHODS, Donor, TransferProblem, assemble
from tokstudio.transfer.sinkhorn import sinkhorn
from tokstudio.transfer.start import make_start

ENGLISH, CODE = load_tokenizer("demo:english"), load_tokenizer("demo:code")
TEXTS = ("import os\nprint(os.sep)\n",)


def rows(padding=0):
    return np.random.default_rng(0).standard_normal((len(ENGLISH) + padding, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def only_special(tmp_path_factory):
    """A real tokenizer file whose vocabulary is its two special tokens."""
    folder = tmp_path_factory.mktemp("special")
    data = json.loads(resource("demo/english/tokenizer.json").read_text(encoding="utf-8"))
    data["model"] |= {"vocab": {"<s>": 0, "</s>": 1}, "merges": []}
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    return load_tokenizer(str(folder))


def test_a_vocabulary_of_special_tokens_alone(only_special):
    with pytest.raises(TransferError, match="special tokens alone") as caught:
        TransferProblem.of(ENGLISH, only_special, rows())
    assert "spell text" in caught.value.hint


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 77, len(ENGLISH) - 1])
def test_a_source_row_that_is_no_number_is_named(value, row):
    matrix = rows()
    matrix[row, 3] = value
    with pytest.raises(TransferError, match=rf"row {row} is not finite \(1 such row\)") as caught:
        TransferProblem.of(ENGLISH, CODE, matrix)
    assert "damaged" in caught.value.hint


def test_padding_beyond_the_vocabulary_may_be_anything():
    matrix = rows(padding=4)
    matrix[len(ENGLISH) :] = np.nan
    problem = TransferProblem.of(ENGLISH, CODE, matrix)
    assert np.isfinite(assemble(problem, METHODS["mean-pieces"].solve(problem))[0]).all()


def test_a_donor_with_another_tokenizer():
    with pytest.raises(
        TransferError, match=r"has the tokenizer .*english.*, not the target .*code"
    ) as caught:
        TransferProblem.of(ENGLISH, CODE, rows(), donor=Donor(ENGLISH, rows()))
    assert "exactly the target tokenizer" in caught.value.hint


def test_an_empty_overlap_is_told_and_still_gives_rows():
    problem = TransferProblem.of(ENGLISH, CODE, rows(), texts=TEXTS)
    alone = replace(problem.without(np.arange(len(ENGLISH))), shared={})
    assert alone.overlap.share == 0
    assert any("share no token" in warning for warning in audit(alone).warnings)
    start = make_start(alone, method="mean-pieces", width=8)
    assert np.allclose(start.weights.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("texts", [(), ("",)])
def test_texts_in_which_no_target_token_occurs(texts):
    with pytest.raises(TransferError, match="No target token occurs in the texts") as caught:
        make_start(TransferProblem.of(ENGLISH, CODE, rows(), texts=texts), method="mean-pieces", width=8)
    assert "texts of the domain" in caught.value.hint


@pytest.fixture(scope="module")
def all_unknown(tmp_path_factory):
    """Two words that no text holds: whatever else is read is the unknown token."""
    from tokenizers import Tokenizer, models

    folder = tmp_path_factory.mktemp("unknown")
    library = Tokenizer(models.WordLevel({"zzqqx": 0, "wwvvk": 1, "[UNK]": 2}, unk_token="[UNK]"))
    library.add_special_tokens(["[UNK]"])
    library.save(str(folder / "tokenizer.json"))
    return load_tokenizer(str(folder))


@pytest.mark.parametrize("method", ["mean-pieces", "focus", "wechsel", "tokalign"])
def test_an_unknown_token_is_no_target_token_that_occurs(all_unknown, method):
    problem = TransferProblem.of(ENGLISH, all_unknown, rows(), texts=TEXTS)
    with pytest.raises(TransferError, match="No target token occurs in the texts, only its unknown token"):
        make_start(problem, method=method, width=8)


def test_an_unknown_token_spells_no_digits(all_unknown):
    assert digit_runs(all_unknown) == 0
    assert (
        digit_warning(ENGLISH, all_unknown)
        == f"{all_unknown.name} cannot spell digits: numbers will be lost."
    )
    assert "knows no numbers" in digit_warning(all_unknown, ENGLISH)


def test_marginals_that_do_not_sum_are_told_with_both_sums():
    mu, nu = torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.4, 0.0])
    with pytest.raises(TransferError, match=r"hold 1 in all, source tokens 0\.9") as caught:
        sinkhorn(torch.rand(2, 3), mu, nu)
    assert "same sum" in caught.value.hint
