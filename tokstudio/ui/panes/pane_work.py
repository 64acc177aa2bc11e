"""What the session does in threads: load a tokenizer, compare encodings; and which tokens a chat trains."""

import numpy as np

from tokstudio.align.edges import Agreement, agreement
from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.measure import Measures, measure
from tokstudio.tokens.recent import remember
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.spec import notes_of, parse_spec
from tokstudio.tokens.whatif_state import state_of
from tokstudio.tokens.written import occurrences


def loaded(reference: str) -> tuple[Tokenizer, tuple[str, ...]]:
    """The tokenizer, and what its spec says about it."""
    made = load_tokenizer(reference)
    if state_of(reference) is None:  # a tokenizer somebody is trying changes on is no recent one
        remember(made.reference, made.name)
    if hasattr(made, "light"):
        made.light = True  # long texts are encoded elsewhere
    made.encode("a")  # what is made at the first use is made here, in the thread
    return made, () if parse_spec(reference).plain else tuple(notes_of(reference))


def refused(tokenizer: Tokenizer, text: str, written: str) -> tuple[int, int] | None:
    """Bytes of the first special token that is written out in `text`; None where it may be."""
    if written != "forbid" or (found := next(occurrences(text, tokenizer.special_tokens), None)) is None:
        return None
    start = len(text[: found[0]].encode())
    return start, start + len(text[slice(*found)].encode())


def inside(encoding: Encoding, ranges: tuple[tuple[int, int], ...] | None) -> np.ndarray | None:
    """bool [n]: does the token begin inside one of the ascending byte `ranges`? None where there are none."""
    if ranges is None:
        return None
    edges = np.array(ranges, np.int64).reshape(-1)
    starts = encoding.spans[:, 0]
    wide = encoding.spans[:, 1] > starts
    return wide & (np.searchsorted(edges, starts, side="right") % 2 == 1)


def comparison(pairs: list[tuple[Encoding, Tokenizer]]):
    """The work that answers (Agreement or None, [Measures]); runs in any thread."""

    def work() -> tuple[Agreement | None, list[Measures]]:
        encodings = [encoding for encoding, _ in pairs]
        found = agreement(encodings) if encodings else None
        return found, [measure(encoding, tokenizer) for encoding, tokenizer in pairs]

    return work
