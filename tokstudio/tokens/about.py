"""Everything one token's vocabulary says about it: what the inspector of Compare and `tokstudio token` show."""

import unicodedata
from dataclasses import dataclass

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Tokenizer, checked_one
from tokstudio.tokens.merges import merges_of
from tokstudio.tokens.show import readable
from tokstudio.tokens.table import TokenTable
from tokstudio.tokens.trace.bpe import rank_merges
from tokstudio.tokens.vocab_scripts import NAMES, scripts_of

BESIDE = 4  # ids on each side
MOST = 12  # longer tokens
MOST_POINTS = 64


@dataclass(frozen=True)
class Point:
    """A code point of a token's text."""

    char: str
    code: str  # "U+00E9"
    name: str  # "LATIN SMALL LETTER E WITH ACUTE"
    data: bytes


@dataclass(frozen=True)
class TokenFacts:
    """`None` stands for what this kind of vocabulary does not have."""

    token: int
    kind: str  # "special", "unused", "byte", "part of a character", "text"
    data: bytes | None
    written: str  # as the vocabulary spells it: "Ġthe", "##ing", "▁the", else the text
    points: tuple[Point, ...]
    script: str
    rank: int | None  # place of its merge; 0 is the first
    parts: tuple[int, ...]  # what its last merge joined
    score: float | None
    beside: tuple[tuple[int, str], ...]  # ids next to it
    relatives: tuple[tuple[int, str], ...]  # with or without a space, in other cases
    longer: tuple[tuple[int, str], ...]  # that begin with it
    longer_count: int


def facts(tokenizer: Tokenizer, token: int) -> TokenFacts:
    """Raises TokenizerError for an id out of range."""
    size = len(tokenizer)
    token = checked_one(token, size)
    data, name = tokenizer.token_bytes(token), name_of(tokenizer, token)
    points, script = _points(data), ""
    if points:
        script = NAMES[int(scripts_of([data.decode()])[0])]
    rank, parts = _merge(tokenizer, token) if data else (None, ())
    near = range(max(0, token - BESIDE), min(size, token + BESIDE + 1))
    longer, count = _longer(tokenizer, token, data)
    return TokenFacts(
        token,
        _kind(tokenizer, token, data),
        data,
        _written(tokenizer, token, name),
        points,
        script,
        rank,
        parts,
        _score(tokenizer, token),
        tuple((i, name_of(tokenizer, i)) for i in near if i != token),
        _relatives(tokenizer, token, data),
        longer,
        count,
    )


def name_of(tokenizer: Tokenizer, token: int) -> str:
    """The text, a special token's written form, bytes as \\xf0; "#7" for an unused id."""
    data = tokenizer.token_bytes(token)
    if data is not None:
        return readable(data)
    return next((name for name, i in tokenizer.special_tokens.items() if i == token), f"#{token}")


def _kind(tokenizer: Tokenizer, token: int, data: bytes | None) -> str:
    if data is None:
        special = token in tokenizer.special_tokens.values() or token == tokenizer.unknown_id
        return "special" if special else "unused"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "byte" if len(data) == 1 else "part of a character"
    return "byte" if len(data) == 1 and tokenizer.algorithm == "Bytes" else "text"


def _points(data: bytes | None) -> tuple[Point, ...]:
    """Empty where the token is no whole text."""
    try:
        text = (data or b"").decode()
    except UnicodeDecodeError:
        return ()
    return tuple(
        Point(char, f"U+{ord(char):04X}", unicodedata.name(char, _control(char)), char.encode())
        for char in text[:MOST_POINTS]
    )


CONTROLS = {"\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\0": "NULL", "\x7f": "DELETE"}


def _control(char: str) -> str:
    """Control characters have no name in Unicode's list."""
    if char in CONTROLS:
        return CONTROLS[char]
    kind = unicodedata.category(char)
    return {"Cc": "CONTROL CHARACTER", "Co": "PRIVATE USE"}.get(kind, "NO NAME")


def _written(tokenizer: Tokenizer, token: int, name: str) -> str:
    if hasattr(tokenizer, "piece"):
        return tokenizer.piece(token) or name
    library = getattr(tokenizer, "_library", None)
    return library.IdToPiece(token) if hasattr(library, "IdToPiece") else name


def _merge(tokenizer: Tokenizer, token: int) -> tuple[int | None, tuple[int, ...]]:
    """Of BPE: its place in the order of merges and the two that it was made of."""
    if "BPE" not in tokenizer.algorithm:
        return None, ()
    try:
        quick = hasattr(tokenizer, "_pattern") and isinstance(getattr(tokenizer, "_table", None), TokenTable)
        merges = (
            rank_merges(tokenizer, tokenizer.token_bytes(token)) if quick else merges_of(tokenizer.reference)
        )
        tree = merges.tree(token)
    except TokenizerError:
        return None, ()
    if tree is None or not tree.parts:
        return None, ()
    return tree.rank, tuple(part.token for part in tree.parts)


def _score(tokenizer: Tokenizer, token: int) -> float | None:
    library = getattr(tokenizer, "_library", None)
    if hasattr(library, "GetScore"):
        return float(library.GetScore(token)) if token < len(library) else None
    if tokenizer.algorithm != "Unigram" or library is None:
        return None
    from tokstudio.tokens.trace.words import _hugging_face

    entries, _, _ = _hugging_face(tokenizer.fingerprint, library)
    return next((entry.score for entry in entries.values() if entry.token == token), None)


def _relatives(tokenizer: Tokenizer, token: int, data: bytes | None) -> tuple[tuple[int, str], ...]:
    """Tokens of the same word, with or without a space in front, in small letters or capitals."""
    try:
        word = (data or b"").decode().strip()
    except UnicodeDecodeError:
        return ()
    if not word:
        return ()
    found: dict[int, str] = {}
    for form in dict.fromkeys((word, word.lower(), word.capitalize(), word.upper())):
        for text in (form, " " + form, f"x{form}"):
            try:
                ids = tokenizer.encode(text).ids.tolist()
            except TokenizerError:
                continue
            made = ids[-1] if text[0] != "x" or len(ids) == 2 else -1
            spelled = tokenizer.token_bytes(made) if made >= 0 else None
            if made != token and spelled is not None and spelled.strip().lower() == word.lower().encode():
                found[made] = _written(tokenizer, made, readable(spelled))
    return tuple(found.items())


def _longer(tokenizer: Tokenizer, token: int, data: bytes | None) -> tuple[tuple[tuple[int, str], ...], int]:
    """The first ids whose bytes go on behind this token's, and how many there are."""
    table = getattr(tokenizer, "_table", None)
    if not data or not isinstance(table, TokenTable):
        return (), 0
    wide = np.flatnonzero(np.diff(table.edges) > len(data))
    starts = table.edges[wide]
    for at, byte in enumerate(data):
        keep = table.blob[starts + at] == byte
        wide, starts = wide[keep], starts[keep]
    return tuple((i, name_of(tokenizer, i)) for i in wide[:MOST].tolist() if i != token), len(wide)
