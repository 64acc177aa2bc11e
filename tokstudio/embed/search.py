"""Which tokens of a vocabulary a query means.

| term | finds tokens |
| --- | --- |
| `ing` | that hold these letters; small letters also find capitals |
| `"a b"` | the same with a space inside; `·` is a space too |
| `len:8` `len:>8` `len:2-4` | by their number of bytes |
| `id:100` `id:<256` `id:5-9` | by their number |
| `type:word-start,digits` | of one of these kinds |
| `re:^\\s+$` | where the regular expression is found |

All terms must hold. `-` before a term turns it round.
"""

import re
from collections.abc import Callable

import numpy as np

from tokstudio.embed.matrix import Steps
from tokstudio.embed.vocabulary import KINDS, UNUSED, Vocabulary
from tokstudio.errors import InputError

TERM = re.compile(r"""-?(?:re:"[^"]*"|re:\S+|"[^"]*"|\S+)""")
RANGE = re.compile(r"(>=|<=|>|<|=)?(\d{1,9})|(\d{1,9})-(\d{1,9})")
STEP = 2048  # tokens a regular expression is tried on between two steps
COMPARE: dict[str, Callable] = {
    ">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal, "=": np.equal, "": np.equal,
}  # fmt: skip


def kind_key(name: str) -> str:
    """How a kind is written in a query: `Word start` is `word-start`."""
    return name.lower().replace(" ", "-")


def search(vocabulary: Vocabulary, query: str) -> Steps[np.ndarray]:
    """bool [n]. Raises InputError for a term that says nothing."""
    found = np.ones(len(vocabulary), bool)
    for term in TERM.findall(query):
        negative = term.startswith("-") and len(term) > 1
        hits = yield from _term(vocabulary, term[1:] if negative else term)
        found &= ~hits if negative else hits
    return found


def _term(vocabulary: Vocabulary, term: str) -> Steps[np.ndarray]:
    yield 0.0
    name, colon, rest = term.partition(":")
    if colon and name in ("len", "id"):
        return _in_range(vocabulary.lengths if name == "len" else np.arange(len(vocabulary)), term, rest)
    if colon and name == "type":
        return _of_kind(vocabulary, rest)
    if colon and name == "re":
        return (yield from _matching(vocabulary, rest.strip('"') if rest.startswith('"') else rest))
    return containing(vocabulary, (term.strip('"') if term.startswith('"') else term).replace("·", " "))


def _in_range(values: np.ndarray, term: str, rest: str) -> np.ndarray:
    if not (match := RANGE.fullmatch(rest)):
        raise InputError(f"“{term}” names no numbers.", hint="Write for example len:8, len:>8 or len:2-4.")
    sign, number, low, high = match.groups()
    if low is not None:
        return (values >= int(low)) & (values <= int(high))
    return COMPARE[sign or ""](values, int(number))


def _of_kind(vocabulary: Vocabulary, rest: str) -> np.ndarray:
    keys = [kind_key(name) for name in KINDS]
    wanted = [key for key in rest.lower().split(",") if key]
    if not wanted or (unknown := next((key for key in wanted if key not in keys), "")):
        shown = f"type “{unknown}”" if wanted else "type without a name"
        raise InputError(f"There is no {shown}.", hint=f"Types are {', '.join(keys)}.")
    return np.isin(vocabulary.kinds, [keys.index(key) for key in wanted])


def _matching(vocabulary: Vocabulary, pattern: str) -> Steps[np.ndarray]:
    try:
        expression = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(
            f"“{pattern}” is no regular expression: {error}.", hint="Mend or remove it."
        ) from None
    hits = np.zeros(len(vocabulary), bool)
    for start in range(0, len(vocabulary), STEP):
        stop = min(start + STEP, len(vocabulary))
        hits[start:stop] = [expression.search(text) is not None for text in vocabulary.plain[start:stop]]
        yield stop / len(vocabulary)
    return hits & (vocabulary.kinds != UNUSED)


def containing(vocabulary: Vocabulary, text: str, *, fold: bool = True) -> np.ndarray:
    """bool [n]: the token holds `text`. `fold`: without capitals in `text`, ASCII capitals are found too."""
    wanted = np.frombuffer(text.encode(), np.uint8)
    hits = np.zeros(len(vocabulary), bool)
    data = vocabulary.folded if fold and text == text.lower() else vocabulary.data
    if not len(wanted) or len(data) < len(wanted):
        return hits
    count = len(data) - len(wanted) + 1
    same = data[:count] == wanted[0]
    for place, byte in enumerate(wanted[1:], 1):
        same &= data[place : place + count] == byte
    starts = np.flatnonzero(same)
    tokens = np.searchsorted(vocabulary.offsets, starts, side="right") - 1
    inside = starts + len(wanted) <= vocabulary.offsets[tokens + 1]  # not across the border of two tokens
    hits[tokens[inside]] = True
    return hits
