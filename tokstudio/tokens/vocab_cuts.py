"""What becomes of one vocabulary's tokens in another: which are there as well, and into how many tokens of the
other one the rest are cut. A token that is cut is a merge that the other vocabulary lost or never had."""

from collections.abc import Generator, Sequence

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Tokenizer

STEP = 512  # tokens encoded between two steps, about 15 ms
MOST = 255  # no token is cut into more, as far as counted here
GROUPS = ("Word starts", "Continuations", "Other tokens")  # where a flow between two vocabularies begins
FATES = ("same", "one", "two", "three", "more", "none", "part")
SAME, ONE, TWO, THREE, MORE, NONE, PART = range(len(FATES))


def cuts(
    tokenizer: Tokenizer, tokens: Sequence[bytes], counted: np.ndarray, twins: np.ndarray, spaced: np.ndarray
) -> Generator[float, None, np.ndarray]:
    """float32 [n]: of how many tokens of `tokenizer` the text of each token is made; 1 where it has a token of these
    bytes, 0 where it cannot write the text, NaN where the token takes no part or is no text by itself.

    Each text is encoded alone. `counted`: bool [n], takes part; `twins`: int64 [n], the id there or -1; `spaced`:
    bool [n], begins a word without saying so by a space, as in WordPiece: tried behind a space, too.
    """
    found = np.full(len(tokens), np.nan, np.float32)
    found[counted & (twins >= 0)] = 1
    left = np.flatnonzero(counted & (twins < 0))
    for place, token in enumerate(left.tolist()):
        try:
            text = tokens[token].decode()
            found[token] = pieces(tokenizer, text)
            if spaced[token] and found[token] > 1:
                found[token] = min(found[token], pieces(tokenizer, " " + text) or MOST)
        except UnicodeDecodeError:  # half a character
            continue
        finally:
            if place % STEP == STEP - 1:
                yield place / len(left)
    return found


def pieces(tokenizer: Tokenizer, text: str) -> int:
    """Of how many tokens `text` is made; 0 where one of them is the unknown one, or nothing is left of it."""
    try:
        ids = tokenizer.encode(text).ids
    except TokenizerError:  # a text that this tokenizer refuses
        return 0
    return 0 if tokenizer.unknown_id is not None and tokenizer.unknown_id in ids else min(MOST, len(ids))


def fates(cuts: np.ndarray, counted: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """int64 [n], index into FATES; -1 for tokens that take no part."""
    found = np.full(len(cuts), -1, np.int64)
    found[counted] = PART
    for fate, hits in (
        (NONE, cuts == 0), (ONE, cuts == 1), (TWO, cuts == 2), (THREE, cuts == 3), (MORE, cuts > 3),
    ):  # fmt: skip
        found[counted & hits] = fate
    found[counted & (twins >= 0)] = SAME
    return found


def flow(fates: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """int64 [len(GROUPS), len(FATES)]: tokens of each group and fate. `groups`: int [n], index into GROUPS."""
    there = fates >= 0
    places = groups[there] * len(FATES) + fates[there]
    return np.bincount(places, minlength=len(GROUPS) * len(FATES)).reshape(len(GROUPS), len(FATES))
