"""What a tokenizer's normalizer makes of a text."""

from tokstudio.tokens.base import Tokenizer

SPACE = "\u2581"  # how SentencePiece writes a space


def normalized(tokenizer: Tokenizer, text: str) -> str | None:
    """None where the tokenizer has no normalizer. The mark for a space reads as a space again, and one that a
    normalizer puts before the text is left out: neither changes the text."""
    library = getattr(tokenizer, "_library", None)
    if hasattr(library, "normalizer"):
        made = library.normalizer.normalize_str(text) if library.normalizer is not None else None
    elif hasattr(library, "Normalize"):
        made = library.Normalize(text)
    else:
        return None
    return plain(made, text) if made is not None else None


def plain(made: str, text: str) -> str:
    """`made` without the marks for spaces that only the vocabulary knows."""
    if SPACE in made and SPACE not in text:
        made = made.replace(SPACE, " ")
        if made.startswith(" ") and not text.startswith(" "):
            made = made[1:]
    return made
