"""What a loss may count: prompts and other people's turns are left out, wherever a text stands in a row."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.train.test_golden import alm_of, random_scores
from tests.train.test_objectives import target_of
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.chunks import chunk, edges
from tokstudio.train.config import TransferConfig
from tokstudio.train.data import TokenBatch, batch_of, token_batch
from tokstudio.train.objectives.base import OBJECTIVES
from tokstudio.train.packing import cut_at_common_byte
from tokstudio.train.scores import Scores
from tokstudio.train.transfer import Pair

CPU = torch.device("cpu")
PROMPT, ANSWER = "Write a function\nthat joins.\n", "def join(self, *args):\n    return 'naïve 🙂'\n"
TEXTS = [PROMPT + ANSWER, "The quick brown fox.\n", ANSWER + PROMPT + ANSWER]


def learned_of(batch: TokenBatch) -> TokenBatch:
    """Only answers count."""
    flags = []
    for encoding in batch.encodings:
        text, keep = encoding.text, np.zeros(len(encoding), bool)
        at = text.find(ANSWER.encode())
        while at >= 0:
            stop = at + len(ANSWER.encode())
            keep |= (encoding.spans[:, 0] >= at) & (encoding.spans[:, 1] <= stop)
            at = text.find(ANSWER.encode(), stop)
        flags.append(keep)
    return replace(batch, learned=tuple(flags))


def left_padded(batch: TokenBatch, scores: Scores) -> tuple[TokenBatch, Scores]:
    """The same texts, each at the right end of its row."""
    width = batch.input_ids.shape[1]
    pads = [width - len(e) - batch.offset for e in batch.encodings]
    ids, logits = torch.zeros_like(batch.input_ids), torch.zeros_like(scores.logits)
    positions = torch.zeros_like(ids)
    for row, pad in enumerate(pads):
        ids[row, pad:] = batch.input_ids[row, : width - pad]
        logits[row, pad:] = scores.logits[row, : width - pad]
        positions[row] = torch.cat([torch.arange(pad), torch.arange(width - pad)])
    moved = replace(
        batch, input_ids=ids, rows=tuple(range(len(pads))), starts=tuple(pads), position_ids=positions
    )
    return moved, Scores.of(logits, moved)


@pytest.mark.parametrize("target", ["demo:code", "demo:english:conversion=byte"])
def test_prompts_are_in_no_chunk_and_gaps_end_groups(target, english):
    other = load_tokenizer(target)
    teacher, student = (learned_of(token_batch(t, TEXTS, limit=512)) for t in (english, other))
    whole, found = chunk(teacher, student, everything=True), chunk(teacher, student)
    assert 0 < len(found.text) < len(whole.text)
    assert 1 not in found.text
    for batch, positions in ((teacher, found.teacher_token), (student, found.student_token)):
        rows, columns = np.divmod(positions, batch.input_ids.shape[1])
        assert batch.counted().numpy()[rows, columns].all()
    assert found.gap.sum() == 1  # behind the first answer of the last text; nothing follows the other two
    groups = alm_of(english, other, threshold=1.0).prepare(
        student, teacher, random_scores(teacher, len(english))
    )
    assert len(groups) == 3  # three answers; without the gap the last text's two would be one
    for at, batch in zip(edges(teacher, student), (teacher, student), strict=True):
        rows, columns = np.divmod(at, batch.input_ids.shape[1])
        assert batch.counted().numpy()[rows, columns].all()
        assert len(at)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_an_objective_does_not_see_what_is_left_out(name, english, code):
    target = target_of(name, english, code)
    made = OBJECTIVES[name].build(Pair(english, target, CPU), TransferConfig())
    sides = [learned_of(token_batch(t, TEXTS[:2], limit=512)) for t in (english, target)]
    scores = []
    for batch, seed in zip(sides, (0, 1), strict=True):
        size = len(english) if batch is sides[0] else len(target)
        generator = torch.Generator().manual_seed(seed)
        logits = torch.randn(*batch.input_ids.shape, size, generator=generator, requires_grad=True)
        states = torch.randn(*batch.input_ids.shape, 8, generator=generator)
        latents = {
            "hidden": [states],
            "embeddings": [states + 1],
            "head": [torch.randn(size, 8, generator=generator)],
        }
        scores.append((logits, Scores.of(logits, batch, latents)))
    if hasattr(made, "maps"):
        from tokstudio.train.objectives.base import Widths

        torch.manual_seed(0)
        made.module(Widths(8, 8))
    with torch.no_grad():
        prepared = made.prepare(sides[1], sides[0], scores[0][1])
    assert made.count(sides[1], prepared) > 0
    loss = made.loss_sum(scores[1][1], sides[1], prepared)
    if not loss.requires_grad:
        return  # states, which do not depend on these logits
    loss.backward()
    seen = scores[1][0].grad.abs().sum(-1)[:, :-1] > 0
    allowed = sides[1].counted()
    if name == "alm":  # what comes after a group belongs to its boundary
        ends = prepared.end[prepared.end % sides[1].input_ids.shape[1] < seen.shape[1]]
        allowed = allowed.clone()
        width = sides[1].input_ids.shape[1]
        allowed[ends // width, ends % width] = True
    assert not (seen & ~allowed).any()
    if name != "dskd":  # it teaches logits only where the projected teacher is right
        assert (seen & allowed).any()


def test_09_left_padding_changes_nothing(english, code):
    alm = alm_of(english, code)
    plain, moved = [], []
    for tokenizer, seed in ((english, 0), (code, 1)):
        batch = learned_of(token_batch(tokenizer, TEXTS, limit=512))
        scores = random_scores(batch, len(tokenizer), seed)
        plain.append((batch, scores))
        moved.append(left_padded(batch, scores))
    losses = [alm.loss_sum(ss, s, alm.prepare(s, t, ts)).item() for (t, ts), (s, ss) in (plain, moved)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert (moved[1][0].counted().sum() == plain[1][0].counted().sum()).item()


def test_09_the_model_keeps_left_padding_apart(tiny_folder, english):
    from tokstudio.models.load import load_model
    from tokstudio.train.forward import scores_of

    model = load_model(str(tiny_folder)).eval()
    batch = token_batch(english, TEXTS[:2], limit=256)
    with torch.no_grad():
        one = scores_of(model, batch, needs=frozenset(), precision="fp32", whole=True)
        other = scores_of(model, left_padded(batch, one)[0], needs=frozenset(), precision="fp32")
    assert other.picked.sum().item() == pytest.approx(one.picked.sum().item(), rel=1e-5)


def test_14_masks_survive_a_cut(english, code):
    encodings = english.encode(TEXTS[2]), code.encode(TEXTS[2])
    cut = cut_at_common_byte(encodings, (30, 30))
    sides = [learned_of(batch_of(t, [e])) for t, e in zip((english, code), cut, strict=True)]
    assert cut[0].text == cut[1].text
    found = chunk(*sides)
    assert 0 < len(found.text) < len(chunk(*sides, everything=True).text)
    assert found.gap.tolist() == [False] * (len(found.text) - 1) + [True]
    for side, ends in zip(sides, (found.teacher_end, found.student_end), strict=True):
        assert side.encodings[0].spans[ends[-1] - side.offset, 1] == len(ANSWER.encode())
    assert all(len(s.learned[0]) == len(e) for s, e in zip(sides, cut, strict=True))
