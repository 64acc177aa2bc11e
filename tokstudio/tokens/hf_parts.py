"""What a Hugging Face tokenizer says of itself: which alphabet it writes, by which algorithm it works."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tokstudio.tokens.alphabet import SPACE, Alphabet

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

ALGORITHMS = {"BPE": "BPE", "Unigram": "Unigram", "WordPiece": "WordPiece", "WordLevel": "Word level"}
MEMBERS = ("normalizers", "pretokenizers", "decoders", "processors")


def parts(component: Any) -> list[dict]:
    """The settings of a component and of all components inside it; empty for None."""
    return list(_flat(json.loads(component.__getstate__()))) if component is not None else []


def _flat(state: dict) -> Iterator[dict]:
    yield state
    for key in MEMBERS:
        for member in state.get(key) or ():
            yield from _flat(member)


def alphabet_of(library: "Library") -> Alphabet:
    model = library.model
    steps = [*parts(library.normalizer), *parts(library.pre_tokenizer), *parts(library.decoder)]
    kinds = {step.get("type") for step in steps}
    byte_level = "ByteLevel" in kinds
    return Alphabet(
        byte_level=byte_level,
        spaces=not byte_level and ("Metaspace" in kinds or any(_is_space_rule(step) for step in steps)),
        byte_entries="ByteFallback" in kinds or bool(getattr(model, "byte_fallback", False)),
        prefix=getattr(model, "continuing_subword_prefix", None) or "",
        suffix=getattr(model, "end_of_word_suffix", None) or "",
    )


def _is_space_rule(step: dict) -> bool:
    """Does this step swap "▁" and a space, either way?"""
    pattern = step.get("pattern")
    pattern = pattern.get("String") if isinstance(pattern, dict) else pattern
    return step.get("type") == "Replace" and SPACE in (pattern, step.get("content"))


def algorithm_of(library: "Library", alphabet: Alphabet) -> str:
    kind = type(library.model).__name__
    return "Byte BPE" if kind == "BPE" and alphabet.byte_level else ALGORITHMS.get(kind, kind)


def unknown_of(library: "Library") -> int | None:
    """Unigram keeps the id, the others the entry."""
    if (token := getattr(library.model, "unk_token", None)) is not None:
        return library.token_to_id(token)
    return getattr(library.model, "unk_id", None)
