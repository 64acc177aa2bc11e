"""The numbered truths of test_golden.py that are about alignment: 6 to 14."""

import numpy as np
import pytest
import torch

from tokstudio.align.specials import align_all
from tokstudio.tokens.base import Encoding
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.chunks import chunk
from tokstudio.train.config import AlmConfig, TransferConfig
from tokstudio.train.data import TokenBatch, batch_of, token_batch
from tokstudio.train.objectives.alm import Alm
from tokstudio.train.packing import cut_at_common_byte, pack, packed_batch
from tokstudio.train.scores import Scores
from tokstudio.train.transfer import Pair

CPU = torch.device("cpu")
TEXTS = ["def join(self, *args):\n    return 'naïve 🙂'\n", "The quick brown fox.\n", "x = 1234.5\t# 東京\n"]
HARD = [
    "🙂🙃👩‍👩‍👧",
    "東京都に住んでいます",
    "مرحبا بالعالم",
    "cafe\u0301 café",
    "a\r\nb\r\n\r\nc",
    "\ta\t\tb",
    "  lead",
]
OTHERS = ["demo:code", "bytes", "tiktoken:o200k_base", "tiktoken:cl100k_base", "demo:english:conversion=byte"]


def alm_of(source, target, **options) -> Alm:
    return Alm(Pair(source, target, CPU), TransferConfig(alm=AlmConfig(**options)))


def random_scores(batch: TokenBatch, size: int, seed: int = 0) -> Scores:
    generator = torch.Generator().manual_seed(seed)
    return Scores.of(torch.randn(*batch.input_ids.shape, size, generator=generator), batch)


def without_bos(batch: TokenBatch) -> TokenBatch:
    return TokenBatch(batch.encodings, batch.input_ids[:, 1:], 0)


@pytest.mark.parametrize("other", OTHERS)
def test_06_all_chunks_together_are_the_text(other, english):
    target = load_tokenizer(other)
    teacher, student = (
        token_batch(english, TEXTS + HARD, limit=512),
        token_batch(target, TEXTS + HARD, limit=512),
    )
    if not student.offset:
        teacher = without_bos(teacher)
    t, s = random_scores(teacher, len(english)), random_scores(student, len(target), 1)
    groups = alm_of(english, target, chunks="unconstrained", boundary_mass=False).prepare(student, teacher, t)
    chunks = chunk(teacher, student)
    rows, columns = np.divmod(chunks.teacher_token, teacher.input_ids.shape[1])
    assert groups.teacher.sum().item() == pytest.approx(t.picked[rows, columns].sum().item(), rel=1e-4)
    if student.offset:
        totals = torch.zeros(len(groups) + 1).index_add(0, groups.segment, s.picked.flatten())
        assert totals[:-1].sum().item() == pytest.approx(s.picked.sum().item(), rel=1e-4)
        assert groups.teacher.sum().item() == pytest.approx(t.picked.sum().item(), rel=1e-4)


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("text", TEXTS + HARD)
def test_07_12_chunks_spell_the_text_and_cannot_be_split(other, text, english):
    target = load_tokenizer(other)
    sides = english.encode(text), target.encode(text)
    blocks = align_all(*sides)
    for block in (blocks.source_block, blocks.target_block):
        assert (np.diff(block) >= 0).all()
        assert (np.diff(block) <= 1).all()
        assert set(block.tolist()) == set(range(blocks.count))
    inner = [set(e.spans[1:, 0].tolist()) for e in sides]
    assert blocks.count == len(inner[0] & inner[1]) + 1
    for k in range(blocks.count):
        spans = [
            e.spans[b == k] for e, b in zip(sides, (blocks.source_block, blocks.target_block), strict=True)
        ]
        assert (spans[0][0, 0], spans[0][-1, 1]) == (spans[1][0, 0], spans[1][-1, 1])


@pytest.mark.parametrize("text", TEXTS)
def test_08_alignment_is_a_mirror(text, english, code):
    there = align_all(english.encode(text), code.encode(text))
    back = align_all(code.encode(text), english.encode(text))
    assert (there.source_block == back.target_block).all()
    assert (there.target_block == back.source_block).all()
    own = align_all(english.encode(text), english.encode(text))
    assert own.source_block.tolist() == list(range(own.count))
    raw = align_all(english.encode(text), load_tokenizer("bytes").encode(text))
    assert raw.source_block.tolist() == list(range(raw.count))


def test_09_padding_and_neighbors_change_nothing(english, code):
    """Right padding and batch mates, and whatever stands before a text in a packed row."""
    alm = alm_of(english, code)
    sides = []
    for tokenizer, seed in ((english, 0), (code, 1)):
        alone = token_batch(tokenizer, TEXTS, limit=256)
        packed = packed_batch(tokenizer, alone.encodings, [[2, 0, 1]])
        scores = random_scores(alone, len(tokenizer), seed)
        logits = torch.zeros(*packed.input_ids.shape, len(tokenizer))
        for text, encoding in enumerate(alone.encodings):
            base, size = packed.base(text), len(encoding) + alone.offset
            logits[0, base : base + size] = scores.logits[text, :size]
        sides.append((alone, scores, packed, Scores.of(logits, packed)))
    (t, ts, tp, tps), (s, ss, sp, sps) = sides
    assert tps.picked.sum().item() == pytest.approx(ts.picked.sum().item(), rel=1e-5)
    expected = alm.loss_sum(ss, s, alm.prepare(s, t, ts)).item()
    assert alm.loss_sum(sps, sp, alm.prepare(sp, tp, tps)).item() == pytest.approx(expected, rel=1e-4)


def test_09_packed_rows_are_apart(tiny_folder, english):
    """The model itself keeps packed texts apart, by positions that begin anew."""
    from tokstudio.models.load import load_model
    from tokstudio.train.forward import scores_of

    model = load_model(str(tiny_folder)).eval()
    alone = token_batch(english, TEXTS, limit=256)
    packed = packed_batch(english, alone.encodings, pack([[len(e) + 1 for e in alone.encodings]], [200]))
    assert len(packed.input_ids) < len(alone.input_ids)
    with torch.no_grad():
        one, other = (scores_of(model, b, needs=frozenset(), precision="fp32") for b in (alone, packed))
    assert other.picked.sum().item() == pytest.approx(one.picked.sum().item(), rel=1e-5)
    assert int(packed.scored().sum()) == int(alone.scored().sum())


def test_10_bos_matrix(english, code):
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    full = chunk(teacher, student)
    for t, s in (
        (without_bos(teacher), student),
        (teacher, without_bos(student)),
        (without_bos(teacher), without_bos(student)),
    ):
        cut = chunk(t, s)
        assert len(cut.text) == len(full.text) - len(TEXTS)
        later = np.append(False, full.text[1:] == full.text[:-1])  # all but each text's first
        for batch, side, ends in (
            (t, full.teacher_end, cut.teacher_end),
            (s, full.student_end, cut.student_end),
        ):
            width = batch.input_ids.shape[1]
            whole = width + (0 if batch.offset else 1)
            back = side[later] // whole * width + side[later] % whole - (0 if batch.offset else 1)
            assert (ends == back).all()
        for batch, token in ((t, cut.teacher_token), (s, cut.student_token)):
            assert batch.scored().flatten()[_flat(token, batch)].all()


def _flat(position: np.ndarray, batch: TokenBatch) -> torch.Tensor:
    width = batch.input_ids.shape[1]
    return torch.from_numpy(position // width * (width - 1) + position % width)


def marked(tokenizer, *parts: "str | int") -> Encoding:
    """A text with tokens in between that stand for none of it."""
    ids, spans, text = [], [], b""
    for part in parts:
        if isinstance(part, int):
            ids.append(part)
            spans.append((len(text), len(text)))
            continue
        found = tokenizer.encode(part)
        ids += found.ids.tolist()
        spans += (found.spans + len(text)).tolist()
        text += found.text
    return Encoding(text, np.array(ids, np.int32), np.array(spans, np.int32).reshape(-1, 2))


def test_11_specials_of_one_side_leave_the_text_in_line(english, code):
    """Paired templates of different lengths are one chunk; what one side lacks belongs to none, mid-document BOS,
    too; all ordinary text is covered."""
    t = marked(english, 0, "Hello there", 1, 0, 0, " General Kenobi", 1)
    for s in (
        marked(code, 0, "Hello there", 1, " General Kenobi", 1),
        marked(code, "Hello there", " General Kenobi"),
        marked(code, 0, "Hello", 0, " there", 1, " General Kenobi", 1, 1),
    ):
        blocks = align_all(t, s)
        plain = align_all(*(marked(tok, "Hello there", " General Kenobi") for tok in (english, code)))
        for side, block in ((t, blocks.source_block), (s, blocks.target_block)):
            wide = side.spans[:, 0] < side.spans[:, 1]
            assert (block[wide] >= 0).all()
            known = block[block >= 0]
            assert (np.diff(known) >= 0).all()
        both = np.intersect1d(*(e.spans[e.spans[:, 0] == e.spans[:, 1], 0] for e in (t, s)))
        assert blocks.count == plain.count + len(both)
        chunks = chunk(batch_of(english, [t]), batch_of(code, [s]))
        assert len(chunks.text) == blocks.count


def test_13_a_special_token_in_a_text_is_text(english, code):
    literal = "before </s> after <s>"
    for tokenizer in (english, code):
        batch = token_batch(tokenizer, [literal], limit=64)
        assert not set(batch.encodings[0].ids.tolist()) & set(tokenizer.special_tokens.values())
        assert tokenizer.decode(batch.encodings[0].ids) == literal.encode()


@pytest.mark.parametrize("text", [TEXTS[0], HARD[0], HARD[1], ""])
def test_14_cut_at_every_length(text, english, code):
    sides = english.encode(text), code.encode(text)
    covered = -1
    for limit in range(len(sides[0]) + 3):
        cut = cut_at_common_byte(sides, (limit, limit))
        assert cut[0].text == cut[1].text
        assert all(e.tiles and len(e) <= limit for e in cut)
        assert len(cut[0].text) >= covered
        covered = len(cut[0].text)
        align_all(*cut)
    assert covered == len(text.encode())
