"""Line up two tokenizations that hold tokens without text: a BOS, an end of turn, a whole template between two turns.

Such a token is zero-width. Where both sides have some at the same byte, however many, they are one block of their
own; where only one side has, they belong to no block, and the text around them is lined up as if they were not
there.
"""

from dataclasses import dataclass

import numpy as np

from tokstudio.align.spans import align
from tokstudio.tokens.base import Encoding


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Blocks in order of the text; each has tokens on both sides."""

    source_block: np.ndarray  # int64 [n] block of each token, -1 for a special that the other side has not
    target_block: np.ndarray  # int64 [m]
    count: int


def align_all(source: Encoding, target: Encoding) -> Blocks:
    """Raises AlignmentError as `align` does."""
    texts, wide = [], []
    for side in (source, target):
        keep = side.spans[:, 0] < side.spans[:, 1]
        wide.append(keep)
        texts.append(side if keep.all() else Encoding(side.text, side.ids[keep], side.spans[keep]))
    found = align(*texts)
    if all(keep.all() for keep in wide):
        return Blocks(found.source_block.astype(np.int64), found.target_block.astype(np.int64), len(found))
    paired = np.intersect1d(source.spans[~wide[0], 0], target.spans[~wide[1], 0])
    edges = found.edges[:-1] if len(found) else found.edges[:0]
    # A block of specials at byte p stands before the block of text that begins there.
    text_number = np.arange(len(edges)) + np.searchsorted(paired, edges, side="right")
    special_number = np.arange(len(paired)) + np.searchsorted(edges, paired, side="left")
    sides = []
    for side, keep, block in zip(
        (source, target), wide, (found.source_block, found.target_block), strict=True
    ):
        number = np.full(len(side), -1, np.int64)
        number[keep] = text_number[block]
        at = np.searchsorted(paired, stands := side.spans[~keep, 0])
        both = np.append(paired, -1)[at] == stands
        number[~keep] = np.where(both, np.append(special_number, -1)[at], -1)
        sides.append(number)
    return Blocks(*sides, len(edges) + len(paired))
