"""Tokens as text for people and for JSON."""

import codecs

import numpy as np

from tokstudio.tokens.base import Tokenizer


def readable(data: bytes) -> str:
    r"""Bytes as text; what is no UTF-8, such as half an emoji, shows as \xf0."""
    return data.decode("utf-8", "backslashreplace")


def around(data: bytes, offset: int, reach: int) -> tuple[str, str]:
    """Up to `reach` bytes of UTF-8 `data` on each side of `offset`. A character that the window cuts is left
    out; one that `offset` itself cuts shows as bytes."""
    before, after = data[max(0, offset - reach) : offset], data[offset : offset + reach]
    if offset > reach:
        whole = next((i for i, byte in enumerate(before) if byte & 0xC0 != 0x80), len(before))
        before = before[whole:]
    return readable(before), codecs.getincrementaldecoder("utf-8")("backslashreplace").decode(after)


def token_texts(tokenizer: Tokenizer, ids: np.ndarray) -> list[str]:
    """What each token stands for; a special token shows as it is written, an unused id as nothing."""
    names = {token: content for content, token in tokenizer.special_tokens.items()}
    shown: dict[int, str] = {}
    for token in set(ids.tolist()):
        data = tokenizer.token_bytes(token)
        shown[token] = names.get(token, "") if data is None else readable(data)
    return [shown[token] for token in ids.tolist()]
