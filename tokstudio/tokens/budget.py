"""Cut a text into chunks of at most so many tokens: at paragraphs, lines or sentences where that fits, else at
a token's edge, and never inside a user-perceived character.

A chunk is counted by encoding it alone, as a model will see it; that may be more or less than its share of
the whole text's tokens, because a cut can part what would have become one token.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokstudio.errors import InputError
from tokstudio.tokens.base import Tokenizer, utf8
from tokstudio.tokens.graphemes import grapheme_starts

ENDS = {  # what a chunk may end behind, the largest first
    "paragraph": r"\n[ \t\r]*\n\s*",
    "line": r"\n+",
    "sentence": r"[.!?\u2026]+[\"')\]\u201d\u2019\xbb]*\s+|[\u3002\uff01\uff1f\u0964\u061f]\s*|\n+",
}
BOUNDARIES = (*ENDS, "token")
SLACK = 2  # tokens that a cut may save, such as the space that began the next word


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes `start:stop` of the text; `tokens` of these bytes alone, with special tokens where they are asked."""

    start: int
    stop: int
    tokens: int


def split(
    tokenizer: Tokenizer,
    text: str,
    most: int,
    *,
    at: str = "paragraph",
    overlap: int = 0,
    special: bool = False,
) -> Iterator[Chunk]:
    """Chunks from left to right; without `overlap` they tile the text. `overlap`: so many tokens of a chunk's
    end, at most, begin the next one.

    Raises InputError where a budget leaves no room for text, or for one character of it.
    """
    if at not in BOUNDARIES:
        raise InputError(f"Chunks cannot end at {at!r}.", hint=f"Choose one of {', '.join(BOUNDARIES)}.")
    framed = len(tokenizer.encode("", special=True)) if special else 0
    if most <= framed or not 0 <= overlap < most - framed:
        least = framed + overlap + 1
        raise InputError(
            f"A budget of {most:,} tokens leaves no room for text.", hint=f"Allow at least {least:,}."
        )
    data = utf8(text)
    if not data:
        return
    edges = _Edges(tokenizer, text, data, at)
    start = 0
    while start < len(data):
        stop, count = _longest(tokenizer, data, edges, start, most, framed, special)
        yield Chunk(start, stop, count)
        if stop >= len(data):
            return
        start = edges.back(start, stop, overlap)


class _Edges:
    """Where a text may be cut, level by level, and how many tokens lie before each byte."""

    def __init__(self, tokenizer: Tokenizer, text: str, data: bytes, at: str):
        spans = tokenizer.encode(text).spans
        spans = spans[spans[:, 1] > spans[:, 0]]
        self.starts = np.maximum.accumulate(spans[:, 0]) if len(spans) else np.zeros(0, np.int64)
        whole = grapheme_starts(data)
        tokens = np.intersect1d(np.unique(spans), whole)
        names = BOUNDARIES[BOUNDARIES.index(at) : -1]
        self.levels = [_found(ENDS[name], text, data, whole) for name in names] + [tokens, whole]
        self._size = len(data)

    def limit(self, start: int, most: int) -> int:
        """The end of `most` tokens that begin at `start` or behind it."""
        after = int(np.searchsorted(self.starts, start)) + most
        return int(self.starts[after]) if after < len(self.starts) else self._size

    def last(self, start: int, limit: int) -> int | None:
        """The last place up to `limit` for an end, of the largest kind that there is; None where there is none."""
        if limit >= self._size:
            return self._size
        for level in self.levels:
            at = int(np.searchsorted(level, limit, side="right")) - 1
            if at >= 0 and level[at] > start:
                return int(level[at])
        return None

    def back(self, start: int, stop: int, overlap: int) -> int:
        """Where the next chunk begins: up to `overlap` tokens before `stop`, at a token's edge."""
        if not overlap:
            return stop
        first = max(int(np.searchsorted(self.starts, stop)) - overlap, 0)
        wanted, tokens = max(start + 1, int(self.starts[first])), self.levels[-2]
        at = int(np.searchsorted(tokens, wanted))
        return min(stop, int(tokens[at])) if at < len(tokens) else stop


def _found(pattern: str, text: str, data: bytes, whole: np.ndarray) -> np.ndarray:
    ends = np.array([found.end() for found in re.finditer(pattern, text)], np.int64)
    begins = np.flatnonzero((np.frombuffer(data, np.uint8) & 0xC0) != 0x80)  # byte of each character
    return np.intersect1d(np.append(begins, len(data))[ends], whole)


def _longest(
    tokenizer: Tokenizer, data: bytes, edges: _Edges, start: int, most: int, framed: int, special: bool
) -> tuple[int, int]:
    """The end of the chunk that begins at `start`, and its tokens."""
    allowed, before = most - framed + SLACK, -1
    while allowed > 0 and (stop := edges.last(start, edges.limit(start, allowed))) is not None:
        if stop != before:
            count = len(tokenizer.encode(data[start:stop].decode(), special=special))
            if count <= most:
                return stop, count
        before = stop
        allowed -= max(1, min(count - most, allowed // 2))
    whole = edges.levels[-1]
    stop = int(whole[bisect_right(whole, start)])
    text = data[start:stop].decode()
    count = len(tokenizer.encode(text, special=special))
    if count <= most:
        return stop, count
    raise InputError(
        f"The character {text!r} at byte {start:,} takes {count:,} tokens alone, more than {most:,}.",
        hint=f"Allow at least {count:,}.",
    )


def as_lines(data: bytes, chunks: list[Chunk]) -> Iterator[str]:
    """JSON lines: number, bytes from and to, tokens, text."""
    for number, chunk in enumerate(chunks, 1):
        value = {
            "chunk": number,
            "start": chunk.start,
            "end": chunk.stop,
            "tokens": chunk.tokens,
            "text": data[chunk.start : chunk.stop].decode(),
        }
        yield json.dumps(value, ensure_ascii=False) + "\n"


def write_chunks(data: bytes, chunks: list[Chunk], path: Path) -> list[Path]:
    """Into the JSON-lines file `path` where its name ends in .jsonl, else as chunk-0001.txt and so on into the
    folder `path`. Returns what was written. Raises InputError where that cannot be."""
    try:
        if path.suffix == ".jsonl":
            path.write_text("".join(as_lines(data, chunks)), encoding="utf-8", newline="\n")
            return [path]
        path.mkdir(parents=True, exist_ok=True)
        digits = max(4, len(str(len(chunks))))
        files = [path / f"chunk-{number:0{digits}}.txt" for number in range(1, len(chunks) + 1)]
        if taken := next((file for file in files if file.exists()), None):
            raise InputError(f"{taken} exists.", hint="Name a folder without chunks.")
        for file, chunk in zip(files, chunks, strict=True):
            file.write_bytes(data[chunk.start : chunk.stop])
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose another place."
        ) from None
    return files
