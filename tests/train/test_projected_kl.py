"""The folding is checked against sums by hand over the demo's real vocabularies; the loss against its formula."""

import numpy as np
import pytest
import torch

from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import TransferConfig
from tokstudio.train.data import token_batch
from tokstudio.train.objectives.base import Scores
from tokstudio.train.objectives.projected_kl import ProjectedKl, edges, fold
from tokstudio.train.transfer import Pair

TEXTS = ["def join(self, *args):\n    return self.parts\n", "The quick brown fox.\n", "x = 1234.5\t# 東京\n"]
CPU = torch.device("cpu")


def scores_of(batch, size, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((*batch.input_ids.shape, size), generator=generator) * 3
    return Scores.of(logits.requires_grad_(), batch)


def test_an_added_token_counts_for_the_first_piece_of_its_spelling(english, code):
    folded = fold(english, code)
    for token in range(len(english), len(code)):
        first = english.encode(code.token_bytes(token).decode()).ids[0]
        assert folded.target[token] == folded.source[first]
    assert (folded.target[: len(english)] == folded.source).all()  # the target keeps every old token
    assert len(np.unique(folded.source)) == len(english)


@pytest.mark.parametrize("other", ["bert-base-uncased", "bytes"])
def test_between_unrelated_vocabularies_a_class_begins_every_token_in_it(english, other):
    """In both directions, whatever was folded onto a shared token begins with that token's bytes."""
    target = load_tokenizer(other)
    folded = fold(english, target)
    known = {english.token_bytes(i) for i in range(len(english))}
    shared = {}  # class -> the bytes that both sides have a token for
    for token in range(len(target)):
        data = target.token_bytes(token)
        if data in known and folded.target[token] < folded.classes - 1:
            shared.setdefault(int(folded.target[token]), set()).add(data)
    checked = 0
    for token in range(len(english)):
        data, own = english.token_bytes(token), shared.get(int(folded.source[token]))
        if data and own:
            assert any(data.startswith(begin) for begin in own)
            checked += 1
    assert checked > 1000


def test_edges_predict_the_same_byte_on_both_sides(english, code):
    teacher, student = token_batch(english, TEXTS, limit=512), token_batch(code, TEXTS, limit=512)
    for source_at, at in zip(*edges(teacher, student), strict=True):
        begins = []
        for batch, position in ((teacher, source_at), (student, at)):
            row, column = divmod(int(position), batch.input_ids.shape[1])
            begins.append((row, batch.encodings[row].spans[column][0]))  # offset 1: the next token's number
        assert begins[0] == begins[1]


def test_a_text_start_is_an_edge_and_a_text_end_is_not(english, code):
    teacher, student = token_batch(english, ["abc"], limit=64), token_batch(code, ["abc"], limit=64)
    source_at, at = edges(teacher, student)
    assert 0 in source_at
    assert 0 in at
    assert max(at) < len(student.encodings[0])


def test_no_loss_where_the_folded_distributions_agree(english, code):
    """A student that gives an added token part of its first piece's probability agrees with the teacher."""
    pair = Pair(english, code, CPU)
    loss = ProjectedKl(pair, TransferConfig())
    teacher, student = token_batch(english, TEXTS, limit=512), token_batch(code, TEXTS, limit=512)
    said = scores_of(teacher, len(english), 1)
    wanted = loss.prepare(student, teacher, Scores(said.logits.detach(), said.log_z.detach(), said.picked))
    source_at, _ = edges(teacher, student)
    p = torch.softmax(said.logits.detach().flatten(0, 1), -1)[source_at]
    q = torch.full((student.input_ids.numel(), len(code)), 1 / len(code))
    split = torch.zeros(len(source_at), len(code))
    split[:, : len(english)] = p
    for token in range(len(english), len(code)):
        first = int(english.encode(code.token_bytes(token).decode()).ids[0])
        split[:, token] = split[:, first] * 0.3
        split[:, first] *= 0.7
    q[wanted.at] = split
    logits = q.log().reshape(*student.input_ids.shape, -1)
    assert loss.loss_sum(Scores.of(logits, student), student, wanted).item() == pytest.approx(0, abs=1e-3)


def test_loss_is_the_sum_of_kl_and_its_gradient_is_that_of_the_formula(english):
    """With one tokenizer on both sides nothing is folded, so torch's own KL divergence must agree."""
    loss = ProjectedKl(Pair(english, english, CPU), TransferConfig())
    batch = token_batch(english, TEXTS, limit=512)
    teacher, student = scores_of(batch, len(english), 1), scores_of(batch, len(english), 2)
    wanted = loss.prepare(
        batch, batch, Scores(teacher.logits.detach(), teacher.log_z.detach(), teacher.picked)
    )
    mine = loss.loss_sum(student, batch, wanted)
    flat = student.logits.flatten(0, 1)[wanted.at]
    theirs = torch.nn.functional.kl_div(
        torch.log_softmax(flat, -1),
        torch.log_softmax(teacher.logits.detach().flatten(0, 1)[wanted.at], -1),
        log_target=True,
        reduction="sum",
    )
    assert mine.item() == pytest.approx(theirs.item(), rel=1e-5)
    ours, expected = (torch.autograd.grad(v, student.logits, retain_graph=True)[0] for v in (mine, theirs))
    assert (ours - expected).abs().max() < 1e-4 * expected.abs().max()
    assert loss.count(batch, wanted) == len(wanted.at) > 20


def test_columns_beyond_the_tokenizer_are_left_out(english, code):
    loss = ProjectedKl(Pair(english, code, CPU), TransferConfig())
    teacher, student = token_batch(english, TEXTS, limit=512), token_batch(code, TEXTS, limit=512)
    with torch.no_grad():
        wanted = loss.prepare(student, teacher, scores_of(teacher, len(english) + 64, 3))
        value = loss.loss_sum(scores_of(student, len(code) + 32, 4), student, wanted)
    folded = loss.folded(wanted.theirs.logits(slice(None)), loss.source)
    assert folded.sum(-1) == pytest.approx(1, abs=1e-5)
    assert value > 0
