"""Where several tokenizers cut one text, and where they disagree.

White space at the rim of a token is left out of account: BPE's " the" and WordPiece's "the" are the same
piece, and both cut before the "t". A token of white space alone is a piece of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokstudio.errors import AlignmentError
from tokstudio.tokens.base import Encoding

# what str.isspace and the tokenizers' pre-tokenizers take for white space, beyond ASCII
WIDE_SPACES = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """`k` encodings of one text. A cut is a byte offset at which a piece begins; where the text itself begins
    nobody cuts."""

    size: int  # bytes of the text
    offsets: np.ndarray  # int64 [cuts], ascending: every offset at which at least one tokenizer cuts
    counts: np.ndarray  # int64 [cuts]: how many do, 1 to k
    shared: tuple[np.ndarray, ...]  # per encoding bool [n]: does the token's piece occur in all encodings?
    f1: np.ndarray  # float64 [k, k]: 2 |A and B| / (|A| + |B|) over the cuts of two; 1 where neither cuts

    @property
    def disagreements(self) -> np.ndarray:
        """The offsets at which some cut and some do not."""
        return self.offsets[self.counts < len(self.shared)]

    def next_disagreement(self, offset: int) -> int | None:
        """The first one behind `offset`; None if there is none."""
        found = self.disagreements
        at = int(np.searchsorted(found, offset, "right"))
        return int(found[at]) if at < len(found) else None

    def previous_disagreement(self, offset: int) -> int | None:
        """The last one before `offset`; None if there is none."""
        found = self.disagreements
        at = int(np.searchsorted(found, offset, "left"))
        return int(found[at - 1]) if at else None


def agreement(encodings: Sequence[Encoding]) -> Agreement:
    """Zero-width tokens cut nothing and count as shared. Raises AlignmentError for encodings of different
    texts."""
    if not encodings:
        raise AlignmentError("There is nothing to compare.", hint="Name at least one tokenizer.")
    text = encodings[0].text
    if any(encoding.text != text for encoding in encodings):
        raise AlignmentError(
            "The encodings are of different texts.", hint="Encode the same text with each tokenizer."
        )
    spaces = space_mask(text)
    beyond = _beyond(spaces)
    pieces = [_trimmed(encoding.spans, *beyond) for encoding in encodings]
    cuts = [_cuts(piece, len(text), int(beyond[0][0])) for piece in pieces]
    offsets = np.flatnonzero(np.logical_or.reduce(cuts))
    counts = sum(cut[offsets].astype(np.int64) for cut in cuts)
    return Agreement(len(text), offsets, counts, _shared(pieces, len(text)), _f1(cuts))


def space_mask(text: bytes) -> np.ndarray:
    """bool [bytes]: does the byte belong to a white-space character?"""
    codes = np.frombuffer(text, np.uint8)
    mask = (codes == 0x20) | (codes - np.uint8(0x09) < 5) | (codes - np.uint8(0x1C) < 4)
    if not text.isascii():
        _mark_wide(codes, mask)
    return mask


def _mark_wide(codes: np.ndarray, mask: np.ndarray) -> None:
    """Sets the bytes of `WIDE_SPACES`, which begin with 0xC2 or 0xE1 to 0xE3."""
    leads = np.flatnonzero((codes == 0xC2) | (codes - np.uint8(0xE1) < 3))
    padded = np.append(codes, np.zeros(2, np.uint8))
    second, third = padded[leads + 1].astype(np.int32), padded[leads + 2]
    pairs = codes[leads].astype(np.int32) << 8 | second
    spaces = [character.encode() for character in WIDE_SPACES]
    short = leads[_among(pairs, [space for space in spaces if len(space) == 2])]
    long = leads[_among(pairs << 8 | third, [space for space in spaces if len(space) == 3])]
    for offset in range(3):
        mask[long + offset] = True
        mask[short[: len(short) if offset < 2 else 0] + offset] = True


def _among(codes: np.ndarray, spaces: list[bytes]) -> np.ndarray:
    """bool [n]; by a table, because sorting would import `numpy.ma`, 14 ms of a start."""
    return np.isin(codes, [int.from_bytes(space) for space in spaces], kind="table")


def trimmed(spans: np.ndarray, spaces: np.ndarray) -> np.ndarray:
    """`spans` int64 [n, 2] without the white space at their rims; one that is all white space stays whole."""
    return _trimmed(spans, *_beyond(spaces)).astype(np.int64)


def _beyond(spaces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each place the first one at or behind it where no white space follows, and the last one at or
    before it where none precedes: int32 [bytes + 1] each."""
    ahead = np.arange(len(spaces) + 1, dtype=np.int32)
    behind = ahead.copy()
    places = np.flatnonzero(spaces)
    if len(places):
        firsts = np.flatnonzero(np.append(True, places[1:] != places[:-1] + 1))
        lengths = np.diff(np.append(firsts, len(places)))
        starts = places[firsts]
        ahead[places] = np.repeat(starts + lengths, lengths)
        behind[places + 1] = np.repeat(starts, lengths)
    return ahead, behind


def _trimmed(spans: np.ndarray, ahead: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """int32 [n, 2]"""
    pieces = np.stack([ahead[spans[:, 0]], behind[spans[:, 1]]], axis=1)
    blank = np.flatnonzero(pieces[:, 0] >= pieces[:, 1])
    pieces[blank] = spans[blank]
    return pieces


def _cuts(pieces: np.ndarray, size: int, solid: int) -> np.ndarray:
    """bool [size + 1]: where pieces begin, behind the first character that is not white space, at `solid`."""
    flags = np.zeros(size + 1, bool)
    flags[pieces[pieces[:, 1] > pieces[:, 0], 0]] = True
    flags[: (solid if solid < size else 0) + 1] = False
    return flags


def _shared(pieces: list[np.ndarray], size: int) -> tuple[np.ndarray, ...]:
    """A piece is known by its start and stop: none begins where another of the same encoding does."""
    stops = []
    for piece in pieces:
        stop = np.zeros(size + 1, np.int32)
        wide = piece[:, 1] > piece[:, 0]
        stop[piece[wide, 0]] = piece[wide, 1]
        stops.append(stop)
    return tuple(
        _in_all(piece, [stop for k, stop in enumerate(stops) if k != own]) for own, piece in enumerate(pieces)
    )


def _in_all(piece: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """bool [n]; a zero-width piece counts as shared."""
    found = np.ones(len(piece), bool)
    for stop in others:
        found &= stop[piece[:, 0]] == piece[:, 1]
    return found | (piece[:, 0] == piece[:, 1])


def _f1(cuts: list[np.ndarray]) -> np.ndarray:
    counts = [np.count_nonzero(cut) for cut in cuts]
    matrix = np.ones((len(cuts), len(cuts)))
    for i, a in enumerate(cuts):
        for j, b in enumerate(cuts[:i]):
            if both := counts[i] + counts[j]:
                matrix[i, j] = matrix[j, i] = 2 * np.count_nonzero(a & b) / both
    return matrix
