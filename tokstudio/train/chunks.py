"""A batch in two tokenizers, cut into chunks: the smallest runs of tokens that share both byte edges."""

from dataclasses import dataclass

import numpy as np

from tokstudio.align.specials import align_all
from tokstudio.errors import AlignmentError
from tokstudio.tokens.base import Tokenizer
from tokstudio.train.data import TokenBatch

_WORD_STARTS = (b" ", b"\n", b"\t", b"\r")


def word_starts(tokenizer: Tokenizer) -> np.ndarray:
    """Ids (int64) of tokens that begin with white space, and of the special tokens: after them a word has ended."""
    ordinary = [
        i
        for i in range(len(tokenizer))
        if (data := tokenizer.token_bytes(i)) and data.startswith(_WORD_STARTS)
    ]
    return np.array(sorted({*ordinary, *tokenizer.special_tokens.values()}), np.int64)


@dataclass(frozen=True, eq=False)
class Chunks:
    """The alignment of a batch before merging; positions are flat indices into [b, l] of each side."""

    text: np.ndarray  # int64 [c] which text
    teacher_end: np.ndarray  # int64 [c]
    student_end: np.ndarray  # int64 [c]
    teacher_token: np.ndarray  # int64 [n] position that predicts each scored teacher token
    teacher_chunk: np.ndarray  # int64 [n]
    student_token: np.ndarray  # int64 [m]
    student_chunk: np.ndarray  # int64 [m]
    gap: np.ndarray  # bool [c] what follows in the text was left out


def chunk(teacher: TokenBatch, student: TokenBatch, *, everything: bool = False) -> Chunks:
    """Align every text. A chunk whose first token on either side is not scored (no BOS before it) is left out on
    both sides, and so are special tokens that one side has not, chunks with a token that no loss may count (unless
    `everything` is wanted), and texts that the two sides read differently, as a normalizer makes one do."""
    parts: list[list[np.ndarray]] = [[] for _ in Chunks.__dataclass_fields__]
    total = 0
    for text, (t, s) in enumerate(zip(teacher.encodings, student.encodings, strict=True)):
        try:
            blocks = align_all(t, s)
        except AlignmentError:
            continue
        sides = ((teacher, blocks.source_block), (student, blocks.target_block))
        keep = np.ones(blocks.count, bool)
        for batch, block in sides:
            if not batch.offset and len(block) and block[0] >= 0:
                keep[block[0]] = False
            if batch.learned and not everything:
                keep[block[(block >= 0) & ~batch.learned[text]]] = False
        number = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)  # the last one is for block -1
        count = int(keep.sum())
        found = [_side(batch, text, number[block], count) for batch, block in sides]
        (t_end, t_token, t_chunk), (s_end, s_token, s_chunk) = found
        gap = ~np.append(keep[1:], True)[keep]
        values = (np.full(count, text), t_end, s_end, t_token, t_chunk + total, s_token, s_chunk + total, gap)
        for part, value in zip(parts, values, strict=True):
            part.append(value.astype(value.dtype if value.dtype == bool else np.int64))
        total += count
    empty = [np.zeros(0, bool if name == "gap" else np.int64) for name in Chunks.__dataclass_fields__]
    return Chunks(*(np.concatenate([none, *part]) for none, part in zip(empty, parts, strict=True)))


def check_lines_up(teacher: TokenBatch, student: TokenBatch) -> None:
    """Raises AlignmentError where no text of the batch lines up. A few that do not are left out, no more."""
    reasons = []
    for t, s in zip(teacher.encodings, student.encodings, strict=True):
        try:
            align_all(t, s)
            return
        except AlignmentError as error:
            reasons.append(error)
    if reasons:
        raise AlignmentError(
            "The teacher's tokens and the student's do not line up in any of the first texts.",
            hint=reasons[0].hint
            or "One of the tokenizers rewrites the text. Choose one that keeps every byte.",
        )


def _side(batch: TokenBatch, text: int, block: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Position of the last token of each block; position before each token of a block, and its block."""
    inside = np.flatnonzero(block >= 0)
    position = batch.base(text) + batch.offset + inside
    last = np.searchsorted(block[inside], np.arange(count), side="right") - 1
    return position[last] if count else position[:0], position - 1, block[inside]


def merge(text: np.ndarray, boundary: np.ndarray) -> np.ndarray:
    """Group number of each chunk: a group ends at a chunk whose `boundary` is true, and at the end of its text."""
    if not len(text):
        return np.zeros(0, np.int64)
    last = np.append(text[1:] != text[:-1], True)
    ends = boundary | last
    return np.concatenate([[0], np.cumsum(ends)[:-1]]).astype(np.int64)


def edges(teacher: TokenBatch, student: TokenBatch) -> tuple[np.ndarray, np.ndarray]:
    """Flat positions (teacher, student), int64 [e], after which both predict the token at the same byte."""
    chunks = chunk(teacher, student, everything=True)
    ends = chunks.teacher_end, chunks.student_end
    if teacher.offset and student.offset:  # where a text begins, too
        begins = (np.array([side.base(k) for k in range(len(side.encodings))]) for side in (teacher, student))
        ends = tuple(np.concatenate([begin, end]) for begin, end in zip(begins, ends, strict=True))
    if teacher.learned or student.learned:
        chunks = chunk(teacher, student)  # what comes next is learned
    both = np.isin(ends[0], chunks.teacher_token) & np.isin(ends[1], chunks.student_token)
    return ends[0][both], ends[1][both]  # nothing follows a text's end, or only a special of one side
