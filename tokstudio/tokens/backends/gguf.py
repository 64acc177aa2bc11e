"""Vocabularies inside GGUF files: byte-level BPE ("gpt2"), SentencePiece ("llama", "t5") and WordPiece ("bert").

The vocabulary is handed to the library that invented its kind; the pattern that cuts words is known by the name
that the file gives it (resources/families/gguf/pretokenizers.toml).
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.backends.huggingface import HuggingFaceTokenizer
from tokstudio.tokens.backends.sentencepiece import Ends, SentencePieceTokenizer
from tokstudio.tokens.base import BACKENDS, Backend, Tokenizer
from tokstudio.tokens.gguf_file import read_settings
from tokstudio.tokens.known_ranks import word_rules
from tokstudio.tokens.native import native_errors
from tokstudio.tokens.sentencepiece_file import BYTE, CONTROL, NORMAL, UNKNOWN, USER, model_file
from tokstudio.tokens.sniff import ANOTHER

KEY = "tokenizer.ggml."
FETCH = "Fetch or convert it again, or use the tokenizer.json of the same model."


class Vocabulary:
    """The settings under `tokenizer.ggml`, checked for what every kind needs."""

    def __init__(self, settings: dict[str, Any], name: str):
        self.name = name
        self._settings = {k.removeprefix(KEY): v for k, v in settings.items() if k.startswith(KEY)}
        self.kind = str(self.get("model", ""))
        tokens = self.get("tokens")
        if not isinstance(tokens, list) or not tokens:
            raise TokenizerError(f"{name} holds no tokenizer.", hint=ANOTHER)
        self.tokens = [t.encode() if isinstance(t, str) else t for t in tokens]
        self.types = self._numbers("token_type", NORMAL, np.int64)
        self.scores = self._numbers("scores", 0.0, np.float64)

    def get(self, key: str, default: Any = None) -> Any:
        return self._settings.get(key, default)

    def _numbers(self, key: str, default: float, dtype: type) -> np.ndarray:
        found = self.get(key)
        if found is None:
            return np.full(len(self.tokens), default, dtype)
        if not isinstance(found, np.ndarray) or len(found) != len(self.tokens):
            raise self.broken(f"its {key} and its tokens are not of one number")
        return found.astype(dtype)

    def broken(self, reason: str) -> TokenizerError:
        return TokenizerError(f"{self.name} cannot be read as a tokenizer: {reason}.", hint=FETCH)

    def special(self, role: str) -> int | None:
        """The id in a role such as "bos" or "unknown"; None where the file has none or it is out of range."""
        found = self.get(f"{role}_token_id")
        return found if isinstance(found, int) and 0 <= found < len(self.tokens) else None

    def texts(self) -> list[str]:
        """Entries as text, each once. Raises TokenizerError where one is no UTF-8 or there twice."""
        try:
            found = [token.decode() for token in self.tokens]
        except UnicodeDecodeError:
            raise self.broken("an entry is no UTF-8") from None
        if len(set(found)) != len(found):
            raise self.broken("an entry is there twice")
        return found

    def flag(self, key: str, default: bool) -> bool:
        found = self.get(key, default)
        return bool(found) if isinstance(found, int) else default


def load(path: Path, reference: str, name: str) -> Tokenizer:
    vocabulary = Vocabulary(read_settings(path), path.name)
    made = {"gpt2": _byte_bpe, "llama": _pieces, "t5": _pieces, "bert": _word_piece}.get(vocabulary.kind)
    if made is None:
        raise TokenizerError(
            f"{path.name} has a tokenizer of the kind {vocabulary.kind or 'none'!r}, which is not known here.",
            hint="Known are gpt2, llama, t5 and bert. Use the tokenizer.json of the same model.",
        )
    return made(vocabulary, reference, name)


def _fingerprint(*parts: Any) -> str:
    return f"gguf-{sha256(repr(parts).encode()).hexdigest()[:48]}"


def _byte_bpe(vocabulary: Vocabulary, reference: str, name: str) -> Tokenizer:
    from tokenizers import Regex, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Library

    named = str(vocabulary.get("pre", "default"))
    if (rule := word_rules().get(named)) is None:
        raise TokenizerError(
            f"{vocabulary.name} names the word rule {named!r}, which is not known here.",
            hint=f"Known are {', '.join(sorted(word_rules()))}. Use the tokenizer.json of the same model.",
        )
    texts, merges = vocabulary.texts(), vocabulary.get("merges", [])
    entries = {text: i for i, text in enumerate(texts)}
    pairs = [tuple(m.split(" ")) for m in merges if isinstance(m, str)]
    if len(pairs) != len(merges) or any(len(pair) != 2 for pair in pairs):
        raise vocabulary.broken("a merge is not two entries")
    with native_errors(f"{vocabulary.name} cannot be read as a tokenizer", FETCH):
        model = models.BPE(entries, pairs, ignore_merges=rule.get("whole_words", False))
        library = Library(model)
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *(pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in rule["patterns"]),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    library.decoder = decoders.ByteLevel()
    _add(library, vocabulary, texts)
    _frame(library, vocabulary, texts, begin=rule.get("begin", False))
    return HuggingFaceTokenizer(reference, name, library, _fingerprint(library.to_str()))


def _add(library, vocabulary: Vocabulary, texts: list[str]) -> None:
    from tokenizers import AddedToken

    with native_errors(f"{vocabulary.name} cannot be read as a tokenizer", FETCH):
        for kind, special in ((CONTROL, True), (UNKNOWN, True), (USER, False)):
            found = [texts[i] for i in np.flatnonzero(vocabulary.types == kind).tolist() if texts[i]]
            library.add_tokens([AddedToken(text, special=special, normalized=False) for text in found])


def _frame(library, vocabulary: Vocabulary, texts: list[str], *, begin: bool, end: bool = False) -> None:
    """The tokens that a model expects around a text."""
    from tokenizers import processors

    ends = [
        (vocabulary.special("bos"), vocabulary.flag("add_bos_token", begin)),
        (vocabulary.special("eos"), vocabulary.flag("add_eos_token", end)),
    ]
    before, after = (texts[i] if wanted and i is not None else None for i, wanted in ends)
    used = [(text, i) for text, (i, _) in zip((before, after), ends, strict=True) if text]
    if used:
        single = [*([before] if before else []), "$A", *([after] if after else [])]
        library.post_processor = processors.TemplateProcessing(single=single, special_tokens=used)


def _pieces(vocabulary: Vocabulary, reference: str, name: str) -> Tokenizer:
    """What SentencePiece trained, given back to SentencePiece."""
    from sentencepiece import SentencePieceProcessor

    unknown = vocabulary.special("unknown")
    types = vocabulary.types.copy()
    if not ((types >= NORMAL) & (types <= BYTE)).all():
        raise vocabulary.broken("an entry is of an unknown type")
    if unknown is None:
        unknown = next(iter(np.flatnonzero(types == UNKNOWN).tolist()), None)
    if unknown is None:
        raise vocabulary.broken("it has no unknown token")
    types[types == UNKNOWN] = CONTROL
    types[unknown] = UNKNOWN
    ends = {role: i for role in ("bos", "eos") if (i := vocabulary.special(role)) is not None}
    types[list(ends.values())] = CONTROL
    charsmap = vocabulary.get("precompiled_charsmap")
    data = model_file(
        [token or b" " for token in vocabulary.tokens],
        vocabulary.scores.tolist(),
        types.tolist(),
        kind="bpe" if vocabulary.kind == "llama" else "unigram",
        ends={"unk": unknown, **ends},
        prefix=vocabulary.flag("add_space_prefix", True),
        collapse=vocabulary.flag("remove_extra_whitespaces", False),
        charsmap=charsmap.tobytes() if isinstance(charsmap, np.ndarray) else b"",
    )
    library = SentencePieceProcessor()
    with native_errors(f"{vocabulary.name} cannot be read as a tokenizer", FETCH, tell=False):
        library.LoadFromSerializedProto(data)
        around = Ends(
            vocabulary.flag("add_bos_token", vocabulary.kind == "llama"),
            vocabulary.flag("add_eos_token", vocabulary.kind == "t5"),
        )
        tokenizer = SentencePieceTokenizer(reference, name, library, data, around)
        tokenizer.check()
    return tokenizer


def _word_piece(vocabulary: Vocabulary, reference: str, name: str) -> Tokenizer:
    """The file marks what begins a word ("▁the"), WordPiece what continues one ("##ing")."""
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, normalizers, pre_tokenizers

    texts = vocabulary.texts()
    plain = vocabulary.types == NORMAL
    texts = [
        text if not normal else text[1:] if text.startswith("▁") else "##" + text
        for text, normal in zip(texts, plain.tolist(), strict=True)
    ]
    unknown = vocabulary.special("unknown")
    if unknown is None or len(set(texts)) != len(texts):
        raise vocabulary.broken("it has no unknown token, or an entry twice")
    with native_errors(f"{vocabulary.name} cannot be read as a tokenizer", FETCH):
        entries = {text: i for i, text in enumerate(texts)}
        library = Library(models.WordPiece(entries, unk_token=texts[unknown]))
    library.normalizer = normalizers.BertNormalizer(lowercase=True)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece()
    _add(library, vocabulary, texts)
    _frame_of_bert(library, vocabulary, texts)
    return HuggingFaceTokenizer(reference, name, library, _fingerprint(library.to_str()))


def _frame_of_bert(library, vocabulary: Vocabulary, texts: list[str]) -> None:
    from tokenizers import processors

    first = next((i for i in map(vocabulary.special, ("cls", "bos")) if i is not None), None)
    last = next(
        (i for i in map(vocabulary.special, ("seperator", "separator", "eos")) if i is not None), None
    )
    if first is not None and last is not None:
        library.post_processor = processors.BertProcessing((texts[last], last), (texts[first], first))


def claims(path: Path, head: bytes) -> bool:
    return head.startswith(b"GGUF")


BACKENDS.add("gguf", Backend(files={"*.gguf": 6}, claims=claims, load=load))
