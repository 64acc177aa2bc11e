"""The trace that fits a tokenizer's kind: merges, lattice, or longest match, one picture a word."""

import json
from dataclasses import replace
from functools import lru_cache

from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.merges import merges_of
from tokstudio.tokens.trace import unigram
from tokstudio.tokens.trace.bpe import merge_pictures, rank_merges
from tokstudio.tokens.trace.picture import Bar, Picture
from tokstudio.tokens.trace.unigram import Entry, lattice
from tokstudio.tokens.trace.wordpiece import longest_match

SPACE = "\u2581"


def kind_of(tokenizer: Tokenizer) -> str:
    """ "BPE", "Unigram", "WordPiece", or "" where there is nothing to trace."""
    for kind in ("BPE", "Unigram", "WordPiece"):
        if kind in tokenizer.algorithm:
            return kind
    return ""


def pictures(tokenizer: Tokenizer, text: str, paths: int = 5) -> list[Picture]:
    """One for each word of `text`. Raises TokenizerError where the vocabulary cannot be read again."""
    kind = kind_of(tokenizer)
    if not text:
        return []
    if kind == "BPE":
        ranks = hasattr(tokenizer, "_pattern") and hasattr(tokenizer, "_table")
        found = rank_merges(tokenizer, text) if ranks else merges_of(tokenizer.reference)
        made = merge_pictures(tokenizer, found, text)
        return _whole_words(tokenizer._library, text, made) if _ignores_merges(tokenizer) else made
    if kind == "WordPiece":
        return _word_pieces(tokenizer, text)
    if kind == "Unigram":
        return _unigrams(tokenizer, text, paths)
    return []


def _ignores_merges(tokenizer: Tokenizer) -> bool:
    """Llama 3's rule: a word that is an entry is that entry, whatever merging would give."""
    return bool(getattr(getattr(getattr(tokenizer, "_library", None), "model", None), "ignore_merges", False))


def _whole_words(library, text: str, found: list[Picture]) -> list[Picture]:
    words = split(library, text)
    if len(words) != len(found):
        return found
    ids = [library.token_to_id(word) for word in words]
    return [
        picture if token is None or picture.ids == (token,) else _whole(picture, token)
        for picture, token in zip(found, ids, strict=True)
    ]


def _whole(picture: Picture, token: int) -> Picture:
    """The merges go on being shown, as what is passed over."""
    inner = tuple(replace(bar, kind="made") for bar in picture.bars if bar.row)
    entry = Bar(picture.rows, 0, len(picture.units), "".join(picture.units), f"id {token}, whole", "token")
    return replace(picture, bars=(*inner, entry), ids=(token,))


def _word_pieces(tokenizer: Tokenizer, text: str) -> list[Picture]:
    library = tokenizer._library
    model = library.model
    vocabulary = _vocabulary(tokenizer.fingerprint, library)
    return [
        longest_match(
            word,
            vocabulary,
            unknown=model.unk_token,
            prefix=model.continuing_subword_prefix,
            most=model.max_input_chars_per_word,
        )
        for word in split(library, text)
    ]


@lru_cache(maxsize=4)
def _vocabulary(_fingerprint: str, library) -> dict[str, int]:
    return library.get_vocab(with_added_tokens=False)


def split(library, text: str) -> list[str]:
    """The words that a Hugging Face tokenizer hands to its model."""
    from tokenizers import PreTokenizedString

    parts = PreTokenizedString(text)
    if library.normalizer is not None:
        parts.normalize(lambda part: library.normalizer.normalize(part))
    if library.pre_tokenizer is not None:
        library.pre_tokenizer.pre_tokenize(parts)
    return [word for word, _, _ in parts.get_splits("original", "byte") if word]


def _unigrams(tokenizer: Tokenizer, text: str, paths: int) -> list[Picture]:
    library = tokenizer._library
    if hasattr(library, "GetScore"):
        entries, unknown, spell = _sentencepiece(tokenizer.fingerprint, library)
        words = [library.Normalize(text)]
    else:
        entries, unknown, spell = _hugging_face(tokenizer.fingerprint, library)
        words = split(library, text)
    longest = max(map(len, entries), default=1)
    scores = [entry.score for entry in entries.values()]
    lowest = min(scores, default=0.0)
    return [
        unigram.picture(lattice(word, entries, unknown, longest, lowest), paths, spell)
        for word in words
        if word
    ]


@lru_cache(maxsize=2)
def _sentencepiece(_fingerprint: str, library):
    """Pieces that stand for text, by their score."""
    entries = {}
    for i in range(len(library)):
        piece = library.IdToPiece(i)
        if library.IsControl(i) or library.IsUnknown(i) or library.IsUnused(i) or library.IsByte(i):
            continue
        score = library.GetScore(i)
        entries[piece] = Entry(i, score)
    in_bytes = {library.IdToPiece(i): i for i in range(min(len(library), 512)) if library.IsByte(i)}
    return entries, library.unk_id(), _speller(in_bytes)


@lru_cache(maxsize=2)
def _hugging_face(_fingerprint: str, library):
    model = json.loads(library.to_str())["model"]
    entries = {piece: Entry(i, score) for i, (piece, score) in enumerate(model["vocab"])}
    in_bytes = {}
    if model.get("byte_fallback"):
        in_bytes = {
            piece: entry.token for piece, entry in entries.items() if len(piece) == 6 and piece[:3] == "<0x"
        }
    unknown = model.get("unk_id")
    return entries, -1 if unknown is None else unknown, _speller(in_bytes)


def _speller(in_bytes: dict[str, int]):
    """A function of a character: the ids of its bytes; None where the vocabulary has no bytes."""
    if not in_bytes:
        return None
    return lambda char: [in_bytes[f"<0x{byte:02X}>"] for byte in char.encode()]
