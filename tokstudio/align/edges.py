"""Where several tokenizers cut one text, and where they disagree.

White space at the rim of a token is left out of account: BPE's " the" and WordPiece's "the" are the same
piece, and both cut before the "t". A token of white space alone is a piece of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokstudio.errors import AlignmentError
from tokstudio.tokens.base import Encoding
from tokstudio.tokens.distinct import counted, distinct

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
    pieces = [trimmed(encoding.spans, spaces) for encoding in encodings]
    cuts = [_cuts(piece, spaces) for piece in pieces]
    offsets, counts = counted(np.concatenate(cuts))
    return Agreement(len(text), offsets, counts, _shared(pieces, len(text)), _f1(cuts))


def space_mask(text: bytes) -> np.ndarray:
    """bool [bytes]: does the byte belong to a white-space character?"""
    codes = np.frombuffer(text, np.uint8)
    mask = (codes == 0x20) | ((codes >= 0x09) & (codes <= 0x0D)) | ((codes >= 0x1C) & (codes <= 0x1F))
    for character in WIDE_SPACES:
        space, at = character.encode(), -1
        while (at := text.find(space, at + 1)) >= 0:
            mask[at : at + len(space)] = True
    return mask


def trimmed(spans: np.ndarray, spaces: np.ndarray) -> np.ndarray:
    """`spans` int64 [n, 2] without the white space at their rims; one that is all white space stays whole."""
    spans = spans.astype(np.int64)
    size = len(spaces)
    places = np.arange(size + 1)
    # the first place at or behind each that is not white space, and behind the last one before each
    ahead = np.minimum.accumulate(np.where(np.append(spaces, False), size, places)[::-1])[::-1]
    behind = np.maximum.accumulate(np.where(np.append(True, spaces), 0, places))
    starts, stops = ahead[spans[:, 0]], behind[spans[:, 1]]
    return np.where((starts < stops)[:, None], np.stack([starts, stops], axis=1), spans)


def _cuts(pieces: np.ndarray, spaces: np.ndarray) -> np.ndarray:
    """Where pieces begin, behind the first character of the text that is not white space."""
    starts = distinct(pieces[pieces[:, 1] > pieces[:, 0], 0])
    solid = np.flatnonzero(~spaces)
    return starts[starts > (solid[0] if len(solid) else 0)]


def _shared(pieces: list[np.ndarray], size: int) -> tuple[np.ndarray, ...]:
    keys = [piece[:, 0] * (size + 1) + piece[:, 1] for piece in pieces]
    common = distinct(keys[0])
    for other in keys[1:]:
        common = np.intersect1d(common, distinct(other), assume_unique=True)
    return tuple(
        np.isin(key, common) | (piece[:, 0] == piece[:, 1]) for key, piece in zip(keys, pieces, strict=True)
    )


def _f1(cuts: list[np.ndarray]) -> np.ndarray:
    matrix = np.ones((len(cuts), len(cuts)))
    for i, a in enumerate(cuts):
        for j, b in enumerate(cuts[:i]):
            both = len(a) + len(b)
            matrix[i, j] = matrix[j, i] = (
                2 * len(np.intersect1d(a, b, assume_unique=True)) / both if both else 1.0
            )
    return matrix
