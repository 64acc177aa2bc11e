"""The windows that models are measured on: the same bytes for every tokenizer, each kept with its document.

Three ways to cut. `lines`: after line ends, each window tokenized on its own. `common`: each document is tokenized
whole, and cut only where no tokenizer has a token across, so that no token is there because of a cut. `sliding`: the
same, but each window reads at least as much text before it, which is not scored again: no token but the first ones of
a document is predicted from little text, and the context is the same number of bytes for all, give or take a token.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from tokstudio.errors import InputError
from tokstudio.tokens.base import Encoding, Tokenizer, special_id
from tokstudio.train.corpus import Document, windows

LINES, COMMON, SLIDING = "lines", "common", "sliding"


@dataclass(frozen=True, eq=False)
class Window:
    document: str
    start: int  # byte of the document
    text: bytes  # what is scored
    encodings: tuple[Encoding, ...]  # one a tokenizer; with what is read before
    lossy: tuple[bool, ...]  # is anything lost: of the window, or where cut in common, of its document?
    lead: tuple[int, ...] = ()  # tokens of each encoding that are read and not scored
    context: int = 0  # bytes read before, at least

    def scored(self, k: int) -> slice:
        """The tokens of encoding `k` that count."""
        return slice(self.lead[k] if self.lead else 0, None)


def cut_windows(
    documents: Sequence[Document],
    tokenizers: Sequence[Tokenizer],
    *,
    cut: str,
    window_bytes: int,
    total_bytes: int,
    end: bool = False,
) -> list[Window]:
    """About `total_bytes` of all the documents, in the order of a hash: always the same ones.

    `end`: an end-of-text token behind each document's last window, scored for 0 bytes. Raises InputError where
    a tokenizer has none, or for half a character. `sliding` scores half of `window_bytes` at a time.
    """
    for document in documents:
        _check_unicode(document)
    if cut == LINES:
        found = _in_lines(documents, tokenizers, window_bytes, total_bytes)
    else:
        found = _in_common(documents, tokenizers, window_bytes, total_bytes, sliding=cut == SLIDING)
    return _ended(found, documents, tokenizers) if end else found


def _check_unicode(document: Document) -> None:
    try:
        document.text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{document.name} has half a character at position {error.start + 1:,}.",
            hint="A JSON file can spell one (\\ud83d without its second half): remove it.",
        ) from None


def _in_lines(
    documents: Sequence[Document], tokenizers: Sequence[Tokenizer], size: int, total: int
) -> list[Window]:
    """The choice of `held_out_windows`, by which training measures."""
    named = []
    for document in documents:
        start = 0
        for number, piece in enumerate(windows(document.text, size)):
            key = hashlib.sha256(f"{document.name}#{number}".encode()).digest()
            named.append((key, piece, document.name, start))
            start += len(piece.encode())
    chosen: list[Window] = []
    used = 0
    for _, piece, name, start in sorted(named, key=lambda item: item[:2]):
        if used >= total:
            break
        encodings = tuple(tokenizer.encode(piece) for tokenizer in tokenizers)
        chosen.append(Window(name, start, piece.encode(), encodings, _lossy(tokenizers, encodings)))
        used += len(piece.encode())
    return chosen


def _in_common(
    documents: Sequence[Document], tokenizers: Sequence[Tokenizer], size: int, total: int, *, sliding: bool
) -> list[Window]:
    size = max(1, size // 2) if sliding else size
    ordered = sorted(documents, key=lambda d: hashlib.sha256(d.name.encode()).digest())
    chosen: list[Window] = []
    used = 0
    for document in ordered:
        if used >= total:
            break
        encodings = tuple(tokenizer.encode(document.text) for tokenizer in tokenizers)
        lossy = _lossy(tokenizers, encodings)
        edges = [common_cuts([encoding]) for encoding in encodings] if sliding else []
        for start, stop in _ranges(common_cuts(encodings), size):
            window = _alone(document.name, encodings, start, stop, lossy)
            chosen.append(_after_context(window, encodings, edges, size) if sliding else window)
            used += stop - start
            if used >= total:
                break
    return chosen


def _alone(name: str, encodings: Sequence[Encoding], start: int, stop: int, lossy) -> Window:
    parts = tuple(part(encoding, start, stop) for encoding in encodings)
    return Window(name, start, parts[0].text, parts, lossy)


def _after_context(
    alone: Window, encodings: Sequence[Encoding], edges: Sequence[np.ndarray], size: int
) -> Window:
    """As much text before as is scored, or more: from the last of each tokenizer's own `edges` there."""
    start, stop = alone.start, alone.start + len(alone.text)
    context = min(start, max(size, stop - start))
    begins = [int(own[np.searchsorted(own, start - context, "right") - 1]) for own in edges]
    parts = tuple(part(e, begin, stop) for e, begin in zip(encodings, begins, strict=True))
    lead = tuple(len(p) - len(own) for p, own in zip(parts, alone.encodings, strict=True))
    return replace(alone, encodings=parts, lead=lead, context=context)


def _lossy(tokenizers: Sequence[Tokenizer], encodings: Sequence[Encoding]) -> tuple[bool, ...]:
    return tuple(t.decode(np.asarray(e.ids)) != e.text for t, e in zip(tokenizers, encodings, strict=True))


def common_cuts(encodings: Sequence[Encoding]) -> np.ndarray:
    """Bytes, int64 ascending, between characters and before no, inside no and out of order with no token of any
    encoding of one text; its begin and its end are among them."""
    text = np.frombuffer(encodings[0].text, np.uint8)
    begins = np.append((text & 0xC0) != 0x80, True)
    clean = reduce(np.logical_and, (_clean(encoding) for encoding in encodings), begins)
    clean[[0, -1]] = True
    return np.flatnonzero(clean)


def _clean(encoding: Encoding) -> np.ndarray:
    """Bool [bytes + 1]: do all tokens before some index end by this byte, and all others start there or later?"""
    size = len(encoding.text)
    if not len(encoding):
        return np.ones(size + 1, bool)
    starts, ends = encoding.spans[:, 0].astype(np.int64), encoding.spans[:, 1].astype(np.int64)
    ended = np.maximum.accumulate(ends)
    follows = np.append(np.minimum.accumulate(starts[::-1])[::-1], size)
    places = np.arange(size + 1)
    return follows[np.searchsorted(ended, places, "right")] >= places


def part(encoding: Encoding, start: int, stop: int) -> Encoding:
    """The tokens of the bytes from one cut to another. A token of no width belongs to what is before it."""
    ended = np.maximum.accumulate(encoding.spans[:, 1].astype(np.int64))
    first = int(np.searchsorted(ended, start, "right")) if start else 0
    last = int(np.searchsorted(ended, stop, "right")) if stop < len(encoding.text) else len(encoding)
    spans = encoding.spans[first:last] - start
    return Encoding(encoding.text[start:stop], encoding.ids[first:last], spans)


def _ranges(cuts: np.ndarray, size: int) -> Iterator[tuple[int, int]]:
    """As long as possible, but no longer than `size`, where there is a cut that soon."""
    at = 0
    while at < len(cuts) - 1:
        last = int(np.searchsorted(cuts, cuts[at] + size, "right")) - 1
        last = max(last, at + 1)
        yield int(cuts[at]), int(cuts[last])
        at = last


def _ended(
    found: list[Window], documents: Sequence[Document], tokenizers: Sequence[Tokenizer]
) -> list[Window]:
    ends = [special_id(tokenizer, "end") for tokenizer in tokenizers]
    if None in ends:
        raise InputError(
            f"{tokenizers[ends.index(None)].name} has no end-of-text token to score.",
            hint="Leave --include-end out.",
        )
    sizes = {document.name: len(document.text.encode()) for document in documents}
    return [
        replace(w, encodings=tuple(map(_with_end, w.encodings, ends)))
        if w.start + len(w.text) == sizes[w.document]
        else w
        for w in found
    ]


def _with_end(encoding: Encoding, token: int) -> Encoding:
    size = len(encoding.text)
    ids = np.append(encoding.ids, np.int32(token))
    spans = np.concatenate([encoding.spans, np.array([[size, size]], np.int32)])
    return Encoding(encoding.text, ids, spans)
