"""Any tokenizer as the content of a tokenizer.json, from which transformers reads it."""

import json
from typing import Any

from tokstudio.errors import TokenizerError
from tokstudio.tokens.alphabet import byte_characters
from tokstudio.tokens.base import Tokenizer


def library_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """Raises TokenizerError for a kind that has no such form."""
    from tokstudio.tokens.backends.bytelevel import ByteTokenizer
    from tokstudio.tokens.backends.huggingface import HuggingFaceTokenizer
    from tokstudio.tokens.backends.sentencepiece import SentencePieceTokenizer
    from tokstudio.tokens.backends.tiktoken import TiktokenTokenizer

    if isinstance(tokenizer, HuggingFaceTokenizer):
        return json.loads(tokenizer.to_json())
    if isinstance(tokenizer, TiktokenTokenizer | SentencePieceTokenizer):
        return tokenizer.library_json()
    if isinstance(tokenizer, ByteTokenizer):
        return bytes_only()
    raise TokenizerError(
        f"{tokenizer.name} cannot be written as a tokenizer.json.",
        hint="Use the tokenizer.json of the same model, or conversion=byte.",
    )


def bytes_only() -> dict[str, Any]:
    """A tokenizer.json of 256 bytes: id and byte are the same number."""
    characters = {byte: character for character, byte in byte_characters().items()}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {characters[byte]: byte for byte in range(256)},
            "merges": [],
        },
    }
