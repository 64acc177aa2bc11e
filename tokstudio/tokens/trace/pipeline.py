"""The way of a text through a tokenizer: normalizer, pre-tokenizer, model, post-processor, each with the byte
ranges of the text that its pieces came from. The last stage holds exactly the ids that the library gives."""

from dataclasses import dataclass

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer, Written
from tokstudio.tokens.show import token_texts
from tokstudio.tokens.trace.describe import describe
from tokstudio.tokens.trace.normalize import normalized


@dataclass(frozen=True, slots=True)
class Piece:
    """`start:stop` are bytes of the text; both the same for what no text stands behind."""

    text: str
    start: int
    stop: int
    token: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    name: str  # "Normalizer", "Pre-tokenizer", "Model", "Post-processor"
    about: str  # what it consists of
    pieces: tuple[Piece, ...]
    changed: bool = True  # False: this stage does nothing, or nothing here


def pipeline(
    tokenizer: Tokenizer, text: str, *, special: bool = True, written: Written = "text"
) -> list[Stage]:
    """Raises TokenizerError for a text that the tokenizer refuses."""
    bare = tokenizer.encode(text, special=False, written=written)
    full = tokenizer.encode(text, special=special, written=written)
    library = getattr(tokenizer, "_library", None)
    if hasattr(library, "pre_tokenizer"):
        first = _hugging_face(tokenizer, library, text)
    elif hasattr(tokenizer, "_pattern"):
        first = _by_pattern(tokenizer, text)
    elif hasattr(library, "Normalize"):
        first = _sentencepiece(tokenizer, library, text)
    else:
        first = [_none("Normalizer", text), _none("Pre-tokenizer", text)]
    model = Stage("Model", tokenizer.algorithm, _tokens(tokenizer, bare))
    added = len(full) - len(bare)
    about = f"adds {added} special token{'s' if added != 1 else ''}" if added else "adds nothing"
    return [*first, model, Stage("Post-processor", about, _tokens(tokenizer, full), bool(added))]


def _tokens(tokenizer: Tokenizer, encoding: Encoding) -> tuple[Piece, ...]:
    texts = token_texts(tokenizer, np.asarray(encoding.ids))
    spans = encoding.spans.tolist()
    ids = encoding.ids.tolist()
    return tuple(Piece(t, a, b, i) for t, (a, b), i in zip(texts, spans, ids, strict=True))


def _none(name: str, text: str, about: str = "none") -> Stage:
    return Stage(name, about, (Piece(text, 0, len(text.encode())),) if text else (), False)


def _hugging_face(tokenizer: Tokenizer, library, text: str) -> list[Stage]:
    from tokenizers import PreTokenizedString

    parts = PreTokenizedString(text)
    if library.normalizer is not None:
        parts.normalize(lambda part: library.normalizer.normalize(part))
    after = _pieces(parts)
    same = [piece.text for piece in after] == [text]
    stages = [
        Stage("Normalizer", describe(library.normalizer) if library.normalizer else "none", after, not same)
    ]
    if library.pre_tokenizer is None:
        return [*stages, Stage("Pre-tokenizer", "none", after, False)]
    library.pre_tokenizer.pre_tokenize(parts)
    return [*stages, Stage("Pre-tokenizer", describe(library.pre_tokenizer), _pieces(parts))]


def _pieces(parts) -> tuple[Piece, ...]:
    return tuple(
        Piece(word, start, stop) for word, (start, stop), _ in parts.get_splits("original", "byte") if word
    )


def _by_pattern(tokenizer: Tokenizer, text: str) -> list[Stage]:
    import regex

    edges = np.append(0, np.cumsum([len(char.encode()) for char in text])).tolist()
    found = regex.finditer(tokenizer._pattern, text, timeout=2)
    pieces = tuple(Piece(m[0], edges[m.start()], edges[m.end()]) for m in found if m[0])
    return [_none("Normalizer", text), Stage("Pre-tokenizer", f"pattern {tokenizer._pattern}", pieces)]


def _sentencepiece(tokenizer: Tokenizer, library, text: str) -> list[Stage]:
    made = library.Normalize(text)
    same = normalized(tokenizer, text) == text
    about = "writes spaces as \u2581" + ("" if same else ", and changes the text")
    whole = Stage("Normalizer", about, (Piece(made, 0, len(text.encode())),) if made else (), not same)
    return [whole, Stage("Pre-tokenizer", "none: the model sees the whole text", whole.pieces, False)]
