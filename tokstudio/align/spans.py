"""Line up two tokenizations of the same bytes."""

from dataclasses import dataclass

import numpy as np

from tokstudio.errors import AlignmentError
from tokstudio.tokens.base import Encoding


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Blocks: the smallest runs of source and target tokens that share both byte edges.

    Block `k` covers the bytes `edges[k]` to `edges[k + 1]`; token `i` of a side belongs to block `side_block[i]`.
    Blocks are contiguous, in order, cover both sides, and none can be split at a shared edge.
    """

    edges: np.ndarray  # int32 [c + 1], from 0 to the length of the text
    source_block: np.ndarray  # int32 [n]
    target_block: np.ndarray  # int32 [m]

    def __len__(self) -> int:
        return max(0, len(self.edges) - 1)


def align(source: Encoding, target: Encoding) -> Alignment:
    """Cut both encodings wherever their byte edges coincide. O(n + m) but for one sorted intersection.

    Raises AlignmentError where the texts differ or a side does not tile its text (a tokenizer that drops white
    space or rewrites the text): such a pair can be compared, but its probabilities cannot be matched.
    """
    if source.text != target.text:
        raise AlignmentError("The two encodings are of different texts.")
    for side in (source, target):
        if not side.tiles:
            raise AlignmentError(
                "The tokens of one side do not cover the text exactly.",
                hint="Its tokenizer lower-cases or drops spaces. Choose one that keeps every byte.",
            )
    shared = np.intersect1d(source.spans[:, 1], target.spans[:, 1])
    edges = np.union1d(np.zeros(1, np.int32), shared).astype(np.int32)
    inner = edges[1:-1]
    return Alignment(edges, _block(source, inner), _block(target, inner))


def _block(encoding: Encoding, inner: np.ndarray) -> np.ndarray:
    """Number of shared edges at or before each token's start."""
    return np.searchsorted(inner, encoding.spans[:, 0], side="right").astype(np.int32)
