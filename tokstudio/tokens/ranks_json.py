"""A vocabulary of ranked byte strings (tiktoken, Tekken) as the content of a tokenizer.json."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tokstudio.tokens.alphabet import byte_characters

# Rust's `fancy-regex`, which tiktoken uses, and Oniguruma, which tokenizer.json uses, disagree about these two.
OTHER_WORDS = ((re.compile(r"(\{\d+,\d+\})\+"), r"\1"), (re.compile(r"\$(?=\||$)"), r"\\z"))


def ranks_json(
    ranks: Mapping[bytes, int], special_tokens: Mapping[str, int], pattern: str, bos: str | None
) -> dict[str, Any]:
    characters = {byte: character for character, byte in byte_characters().items()}

    def written(token: bytes) -> str:
        return "".join(characters[byte] for byte in token)

    entries = {written(token): i for token, i in ranks.items()}
    pairs = [(written(a), written(b)) for a, b in merges_of(ranks)]
    for wrong, right in OTHER_WORDS:
        pattern = wrong.sub(right, pattern)
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, **flags, "special": True}
            for token, i in sorted(special_tokens.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
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
            "ignore_merges": True,  # tiktoken, too, takes a whole word that is a token as that token
            "vocab": entries | dict(special_tokens),  # their numbers have gaps, which only the model can hold
            "merges": pairs,
        },
    }
    if bos:
        from tokstudio.tokens.graft import set_frame

        set_frame(content, (bos,))
    return content


def merges_of(ranks: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """The last merge of every token: it is merged from its bytes by those of lower rank until two are left.
    Tokens that do not come apart like that have none."""
    found = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) < 2:
            continue
        parts = [token[i : i + 1] for i in range(len(token))]
        while len(parts) > 2:
            joined = [ranks.get(a + b, rank) for a, b in pairwise(parts)]
            best = min(joined)
            if best >= rank:
                break
            at = joined.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        if len(parts) == 2:
            found.append((parts[0], parts[1]))
    return found
