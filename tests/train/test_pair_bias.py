"""Bias of token ends, from texts."""

import numpy as np
import pytest

from tests.train.test_golden import Toy, random_scores
from tokstudio.train.chunks import chunk
from tokstudio.train.config import AlmConfig, DataConfig, TransferConfig
from tokstudio.train.data import token_batch
from tokstudio.train.objectives.alm import Alm
from tokstudio.train.pair_bias import PairBias, Side
from tokstudio.train.transfer import Pair

TEXT = "Wor World World World"  # 3 of A's 7 tokens are "World", 3 spaces; 3 of B's 10 are "ld"


def toys():
    a, b = Toy(b"Wor", b"World", b" "), Toy(b"Wor", b"ld", b" ")
    a.fingerprint, b.fingerprint = "a", "b"
    return a, b


def test_by_hand():
    a, b = toys()
    bias = PairBias(a, b, [TEXT])
    assert Side(a, [TEXT]).cover(1) == {b"ld": 2}
    assert Side(b, [TEXT]).cover(1) == {}
    assert bias.bias((1, 1)) == pytest.approx((3 / 7, 0))  # "Wor" and "Wor"
    assert bias.bias((2, 2)) == (0, 0)  # "World" and "ld"
    assert bias.bias((3, 3)) == (1, 1)  # white space
    assert bias.bias((0, 0)) == (0, 0)  # special tokens
    assert bias.small(np.array([1, 2, 1]), np.array([1, 2, 1]), 0.5).tolist() == [True, True, True]
    assert bias.small(np.array([1, 2, 1]), np.array([1, 2, 1]), 0.4).tolist() == [False, True, False]


def test_a_cover_is_every_continuation_without_an_edge(english, documents):
    """Brute force over all substrings of a text that begin with a token's bytes."""
    text = documents[0].text[:600]
    side = Side(english, [text])
    for token in np.unique(english.encode(text).ids)[:12]:
        data = english.token_bytes(int(token))
        expected = set()
        for other in np.flatnonzero(side.share):
            for cut in range(1, len(english.token_bytes(int(other)))):
                tail = english.token_bytes(int(other))[cut:]
                try:
                    found = english.encode((data + tail).decode())
                except UnicodeDecodeError:
                    continue
                if found.spans[-1, 0] < len(data) and side.share[found.ids[-1]] > 0:
                    expected.add(tail)
        assert set(side.cover(int(token))) == expected


def test_equal_tokenizers_have_no_bias_and_files_remember(english, documents, tmp_path):
    texts = [documents[0].text[:300]]
    made = PairBias.of(english, english, texts, tmp_path)
    assert {v for p, v in made.known.items() if english.token_bytes(p[0]).strip()} == {(0.0, 0.0)}
    (file,) = tmp_path.iterdir()
    stamp = file.stat().st_mtime_ns
    assert PairBias.of(english, english, texts, tmp_path).known == made.known
    assert file.stat().st_mtime_ns == stamp
    PairBias.of(english, english, [texts[0] + "!"], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_chunks_end_where_the_bias_is_small(english, code, corpus_file, monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr("tokstudio.train.pair_bias.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("tokstudio.train.objectives.alm.TEXT_BYTES", 2000)
    text = "def join(self, words):\n    return None\n"
    teacher, student = token_batch(english, [text], limit=64), token_batch(code, [text], limit=64)
    scores = random_scores(teacher, len(english))
    found = []
    for threshold in (0.0, 1.0):
        config = TransferConfig(
            alm=AlmConfig(chunks="pairs", pair_threshold=threshold, boundary_mass=False),
            data=DataConfig(corpus=str(corpus_file)),
        )
        alm = Alm(Pair(english, code, torch.device("cpu")), config)
        found.append(alm.prepare(student, teacher, scores))
        assert found[-1].teacher.sum().item() == pytest.approx(scores.picked.sum().item(), rel=1e-4)
    chunks = chunk(teacher, student)
    assert len(found[0]) < len(found[1]) == len(chunks.text)
