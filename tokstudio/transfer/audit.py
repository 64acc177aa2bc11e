"""What to look at before rows are carried over: source rows that training never reached, and digits."""

from dataclasses import dataclass

import numpy as np

from tokstudio.tokens.base import Tokenizer
from tokstudio.transfer.base import TransferProblem

DIGITS = "31415926535897932384"
QUIET = 5.0  # spreads (median absolute deviations, scaled) below the median of the log-lengths
ALIKE = 0.9  # cosine to the mean of rows known to be unused, both taken from the mean row


@dataclass(frozen=True, eq=False)
class Audit:
    untrained: np.ndarray  # int64 [k] source ids whose rows look as if training never reached them
    digits: tuple[int, int]  # most digits in a token: source, target
    warnings: tuple[str, ...]  # sentences


def audit(problem: TransferProblem) -> Audit:
    found = untrained(problem.source, problem.matrix)
    warnings = []
    if len(found):
        hit = int(np.isin(problem.overlap.match, found).sum())
        warnings.append(
            f"{len(found):,} source rows look untrained; {hit:,} target tokens would copy one. "
            "They are kept out: such tokens are made of others, and nothing is spelled with them."
        )
    if warning := digit_warning(problem.source, problem.target):
        warnings.append(warning)
    share = problem.overlap.share
    if share == 0:
        warnings.append("The vocabularies share no token: every row has to be composed or drawn.")
    digits = digit_runs(problem.source), digit_runs(problem.target)
    return Audit(found, digits, tuple(warnings))


def untrained(source: Tokenizer, matrix: np.ndarray) -> np.ndarray:
    """Source ids int64. A row is taken for untrained where it is far shorter than the rest, or where it points
    the way of rows that no text can reach: padding beyond the vocabulary and ids that stand for nothing.

    Special tokens are not judged: many are quiet for good reason.
    """
    size = min(len(source), len(matrix))
    ordinary = np.array([bool(source.token_bytes(i)) for i in range(size)], bool)
    special = np.zeros(size, bool)
    special[[i for i in source.special_tokens.values() if i < size]] = True
    lengths = np.linalg.norm(matrix, axis=1)
    log = np.log(np.maximum(lengths, 1e-30))
    middle = np.median(log[:size][ordinary]) if ordinary.any() else 0.0
    spread = 1.4826 * np.median(np.abs(log[:size][ordinary] - middle)) if ordinary.any() else 0.0
    quiet = log[:size] < middle - QUIET * max(spread, 0.02)
    unused = np.concatenate([np.flatnonzero(~ordinary & ~special), np.arange(size, len(matrix))])
    if len(unused) >= 4:
        quiet |= _alike(matrix, unused)[:size]
    return np.flatnonzero(quiet & ordinary)


def _alike(matrix: np.ndarray, unused: np.ndarray) -> np.ndarray:
    """Rows that point the way of the `unused` ones, as seen from the mean row."""
    mean = matrix.mean(0)
    away = matrix[unused].mean(0) - mean
    rows = matrix - mean
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(away)
    return rows @ away > ALIKE * np.maximum(lengths, 1e-30)


def digit_runs(tokenizer: Tokenizer) -> int:
    """The most digits that one token takes of a long number; 0 where it cannot spell digits."""
    encoding = tokenizer.encode(DIGITS)
    spelled = encoding.spans[encoding.ids != (-1 if tokenizer.unknown_id is None else tokenizer.unknown_id)]
    return int((spelled[:, 1] - spelled[:, 0]).max(initial=0))


def digit_warning(source: Tokenizer, target: Tokenizer) -> str | None:
    """Numbers cut into other groups break what a model knows of arithmetic more than any other text."""
    before, after = digit_runs(source), digit_runs(target)
    if before == after:
        return None
    if not after:
        return f"{target.name} cannot spell digits: numbers will be lost."
    if not before:
        return f"{source.name} cannot spell digits: the model knows no numbers, and these tokens begin as any others."
    return (
        f"{source.name} takes up to {before} digits a token, {target.name} up to {after}: "
        "numbers will be read and written otherwise, and arithmetic suffers until it is trained anew."
    )
