"""Which rows of two matrices stand for the same token: by what tokens mean in a text, never by how they are written."""

from dataclasses import dataclass

import numpy as np

from tokstudio.embed.vocabulary import SPECIAL, UNUSED, Vocabulary
from tokstudio.errors import InputError

RULES = ("bytes", "words")
RULE_WORDS = {
    "bytes": "Same bytes. The marks of vocabularies (Ġ, ▁, ##) are taken as what they stand for: “Ġthe” is “ the” with"
    " its space. Where “er” and “##er” are both there, the one that starts a word counts.",
    "words": "Same word at the same place: WordPiece's “the” is “ the” of a vocabulary that keeps the space, “##er” is"
    " “er” without one. What is left over is matched by its bytes.",
}


@dataclass(frozen=True, eq=False)
class Join:
    """Row `a[i]` of the one and row `b[i]` of the other are the same token. Special and unused ids are not
    joined."""

    a: np.ndarray  # int64 [m], ascending
    b: np.ndarray  # int64 [m]
    rule: str
    tokens_a: int  # ordinary tokens
    tokens_b: int
    ambiguous: int  # shared tokens that one of the two has more than once; the first one counts
    without_row: int  # shared tokens beyond the end of a matrix

    @property
    def report(self) -> dict:
        shared = len(self.a)
        return {
            "rule": self.rule,
            "shared": shared,
            "only_a": self.tokens_a - shared,
            "only_b": self.tokens_b - shared,
            "ambiguous": self.ambiguous,
            "without_row": self.without_row,
        }


def join(a: Vocabulary, b: Vocabulary, rows_a: int, rows_b: int, rule: str = "bytes") -> Join:
    """Raises InputError where the two share nothing."""
    if rule not in RULES:
        raise InputError(f"There is no rule {rule!r} for a join.", hint=f"Choose one of {', '.join(RULES)}.")
    ordinary_a, ordinary_b = _ordinary(a), _ordinary(b)
    both = rule == "bytes" and a.algorithm == b.algorithm == "WordPiece"  # then "##" means the same in both
    first = "pieces" if both else rule
    pairs, twice = _match(_keys(a, ordinary_a, first), _keys(b, ordinary_b, first))
    if rule == "words":
        left_a = ordinary_a[~np.isin(ordinary_a, [x for x, _ in pairs])]
        left_b = ordinary_b[~np.isin(ordinary_b, [y for _, y in pairs])]
        more, again = _match(_keys(a, left_a, "bytes"), _keys(b, left_b, "bytes"))
        pairs, twice = pairs + more, twice + again
    held = sorted((x, y) for x, y in pairs if x < rows_a and y < rows_b)
    if not held:
        raise InputError(
            f"{a.name} and {b.name} have no token in common.",
            hint="Choose two models whose vocabularies overlap.",
        )
    left, right = np.array(held, np.int64).T
    return Join(left, right, rule, len(ordinary_a), len(ordinary_b), twice, len(pairs) - len(held))


def _ordinary(names: Vocabulary) -> np.ndarray:
    return np.flatnonzero(~np.isin(names.kinds, (SPECIAL, UNUSED)))


def _keys(names: Vocabulary, ids: np.ndarray, rule: str) -> dict[object, list[int]]:
    """What a token is known by -> its ids, the one that counts first."""
    pieces = names.algorithm == "WordPiece"
    found: dict[object, list[int]] = {}
    ids = ids.tolist()
    for token in sorted(ids, key=lambda t: bool(names.glued[t])) if pieces else ids:
        raw = names.bytes_of(token)
        if rule == "words":
            starts = not names.glued[token] if pieces else raw[:1] == b" "
            found.setdefault((bool(starts), raw if pieces else raw.removeprefix(b" ")), []).append(token)
        else:
            key = (bool(names.glued[token]), raw) if rule == "pieces" else raw
            found.setdefault(key, []).append(token)
    return found


def _match(a: dict[object, list[int]], b: dict[object, list[int]]) -> tuple[list[tuple[int, int]], int]:
    shared = [key for key in a if key in b]
    twice = sum(len(a[key]) > 1 or len(b[key]) > 1 for key in shared)
    return [(a[key][0], b[key][0]) for key in shared], twice
