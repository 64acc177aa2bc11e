"""After an edit only the lines around it are encoded again, where that gives exactly what encoding all would.

A text is cut behind a line end that follows visible ASCII, before an ASCII letter. There every pattern of
tiktoken's encodings, GPT-2's, and BERT's white-space rule end a word, and nothing that they look at reaches
across: such a cut text encodes part by part. Tokenizers with other rules are encoded as a whole; a test compares.
"""

import re
from functools import lru_cache

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.hf_parts import parts
from tokstudio.tokens.spans import stack

CUT = re.compile(rb"[!-~]\n(?=[A-Za-z])")
REACH = 20_000  # bytes on each side of an edit in which a cut is looked for
BY_CHARACTER = {
    "BertNormalizer",
    "Lowercase",
}  # normalizers that see no farther than a character and its marks


def cuts_at_lines(tokenizer: Tokenizer) -> bool:
    """Is `CUT` a place where its words end, whatever is around?"""
    if hasattr(tokenizer, "_pattern"):
        return tokenizer._pattern in _known_patterns()
    library = getattr(tokenizer, "_library", None)
    if not hasattr(library, "pre_tokenizer") or library.pre_tokenizer is None:
        return False
    return _cut_by(tokenizer.fingerprint, library)


@lru_cache(maxsize=16)
def _cut_by(_fingerprint: str, library) -> bool:
    if any(not token.special for token in library.get_added_tokens_decoder().values()):
        return False  # an added token may hold a line end
    normalizers = {part.get("type") for part in parts(library.normalizer)} - {"Sequence"}
    steps = [part for part in parts(library.pre_tokenizer) if part.get("type") != "Sequence"]
    return normalizers <= BY_CHARACTER and bool(steps) and _cuts(steps[0])


def _cuts(step: dict) -> bool:
    """Does the first step of a pre-tokenizer end words at `CUT`?"""
    kind = step.get("type")
    if kind == "ByteLevel":
        return bool(step.get("use_regex", True)) and not step.get("add_prefix_space")
    if kind == "Split":
        pattern = step.get("pattern")
        known = isinstance(pattern, dict) and pattern.get("Regex") in _known_patterns()
        return known and step.get("behavior") == "Isolated" and not step.get("invert")
    return kind in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")


@lru_cache(maxsize=1)
def _known_patterns() -> frozenset[str]:
    """Of tiktoken's encodings, and GPT-2's as others write it."""
    from tokstudio.tokens.encodings import encoding_names, encoding_spec

    gpt2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    return frozenset({encoding_spec(name).pattern for name in encoding_names()} | {gpt2})


def edited(tokenizer: Tokenizer, before: Encoding, text: bytes) -> Encoding | None:
    """`tokenizer.encode(text)`, given that of an earlier text; None where it has to be encoded as a whole.

    For encodings without special tokens around or inside.
    """
    window = _window(before.text, text)
    if window is None or not cuts_at_lines(tokenizer):
        return None
    start, stop = window
    moved = len(text) - len(before.text)
    middle = tokenizer.encode(text[start:stop].decode())
    head = int(np.searchsorted(before.spans[:, 1], start, "right"))
    tail = int(np.searchsorted(before.spans[:, 0], stop - moved, "left"))
    if (np.diff(before.spans[:, 0]) < 0).any() or (before.spans[:head, 1] > start).any():
        return None
    spans = np.concatenate(
        [before.spans[:head], middle.spans + np.int32(start), before.spans[tail:] + np.int32(moved)]
    )
    ids = np.concatenate([before.ids[:head], middle.ids, before.ids[tail:]])
    return Encoding(text, ids, stack(spans[:, 0], spans[:, 1]))


def _window(old: bytes, new: bytes) -> tuple[int, int] | None:
    """The bytes of `new` that must be encoded again, between two cuts (or the ends) that both texts share."""
    same = _common(old, new)
    ending = _common(old[::-1], new[::-1]) if same < min(len(old), len(new)) else 0
    ending = min(ending, len(old) - same, len(new) - same)
    starts = [found.end() for found in CUT.finditer(new, max(0, same - REACH), same) if found.end() < same]
    low = starts[-1] if starts else 0 if same <= REACH else None
    after = CUT.search(new, len(new) - ending, min(len(new), len(new) - ending + REACH))
    high = after.end() if after else len(new) if ending <= REACH else None
    if low is None or high is None or high - low > len(new) // 2:
        return None
    return low, high


def _common(a: bytes, b: bytes) -> int:
    """Bytes that both begin with."""
    shorter = min(len(a), len(b))
    differ = np.flatnonzero(np.frombuffer(a, np.uint8, shorter) != np.frombuffer(b, np.uint8, shorter))
    return int(differ[0]) if len(differ) else shorter
