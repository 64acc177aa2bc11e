"""A SentencePiece model as the content of a tokenizer.json."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from tokstudio.errors import TokenizerError
from tokstudio.tokens.alphabet import SPACE
from tokstudio.tokens.model_proto import Normalizer
from tokstudio.tokens.sentencepiece_file import BYTE, CONTROL, NORMAL, UNKNOWN, UNUSED, USER

NEVER = -1e6  # the score of what SentencePiece does not find in a text, and the other library would


def pieces_json(
    pieces: Sequence[str],
    scores: Sequence[float],
    types: Sequence[int],
    *,
    algorithm: str,
    normalizer: Normalizer,
    before: Sequence[int],
    after: Sequence[int],
) -> dict[str, Any]:
    """`before` and `after`: ids that a model expects around a text. Raises TokenizerError for algorithms that the
    form does not know."""
    if algorithm not in ("BPE", "Unigram"):
        raise TokenizerError(
            f"A SentencePiece model of the kind {algorithm} cannot be written as a tokenizer.json.",
            hint="BPE and Unigram can.",
        )
    unknown = types.index(UNKNOWN)
    model = (
        _bpe(pieces, scores, types, unknown)
        if algorithm == "BPE"
        else _unigram(pieces, scores, types, unknown)
    )
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": piece, **flags, "special": of != USER}
            for i, (piece, of) in enumerate(zip(pieces, types, strict=True))
            if of in (UNKNOWN, CONTROL, USER)
        ],
        "normalizer": _normalizer(normalizer),
        "pre_tokenizer": None,
        "post_processor": _frame([pieces[i] for i in before], [pieces[i] for i in after], pieces),
        "decoder": _decoder(normalizer.prefix),
        "model": model,
    }


def _bpe(
    pieces: Sequence[str], scores: Sequence[float], types: Sequence[int], unknown: int
) -> dict[str, Any]:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": pieces[unknown],
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": BYTE in types,
        "ignore_merges": False,
        "vocab": {piece: i for i, piece in enumerate(pieces)},
        "merges": _merges(pieces, scores, types),
    }


def _merges(pieces: Sequence[str], scores: Sequence[float], types: Sequence[int]) -> list[tuple[str, str]]:
    """Every way to make a piece of two others. The best piece is made first; of two ways to make one piece, the one
    with the better parts."""
    ids = {piece: i for i, piece in enumerate(pieces) if types[i] in (NORMAL, UNUSED)}
    found = []
    for piece, i in ids.items():
        for cut in range(1, len(piece)):
            a, b = ids.get(piece[:cut]), ids.get(piece[cut:])
            if a is not None and b is not None:
                found.append((-scores[i], i, a, b))
    return [(pieces[a], pieces[b]) for _, _, a, b in sorted(found)]


def _unigram(
    pieces: Sequence[str], scores: Sequence[float], types: Sequence[int], unknown: int
) -> dict[str, Any]:
    seen = (NORMAL, USER)
    return {
        "type": "Unigram",
        "unk_id": unknown,
        "vocab": [
            [piece, float(score) if of in seen else NEVER]
            for piece, score, of in zip(pieces, scores, types, strict=True)
        ],
        "byte_fallback": BYTE in types,
    }


def _normalizer(normalizer: Normalizer) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    if normalizer.charsmap:
        steps.append({"type": "Precompiled", "precompiled_charsmap": b64encode(normalizer.charsmap).decode()})
    if normalizer.collapse:
        steps.append({"type": "Strip", "strip_left": True, "strip_right": True})
        steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
    steps += [{"type": "Prepend", "prepend": SPACE}] if normalizer.prefix else []
    steps.append({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    return {"type": "Sequence", "normalizers": steps}


def _decoder(prefix: bool) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if prefix:
        steps.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {"type": "Sequence", "decoders": steps}


def _frame(before: list[str], after: list[str], pieces: Sequence[str]) -> dict[str, Any] | None:
    if not before and not after:
        return None

    def around(name: str, number: int) -> list[dict[str, Any]]:
        tokens = [[{"SpecialToken": {"id": t, "type_id": number}} for t in some] for some in (before, after)]
        return [*tokens[0], {"Sequence": {"id": name, "type_id": number}}, *tokens[1]]

    used = {t: {"id": t, "ids": [pieces.index(t)], "tokens": [t]} for t in (*before, *after)}
    single = around("A", 0)
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": single + around("B", 1),
        "special_tokens": used,
    }
