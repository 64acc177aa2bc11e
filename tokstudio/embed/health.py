"""Rows that look wrong: zero, not finite, doubled, and tokens that training hardly touched, each with its evidence.

The signs are those of "Fishing for Magikarp" (Land and Bartolo 2024): a row that is rarely updated keeps a small
norm, or stays near the rows of ids that no text can ever produce. Signs, no proofs.
"""

import re
from dataclasses import dataclass

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.embed.summary import finite
from tokstudio.embed.vocabulary import BYTE, KINDS, SPECIAL, UNUSED, Vocabulary

LOW = 4.0  # spreads below the middle norm from which on a row is a candidate
NEAR = 4.0  # spreads above the middle similarity to rows that cannot occur
SHOWN = 200
SPARE = re.compile(
    rb"\[unused\d+\]|<unused\d+>|<\|?reserved_\w+\|?>"
)  # written in vocabularies, never in texts
NEVER = frozenset([0xC0, 0xC1, *range(0xF5, 0x100)])  # bytes that no UTF-8 text holds


@dataclass(frozen=True, eq=False)
class Health:
    zero: np.ndarray  # int64, rows of zeros
    broken: np.ndarray  # int64, rows with NaN or infinities
    groups: tuple[tuple[int, ...], ...]  # rows that are equal to the last bit, zero rows apart
    padding: int  # rows beyond the tokenizer
    missing: int  # tokens beyond the matrix
    candidates: tuple[dict, ...]  # under-trained: id, kind, norm, norm_z, similarity, similarity_z, why
    reference: str  # what the similarity is measured to; "" where nothing is known to be unused
    middle_norm: float

    def values(self) -> dict:
        return {
            "zero_rows": self.zero[:SHOWN].tolist(),
            "zero_count": len(self.zero),
            "broken_rows": self.broken[:SHOWN].tolist(),
            "broken_count": len(self.broken),
            "duplicates": [list(group) for group in self.groups[:SHOWN]],
            "duplicate_count": sum(len(group) - 1 for group in self.groups),
            "padding_rows": self.padding,
            "tokens_without_row": self.missing,
            "under_trained": [dict(entry) for entry in self.candidates[:SHOWN]],
            "under_trained_count": len(self.candidates),
            "reference": self.reference,
            "middle_norm": self.middle_norm,
        }


def check(matrix: EmbeddingMatrix, names: Vocabulary | None) -> Steps[Health]:
    n, d = matrix.shape
    norms, bad, keys = np.zeros(n), np.zeros(n, bool), np.zeros(n, np.uint64)
    total = np.zeros(d)
    mixer = np.random.default_rng(0).integers(1, 1 << 63, d, dtype=np.uint64) | np.uint64(1)
    for start, block in matrix.blocks():
        stop = start + len(block)
        bad[start:stop] = ~np.isfinite(block).all(1)
        keys[start:stop] = (
            np.ascontiguousarray(block.astype(np.float32)).view(np.uint32).astype(np.uint64) @ mixer
        )
        wide = finite(block)[0].astype(np.float64)
        norms[start:stop] = np.sqrt(np.einsum("ij,ij->i", wide, wide))
        total += wide.sum(0)
        yield 0.4 * stop / n
    zero = (norms == 0) & ~bad
    groups = _equal(matrix, keys, ~zero & ~bad)
    rows, reference = _unreachable(names, n)
    rows = rows[~bad[rows] & (norms[rows] > 0)]
    similarity = None
    if len(rows):
        similarity = yield from _similarity(matrix, rows, norms, total / n)
    else:
        reference = ""
    candidates = _candidates(norms, similarity, ~zero & ~bad, names)
    size = len(names) if names is not None else n
    middle = float(np.median(norms[~zero & ~bad])) if (~zero & ~bad).any() else 0.0
    return Health(
        np.flatnonzero(zero), np.flatnonzero(bad), groups, max(0, n - size), max(0, size - n),
        candidates, reference, middle,
    )  # fmt: skip


def _equal(matrix: EmbeddingMatrix, keys: np.ndarray, allowed: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """Rows of one hash are compared bit by bit: a hash alone is no evidence."""
    ids = np.flatnonzero(allowed)
    _, inverse, counts = np.unique(keys[ids], return_inverse=True, return_counts=True)
    groups = []
    for group in np.flatnonzero(counts > 1):
        members = ids[inverse == group]
        same = (matrix.rows(members) == matrix.rows(members[:1])).all(1)
        if same.sum() > 1:
            groups.append(tuple(members[same].tolist()))
    return tuple(groups)


def _unreachable(names: Vocabulary | None, n: int) -> tuple[np.ndarray, str]:
    """Rows of ids that no text gives, and in words which these are."""
    if names is None:
        return np.zeros(0, np.int64), ""
    known = min(n, len(names))
    unused = np.flatnonzero(_spare(names)[:known])
    padding = np.arange(len(names), n)
    single = np.flatnonzero(names.kinds[:known] == BYTE)
    never = np.array([row for row in single if names.bytes_of(int(row))[0] in NEVER], np.int64)
    parts = [(unused, "unused ids"), (padding, "padding rows"), (never, "bytes that no UTF-8 text holds")]
    words = [f"{len(rows):,} {text}" for rows, text in parts if len(rows)]
    return np.concatenate([rows for rows, _ in parts]).astype(np.int64), ", ".join(words)


def _spare(names: Vocabulary) -> np.ndarray:
    """bool: ids without a token, and tokens that only keep a place."""
    found = names.kinds == UNUSED
    for token in np.flatnonzero((names.lengths > 8) & (names.lengths < 40)).tolist():
        found[token] |= SPARE.fullmatch(names.bytes_of(token)) is not None
    return found


def _similarity(
    matrix: EmbeddingMatrix, rows: np.ndarray, norms: np.ndarray, mean: np.ndarray
) -> Steps[np.ndarray]:
    """Cosine of each centered row with the mean of the centered rows that cannot occur [n]."""
    direction = matrix.rows(rows).astype(np.float64).mean(0) - mean
    direction /= np.sqrt(direction @ direction) or 1.0
    found = np.zeros(len(matrix))
    for start, block in matrix.blocks():
        moved = finite(block)[0].astype(np.float64) - mean
        sizes = np.sqrt(np.einsum("ij,ij->i", moved, moved))
        found[start : start + len(block)] = moved @ direction / np.where(sizes > 0, sizes, 1)
        yield 0.4 + 0.6 * (start + len(block)) / len(matrix)
    return found


def _candidates(
    norms: np.ndarray, similarity: np.ndarray | None, allowed: np.ndarray, names: Vocabulary | None
) -> tuple[dict, ...]:
    """Strongest first. Ids that are known to be unused are no candidates: they are the reference."""
    known = np.zeros(len(norms), bool)
    kinds = np.full(len(norms), UNUSED)
    if names is not None:
        kinds[: min(len(norms), len(names))] = names.kinds[: len(norms)]
        known[len(names) :] = True
        known[: len(names)] = _spare(names)[: len(norms)]
    low = -_spreads(norms, allowed & ~known)
    near = _spreads(similarity, allowed & ~known) if similarity is not None else np.zeros(len(norms))
    score = np.where(allowed & ~known, np.maximum(low / LOW, near / NEAR), -np.inf)
    order = np.argsort(-score, kind="stable")
    found = []
    for row in order[: int((score > 1).sum())].tolist():
        why = [
            w for w, hit in (("small norm", low[row] > LOW), ("near unused rows", near[row] > NEAR)) if hit
        ]
        found.append(
            {
                "id": row,
                "token": names.text(row) if names is not None else f"#{row}",
                "kind": KINDS[kinds[row]] if names is not None else "",
                "special": bool(names is not None and kinds[row] == SPECIAL),
                "norm": float(norms[row]),
                "norm_z": float(-low[row]),
                "similarity": None if similarity is None else float(similarity[row]),
                "similarity_z": None if similarity is None else float(near[row]),
                "why": " and ".join(why),
            }
        )
    return tuple(found)


def _spreads(values: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """How many spreads each value is above the middle; the spread by the median, which outliers do not move."""
    if not allowed.any():
        return np.zeros(len(values))
    middle = np.median(values[allowed])
    spread = 1.4826 * np.median(np.abs(values[allowed] - middle)) or 1e-12
    return (values - middle) / spread
