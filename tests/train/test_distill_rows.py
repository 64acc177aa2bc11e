import copy

import numpy as np
import pytest

from tests.train.conftest import TINY
from tokstudio.errors import TransferError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import train_bpe
from tokstudio.train.distill_rows import DistillSettings, distill_rows
from tokstudio.train.pretrain import new_model
from tokstudio.transfer.base import COPIED
from tokstudio.transfer.surgery import numpy_of, replace_vocabulary


@pytest.fixture(scope="module")
def pair(english, documents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("target")
    train_bpe([d.text for d in documents], folder, vocab_size=600)
    return english, load_tokenizer(str(folder)), [d.text for d in documents]


def test_new_rows_come_nearer_and_copies_stay(pair):
    source, target, texts = pair
    teacher = new_model(TINY, source, seed=1).eval()
    student = copy.deepcopy(teacher)
    surgery = replace_vocabulary(student, source, target, method="mean", seed=0)
    before = numpy_of(student.get_input_embeddings().weight).copy()
    new = np.flatnonzero(surgery.origin != COPIED)
    settings = DistillSettings(steps=80, batch_size=4, window_bytes=200, learning_rate=0.05)
    errors = list(distill_rows(teacher, student, source, target, new, texts, settings))
    assert np.mean(errors[-10:]) < 0.95 * np.mean(errors[:10])
    after = numpy_of(student.get_input_embeddings().weight)
    copied = np.flatnonzero(surgery.origin == COPIED)
    assert np.array_equal(after[copied], before[copied])
    assert not np.array_equal(after[new], before[new])


def test_equal_tokenizers_have_nothing_to_fit(pair):
    source, _, texts = pair
    teacher = new_model(TINY, source, seed=1).eval()
    found = list(
        distill_rows(
            teacher,
            copy.deepcopy(teacher),
            source,
            source,
            np.array([300]),
            texts,
            DistillSettings(steps=1, window_bytes=200),
        )
    )
    assert found[0] < 1e-10


def test_without_texts_it_is_refused(pair):
    source, target, _ = pair
    with pytest.raises(TransferError, match="learns from texts"):
        next(distill_rows(None, None, source, target, np.array([1]), [], DistillSettings()))
