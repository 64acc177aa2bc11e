"""What a text loses on its way through a tokenizer, and where.

The tokens themselves tell: each has a byte range of the text that it came from, and its bytes have a place in
the decoded text. Between two tokens lies white space, or what the tokenizer dropped. Comparing the two sides
piece by piece takes one pass, and finds the exact place of every change.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.show import readable

KINDS = {  # in the order of a summary
    "unknown": "Unknown: the vocabulary cannot spell it",
    "dropped": "Dropped: nothing comes back",
    "case": "Upper case becomes lower case",
    "accents": "Accents are taken off",
    "whitespace": "White space changes",
    "form": "Another Unicode form of the same character",
    "other": "Other changes",
    "special added": "Special tokens added around the text",
    "special dropped": "Special tokens that no text carries over",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """`before`, the bytes `start` to `stop` of the text that was given, comes back as `after`."""

    kind: str  # of KINDS; several joined by " and "
    start: int
    stop: int
    before: str
    after: str
    side: str  # "source" or "target": the tokenizer that did it

    def moved(self, way: "Segments") -> "Loss":
        """The same loss, its place in what the source decoded traced back to the text it was given."""
        if self.start == self.stop:
            place = way.back(self.start, self.start > 0)
            return replace(self, start=place, stop=place)
        return replace(self, start=way.back(self.start, False), stop=way.back(self.stop, True))

    def as_json(self) -> dict:
        return {
            "kind": self.kind,
            "start": self.start,
            "stop": self.stop,
            "before": self.before,
            "after": self.after,
            "side": self.side,
        }


@dataclass(frozen=True, eq=False)
class Segments:
    """Text and decoded text, cut into pieces that belong together. The pieces cover both."""

    text: bytes
    decoded: bytes
    edges: np.ndarray  # int64 [k + 1] in the text
    decoded_edges: np.ndarray  # int64 [k + 1]
    unknown: np.ndarray  # bool [k]: does an unknown token stand for the piece?

    def __len__(self) -> int:
        return len(self.unknown)

    def back(self, offset: int, end: bool) -> int:
        """Where byte `offset` of the decoded text came from; inside a changed piece, its start or its `end`."""
        at = int(np.searchsorted(self.decoded_edges, offset, "left" if end else "right")) - 1
        at = min(max(at, 0), len(self) - 1)
        if at < 0:
            return 0
        start, stop = int(self.edges[at]), int(self.edges[at + 1])
        low, high = int(self.decoded_edges[at]), int(self.decoded_edges[at + 1])
        if self.text[start:stop] == self.decoded[low:high]:
            return min(stop, max(start, start + offset - low))
        return stop if end else start


def segments(tokenizer: Tokenizer, encoding: Encoding, decoded: bytes) -> Segments:
    """The pieces of `encoding.text` beside those of `decoded`, which the same tokens stand for."""
    text = encoding.text
    if decoded == text and not _has_unknown(tokenizer, encoding):
        whole = np.array([0, len(text)] if text else [0], np.int64)
        return Segments(text, decoded, whole, whole, np.zeros(len(whole) - 1, bool))
    edges, decoded_edges, unknown = [0], [0], []
    for start, stop, low, high, strange in _anchors(tokenizer, encoding, decoded):
        if start > edges[-1] or low > decoded_edges[-1]:  # the gap before it
            edges.append(start)
            decoded_edges.append(low)
            unknown.append(False)
        edges.append(stop)
        decoded_edges.append(high)
        unknown.append(strange)
    if edges[-1] < len(text) or decoded_edges[-1] < len(decoded):
        edges.append(len(text))
        decoded_edges.append(len(decoded))
        unknown.append(False)
    made = (np.array(each, np.int64) for each in (edges, decoded_edges))
    return Segments(text, decoded, *made, np.array(unknown, bool))


def _has_unknown(tokenizer: Tokenizer, encoding: Encoding) -> bool:
    unknown = tokenizer.unknown_id
    return unknown is not None and bool((encoding.ids == unknown).any())


def _anchors(
    tokenizer: Tokenizer, encoding: Encoding, decoded: bytes
) -> Iterable[tuple[int, int, int, int, bool]]:
    """Range in the text, range in the decoded text, is it unknown: of every token that stands for text, those
    that share a range as one. Where a token is not found in the decoded text, the rest is one piece."""
    at, specials = 0, set(tokenizer.special_tokens.values())
    for start, stop, tokens in _groups(encoding):
        strange = any(token == tokenizer.unknown_id for token in tokens)
        if not strange and start == stop and all(token in specials for token in tokens):
            continue  # a special token around the text
        pieces = [
            b"" if token == tokenizer.unknown_id else tokenizer.token_bytes(token) or b"" for token in tokens
        ]
        place = _find(decoded, pieces, at)
        if place is None:
            return
        yield start, stop, *place, strange
        at = place[1]


def _groups(encoding: Encoding) -> Iterable[tuple[int, int, list[int]]]:
    """Tokens with their range; zero-width ones behind a range belong to it."""
    start, stop, tokens = 0, 0, []
    for token, (first, last) in zip(encoding.ids.tolist(), encoding.spans.tolist(), strict=True):
        if tokens and first == last == stop and start < stop:
            tokens.append(token)
            continue
        if tokens:
            yield start, stop, tokens
        start, stop, tokens = first, last, [token]
    if tokens:
        yield start, stop, tokens


def _find(decoded: bytes, pieces: list[bytes], at: int) -> tuple[int, int] | None:
    """Where `pieces` stand in `decoded` from `at` on, with nothing but white space before each."""
    first = None
    for piece in pieces:
        if not piece:
            continue
        begin = at
        while not decoded.startswith(piece, begin) and decoded[begin : begin + 1].isspace():
            begin += 1
        if not decoded.startswith(piece, begin):
            stripped = piece.lstrip(b" ")  # a space in front that decoding takes away
            if at or not stripped or stripped == piece or not decoded.startswith(stripped):
                return None
            begin, piece = 0, stripped
        first = begin if first is None else first
        at = begin + len(piece)
    return (at, at) if first is None else (first, at)


def losses_of(tokenizer: Tokenizer, encoding: Encoding, way: Segments, side: str) -> list[Loss]:
    """What changes on `way`, in order, and the special tokens that `tokenizer` puts around the text."""
    found = [_loss(way, *piece, side) for piece in _changed(way)]
    return found + _specials_added(tokenizer, encoding, side)


def _changed(way: Segments) -> list[tuple[int, int]]:
    """Ranges of pieces that differ: neighbors are one where neither is white space alone, or where their
    edge is inside a character."""
    text, decoded = way.text, way.decoded
    edges, low = way.edges.tolist(), way.decoded_edges.tolist()
    found: list[tuple[int, int]] = []
    for k in range(len(way)):
        before, after = text[edges[k] : edges[k + 1]], decoded[low[k] : low[k + 1]]
        if before == after and not way.unknown[k]:
            continue
        if found and found[-1][1] == k and _joins(way, found[-1][0], k, before, after):
            found[-1] = (found[-1][0], k + 1)
        else:
            found.append((k, k + 1))
    return found


def _joins(way: Segments, first: int, k: int, before: bytes, after: bytes) -> bool:
    edge = int(way.edges[k])
    if edge < len(way.text) and way.text[edge] & 0xC0 == 0x80:
        return True
    earlier = way.text[int(way.edges[first]) : edge]
    if not before.strip() or not earlier.strip() or not after.strip() or way.unknown[k] or way.unknown[k - 1]:
        return False
    return not earlier[-1:].isspace() and not before[:1].isspace()


def _loss(way: Segments, first: int, last: int, side: str) -> Loss:
    start, stop = int(way.edges[first]), int(way.edges[last])
    before = way.text[start:stop]
    after = way.decoded[int(way.decoded_edges[first]) : int(way.decoded_edges[last])]
    unknown = bool(way.unknown[first:last].any())
    kind = "unknown" if unknown else kind_of(readable(before), readable(after))
    return Loss(kind, start, stop, readable(before), readable(after), side)


def kind_of(before: str, after: str) -> str:
    """What happened to `before`, in the words of KINDS.

    >>> kind_of("É", "e")
    'case and accents'
    """
    if not before.strip() and not after.strip():
        return "whitespace"
    if not after.strip():
        return "dropped"
    kinds: list[str] = []
    if before.split() == after.split():
        return "whitespace"
    b, a = before.strip(), after.strip()
    if b.lower() != b and a == a.lower() and a != b:
        b = b.lower()
        kinds.append("case")
    if _same(a, b):
        return _told(kinds, "form" if a != b else "")
    if _same(a, _bare(b)):
        return _told(kinds, "accents")
    if _same(unicodedata.normalize("NFKC", a), unicodedata.normalize("NFKC", b)):
        return _told(kinds, "form")
    if _same(_bare(unicodedata.normalize("NFKC", a)), _bare(unicodedata.normalize("NFKC", b))):
        return _told(kinds, "form and accents")
    return _told([], "other")


def _told(kinds: list[str], more: str) -> str:
    return " and ".join([*kinds, *([more] if more else [])])


def _same(a: str, b: str) -> bool:
    return unicodedata.normalize("NFC", a) == unicodedata.normalize("NFC", b)


def _bare(text: str) -> str:
    """Without combining marks."""
    return "".join(
        c for c in unicodedata.normalize("NFD", text) if not unicodedata.category(c).startswith("M")
    )


def _specials_added(tokenizer: Tokenizer, encoding: Encoding, side: str) -> list[Loss]:
    names = {token: content for content, token in tokenizer.special_tokens.items()}
    rows = zip(encoding.ids.tolist(), encoding.spans.tolist(), strict=True)
    return [
        Loss("special added", start, stop, "", names[token], side)
        for token, (start, stop) in rows
        if start == stop and token in names
    ]


def summary(losses: Iterable[Loss]) -> dict[str, int]:
    """How many of each kind; one of two kinds counts for both."""
    counts = dict.fromkeys(KINDS, 0)
    for loss in losses:
        for kind in loss.kind.split(" and "):
            counts[kind] += 1
    return {kind: count for kind, count in counts.items() if count}
