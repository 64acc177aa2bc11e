"""The ids of many texts by the shortest way into each library: no spans, no checks that pieces of a corpus cannot
fail. Other tokenizers take the ordinary way."""

from collections.abc import Callable, Sequence

import numpy as np

from tokstudio.tokens.backends.huggingface import HuggingFaceTokenizer
from tokstudio.tokens.backends.sentencepiece import SentencePieceTokenizer
from tokstudio.tokens.backends.tiktoken import TiktokenTokenizer
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.native import native_errors

Ids = Callable[[Sequence[str]], list[np.ndarray]]


def ids_of(tokenizer: Tokenizer) -> Ids:
    """What gives the ids of each text, as integers [n]. Raises TokenizerError as `encode` does."""
    for kind, made in ((TiktokenTokenizer, _tiktoken), (HuggingFaceTokenizer, _huggingface),
                       (SentencePieceTokenizer, _sentencepiece)):  # fmt: skip
        if isinstance(tokenizer, kind):
            return made(tokenizer)
    return lambda texts: [tokenizer.encode(text).ids for text in texts]


def _tiktoken(tokenizer: TiktokenTokenizer) -> Ids:
    tokenizer.warm()
    core, none = tokenizer._core, set()

    def ids(texts: Sequence[str]) -> list[np.ndarray]:
        with native_errors(
            "tiktoken cannot cut this text", "Shorten its longest run of one kind of character."
        ):
            return [np.frombuffer(core.encode_to_tiktoken_buffer(text, none), np.uint32) for text in texts]

    return ids


def _huggingface(tokenizer: HuggingFaceTokenizer) -> Ids:
    tokenizer.encode("")  # leaves the library in the mode in which special tokens in a text are text
    library = tokenizer._library

    def ids(texts: Sequence[str]) -> list[np.ndarray]:
        hint = "Its vocabulary may have no entry for a character of the text, and none for unknown ones."
        with native_errors(f"{tokenizer.name} cannot encode this text", hint):
            found = library.encode_batch_fast(list(texts), add_special_tokens=False)
            return [np.array(each.ids, np.int32) for each in found]

    return ids


def _sentencepiece(tokenizer: SentencePieceTokenizer) -> Ids:
    library = tokenizer._library
    return lambda texts: [
        np.array(library.encode(text.encode(), return_type="numpy"), np.int32) for text in texts
    ]
