"""Which tokens of a vocabulary a query means.

| term | finds tokens |
| --- | --- |
| `ing` | that hold these letters; small letters also find capitals |
| `"a b"` | the same with a space inside; `·` is a space too |
| `len:8` `len:>8` `len:2-4` | by their number of bytes; `chars:` by characters |
| `id:100` `id:<256` `id:5-9` | by their number |
| `count:0` `norm:<0.5` | by how often they occurred in the counted text; by the norm of their row |
| `type:word-start,digits` | of one of these kinds |
| `type:unreachable` | with this finding of the health check |
| `script:Cyrl` | whose first letter is of this script |
| `has:space` `has:digit` | that hold such a character |
| `in:both` `in:only` | that another vocabulary has too, or does not have |
| `cut:2` `cut:>3` `cut:0` | by the number of another vocabulary's tokens their text is made of; 0: it cannot write it |
| `re:^\\s+$` | where the regular expression is found |

All terms must hold. `-` before a term turns it round; commas inside a term mean "or".
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tokstudio.errors import InputError
from tokstudio.tokens.vocab_scripts import CODES, script_number

TERM = re.compile(r"""-?(?:re:"[^"]*"|re:\S+|"[^"]*"|\S+)""")
NUMBER = r"\d{1,12}(?:\.\d{1,6})?"
RANGE = re.compile(rf"(>=|<=|>|<|=)?({NUMBER})|({NUMBER})-({NUMBER})")
STEP = 2048  # tokens a regular expression is tried on between two steps
STARTED = "started"  # yielded before a regular expression: from here on it may never come back
COMPARE: dict[str, Callable] = {
    ">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal, "=": np.equal, "": np.equal,
}  # fmt: skip
HAS = {
    "space": " ", "white-space": r"\s", "newline": r"[\n\r]", "digit": r"\p{Nd}", "letter": r"\p{L}",
    "upper": r"\p{Lu}", "punctuation": r"\p{P}", "symbol": r"\p{S}", "emoji": r"\p{Extended_Pictographic}",
    "control": r"\p{Cc}", "non-ascii": r"[^\x00-\x7f]",
}  # fmt: skip
_ANOTHER = "Click “Differences”, then “Compare with…”, and choose another vocabulary."
MISSING = {  # what has to be made first -> how in the window
    "count": "Click “Count in…” beside “Coverage” and choose a text.",
    "norm": "Click “Open a model's folder…” below “Norm” and choose a model with this vocabulary.",
    "cut": _ANOTHER,
    "in": _ANOTHER,
    "health": "Click “Health”: it checks every token.",
}


class Unanswered(InputError):
    """Says nothing until something else is known; `missing` is a key of `MISSING`."""

    def __init__(self, term: str, missing: str):
        super().__init__(f"“{term}” cannot be answered yet.", hint=MISSING[missing])
        self.missing = missing


Steps = Generator[float | str, None, np.ndarray]


@dataclass(eq=False)
class Queried:
    """What a query is asked of. All arrays are as long as the vocabulary."""

    vocabulary: Any  # data, offsets, kinds, glued, lengths, folded, plain as in embed.vocabulary.Vocabulary
    kinds: Sequence[str]
    unused: int
    scripts: np.ndarray
    numbers: dict[str, np.ndarray] = field(default_factory=dict)  # count, norm, cut
    flags: dict[str, np.ndarray] = field(default_factory=dict)  # findings of the health check, by key
    others: dict[str, np.ndarray] = field(default_factory=dict)  # in:both, in:only

    def __len__(self) -> int:
        return len(self.vocabulary.kinds)


def key_of(name: str) -> str:
    """How a kind or finding is written in a query: `Word start` is `word-start`."""
    return name.lower().replace(" ", "-")


def search(about: Queried, query: str) -> Steps:
    """bool [n]. Raises InputError for a term that says nothing."""
    found = np.ones(len(about), bool)
    terms = TERM.findall(query)
    for term in sorted(terms, key=lambda term: term.lstrip("-").startswith("re:")):  # the dear ones last
        negative = term.startswith("-") and len(term) > 1
        hits = yield from _term(about, term[1:] if negative else term, found)
        found &= ~hits if negative else hits
    return found


def _term(about: Queried, term: str, among: np.ndarray) -> Steps:
    yield 0.0
    name, colon, rest = term.partition(":")
    if colon and (field_ := FIELDS.get(name)) is not None:
        return field_(about, term, rest)
    if colon and name == "re":
        return (yield from _matching(about, rest.strip('"') if rest.startswith('"') else rest, among))
    if colon and re.fullmatch(r"[a-z]{2,12}", name) and rest and not rest.startswith(("/", ":")):
        raise InputError(
            f"There is no filter “{name}:”.",
            hint=f'There are {", ".join([*FIELDS, "re"])}. To find these letters, write “"{term}"”.',
        )
    return containing(about.vocabulary, (term.strip('"') if term.startswith('"') else term).replace("·", " "))


def _in_range(values: np.ndarray, term: str, rest: str) -> np.ndarray:
    name = term.partition(":")[0]
    found = np.zeros(len(values), bool)
    for part in rest.split(","):
        if not (match := RANGE.fullmatch(part)):
            raise InputError(
                f"“{term}” names no numbers.", hint=f"Write for example {name}:8, {name}:>8 or {name}:2-4."
            )
        sign, number, low, high = match.groups()
        if low is not None:
            found |= (values >= float(low)) & (values <= float(high))
        else:
            found |= COMPARE[sign or ""](values, float(number))
    return found


def _length(about: Queried, term: str, rest: str) -> np.ndarray:
    return _in_range(about.vocabulary.lengths, term, rest)


def _characters(about: Queried, term: str, rest: str) -> np.ndarray:
    plain = about.vocabulary.plain
    return _in_range(np.fromiter(map(len, plain), np.int64, len(plain)), term, rest)


def _id(about: Queried, term: str, rest: str) -> np.ndarray:
    return _in_range(np.arange(len(about)), term, rest)


def _number(about: Queried, term: str, rest: str) -> np.ndarray:
    name = term.partition(":")[0]
    if (values := about.numbers.get(name)) is None:
        raise Unanswered(term, name)
    return _in_range(values, term, rest)


def _words(rest: str, known: Sequence[str], what: str, term: str) -> list[str]:
    wanted = [key for key in rest.lower().split(",") if key]
    unknown = next((key for key in wanted if key not in known), "")
    if not wanted or unknown:
        shown = f"There is no {what} “{unknown}”." if unknown else f"“{term}” names no {what}."
        raise InputError(shown, hint=f"There are {', '.join(known)}.")
    return wanted


def _type(about: Queried, term: str, rest: str) -> np.ndarray:
    keys = [key_of(name) for name in about.kinds]
    known = [*keys, *(key for key in about.flags if key not in keys)]
    unchecked = [key for key in FINDINGS if key not in known]
    if any(key in unchecked for key in rest.lower().split(",")):
        raise Unanswered(term, "health")
    wanted = _words(rest, known, "type", term)
    found = np.isin(about.vocabulary.kinds, [keys.index(key) for key in wanted if key in keys])
    for key in wanted:
        if key in about.flags:
            found |= about.flags[key]
    return found


FINDINGS = ("unreachable", "duplicate", "alike", "under-trained", "not-utf-8")


def _script(about: Queried, term: str, rest: str) -> np.ndarray:
    wanted = [(word, script_number(word)) for word in rest.split(",") if word]
    unknown = next((word for word, number in wanted if number is None), "")
    if not wanted or unknown:
        shown = f"There is no script “{unknown}”." if unknown else f"“{term}” names no script."
        raise InputError(shown, hint=f"Scripts are {', '.join(CODES[1:13])} and others, or none.")
    return np.isin(about.scripts, [number for _, number in wanted])


def _has(about: Queried, term: str, rest: str) -> np.ndarray:
    import regex

    wanted = _words(rest, tuple(HAS), "kind of character", term)
    if wanted == ["space"]:
        return containing(about.vocabulary, " ")
    plain = about.vocabulary.plain
    sizes = np.fromiter(map(len, plain), np.int64, len(plain))
    starts = [m.start() for m in regex.finditer("|".join(HAS[key] for key in wanted), "".join(plain))]
    found = np.zeros(len(about), bool)
    found[np.searchsorted(np.cumsum(sizes), np.array(starts, np.int64), side="right")] = True
    return found


def _in(about: Queried, term: str, rest: str) -> np.ndarray:
    if not about.others:
        raise Unanswered(term, "in")
    found = np.zeros(len(about), bool)
    for key in _words(rest, tuple(about.others), "side", term):
        found |= about.others[key]
    return found


FIELDS: Mapping[str, Callable[[Queried, str, str], np.ndarray]] = {
    "len": _length,
    "chars": _characters,
    "id": _id,
    "count": _number,
    "norm": _number,
    "cut": _number,
    "type": _type,
    "script": _script,
    "has": _has,
    "in": _in,
}


def _matching(about: Queried, pattern: str, among: np.ndarray) -> Steps:
    """Only the tokens `among` are tried: what an earlier term has ruled out costs nothing."""
    import regex

    try:
        expression = regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError, ValueError) as error:
        raise InputError(
            f"“{pattern}” is no regular expression: {error}.", hint="Mend or remove it."
        ) from None
    plain = about.vocabulary.plain
    tried = np.flatnonzero(among & (about.vocabulary.kinds != about.unused))
    hits = np.zeros(len(about), bool)
    yield STARTED
    for start in range(0, len(tried), STEP):
        part = tried[start : start + STEP]
        hits[part] = [expression.search(plain[token]) is not None for token in part.tolist()]
        yield min(1.0, (start + STEP) / len(tried))
    return hits


def containing(vocabulary: Any, text: str, *, fold: bool = True) -> np.ndarray:
    """bool [n]: the token holds `text`. `fold`: without capitals in `text`, ASCII capitals are found too."""
    wanted = np.frombuffer(text.encode(errors="replace"), np.uint8)
    hits = np.zeros(len(vocabulary), bool)
    data = vocabulary.folded if fold and text == text.lower() else vocabulary.data
    if not len(wanted) or len(data) < len(wanted):
        return hits
    count = len(data) - len(wanted) + 1
    starts = np.flatnonzero(data[:count] == wanted[0])
    for place, byte in enumerate(wanted[1:], 1):
        starts = starts[data[starts + place] == byte]
    tokens = np.searchsorted(vocabulary.offsets, starts, side="right") - 1
    inside = starts + len(wanted) <= vocabulary.offsets[tokens + 1]  # not across the border of two tokens
    hits[tokens[inside]] = True
    return hits
