"""The teacher's distribution over tokens as one over bytes."""

import numpy as np
import pytest
import torch

from tests.train.test_golden import random_scores
from tokstudio.errors import ConfigError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import TransferConfig
from tokstudio.train.data import TokenBatch, token_batch
from tokstudio.train.objectives.byte_kl import ByteKl, Prefixes
from tokstudio.train.scores import Scores
from tokstudio.train.transfer import Pair

CPU = torch.device("cpu")
TEXTS = ["def join(self, *args):\n    return 'naïve 🙂'\n", "The quick brown fox.\n", "", "x"]


@pytest.fixture(scope="module")
def in_bytes():
    return load_tokenizer("demo:english:conversion=byte")


def by_force(p: torch.Tensor, prefix: bytes, tokenizer) -> torch.Tensor:
    """[256] what follows `prefix` within a token, of the probabilities [v]."""
    found = torch.zeros(256, dtype=torch.float64)
    for token in range(len(tokenizer)):
        data = tokenizer.token_bytes(token)
        ordinary = data and token not in tokenizer.special_tokens.values()
        if ordinary and data.startswith(prefix) and len(data) > len(prefix):
            found[data[len(prefix)]] += p[token]
    return found / found.sum()


def test_every_byte_is_predicted_once_and_as_by_brute_force(english, in_bytes):
    objective = ByteKl(Pair(english, in_bytes, CPU), TransferConfig())
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(in_bytes, TEXTS, limit=256)
    scores = random_scores(teacher, len(english))
    wanted = objective.prepare(student, teacher, scores)
    width = student.input_ids.shape[1]
    expected = [row * width + i for row, e in enumerate(student.encodings) for i in range(len(e))]
    assert sorted(wanted.at.tolist()) == expected
    assert torch.allclose(wanted.probabilities.sum(-1), torch.ones(len(expected)), atol=1e-5)
    by_position = dict(zip(wanted.at.tolist(), wanted.probabilities, strict=True))
    encoding = teacher.encodings[0]
    for number in (0, 3, 7):
        start, stop = encoding.spans[number]
        p = scores.logits[0, number].double().softmax(-1)  # the prefix token stands before the first one
        for k in range(stop - start):
            assert torch.allclose(
                by_position[start + k].double(),
                by_force(p, encoding.text[start : start + k], english),
                atol=1e-5,
            )


def test_a_token_is_its_bytes_and_its_end(english):
    """The chain of bytes, and that nothing longer follows, gives back the token's probability."""
    prefixes = Prefixes.of(english)
    p = torch.randn(len(english), generator=torch.Generator().manual_seed(0)).softmax(-1).double().numpy()
    sums = np.concatenate([[0], p[prefixes.order].cumsum()])
    ordinary = sums[-1]
    for token in prefixes.order[::700]:
        data, chain = english.token_bytes(int(token)), 1.0
        path = prefixes.path[prefixes.path_start[token] : prefixes.path_start[token + 1]]
        whole, low, high = ordinary, 0, len(prefixes.order)
        for node, byte in zip(path, data, strict=True):
            edges = slice(prefixes.edge_start[node], prefixes.edge_start[node + 1])
            (edge,) = np.flatnonzero(prefixes.edge_byte[edges] == byte) + edges.start
            assert low <= prefixes.low[edge] < prefixes.high[edge] <= high
            low, high = prefixes.low[edge], prefixes.high[edge]
            chain *= (sums[high] - sums[low]) / whole
            whole = sums[high] - sums[low]
        assert prefixes.order[low] == token  # the shortest of those that begin so comes first
        assert chain * p[token] / whole == pytest.approx(p[token] / ordinary, rel=1e-6)


def test_a_student_that_says_the_same_costs_nothing(english, in_bytes):
    objective = ByteKl(Pair(english, in_bytes, CPU), TransferConfig())
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(in_bytes, TEXTS, limit=256)
    wanted = objective.prepare(student, teacher, random_scores(teacher, len(english)))
    logits = torch.full((*student.input_ids.shape, len(in_bytes)), -1e4)
    flat = logits.view(-1, len(in_bytes))
    flat[wanted.at[:, None], objective.of_bytes[None]] = (wanted.probabilities + 1e-30).log()
    same = Scores.of(logits, student)
    assert objective.loss_sum(same, student, wanted).item() == pytest.approx(0, abs=1e-3)
    other = random_scores(student, len(in_bytes), 5)
    assert objective.loss_sum(other, student, wanted).item() > 1


def test_without_a_begin_token_the_first_one_is_left_out(english, in_bytes):
    objective = ByteKl(Pair(english, in_bytes, CPU), TransferConfig())
    teacher, student = token_batch(english, TEXTS[:1], limit=256), token_batch(in_bytes, TEXTS[:1], limit=256)
    bare = TokenBatch(teacher.encodings, teacher.input_ids[:, 1:], 0)
    wanted = objective.prepare(student, bare, random_scores(bare, len(english)))
    first = int(teacher.encodings[0].spans[0, 1])
    assert wanted.at.min() == first
    assert len(wanted.at) == len(student.encodings[0]) - first


def test_a_target_with_longer_tokens_is_refused(english):
    with pytest.raises(ConfigError, match="byte models"):
        ByteKl(Pair(english, _without_bytes(english), CPU), TransferConfig())


def _without_bytes(tokenizer):
    class Longer:
        name, special_tokens = "longer", tokenizer.special_tokens

        def __len__(self):
            return len(tokenizer)

        def token_bytes(self, token):
            data = tokenizer.token_bytes(token)
            return data if data and len(data) > 1 else None

    return Longer()
