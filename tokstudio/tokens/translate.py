"""From the tokens of one model to those of another.

Two ways. *Direct*: the ids of the source, decoded by the target. That is wrong, since every vocabulary numbers
its tokens in its own way, and it is shown because people do it. *Through text*: the source decodes, the target
encodes again with the frame that its model expects. What gets lost on that way is listed with its place
(`tokstudio.tokens.losses`).

    translation = translate(load_tokenizer("tiktoken:cl100k_base"), load_tokenizer("bert-base-uncased"), "Hello")
    translation.direct_text, translation.through_text, translation.losses
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Encoding, Tokenizer, checked
from tokstudio.tokens.losses import Loss, Segments, losses_of, segments
from tokstudio.tokens.show import readable

SAME, OTHER, UNUSED, SPECIAL = "same", "other", "unused", "special"
UNKNOWN, EMPTY, OUTSIDE = "unknown", "empty", "outside"
MOST_PLACES = 100  # special tokens among the ids whose exact place is looked up


@dataclass(frozen=True, slots=True)
class DirectToken:
    """One id, as both tokenizers read it. `kind` is one of the seven above."""

    id: int
    source: str
    target: str
    kind: str
    why: str  # a sentence


@dataclass(frozen=True, eq=False)
class Translation:
    source: Tokenizer
    target: Tokenizer
    text: str | None  # what was given; None where ids were given
    ids: np.ndarray  # int32 [n], of the source
    decoded: bytes  # what the source makes of `ids`
    encoding: Encoding  # of `decoded`, by the target, its frame included
    returned: bytes  # what the target makes of its own tokens
    losses: tuple[Loss, ...]  # in the order of the text
    spans: np.ndarray | None  # int32 [n, 2] of `ids` in the text that was given; None where ids were given
    way: Segments | None  # from that text to `decoded`; None where ids were given

    @cached_property
    def direct(self) -> list[DirectToken]:
        return direct(self.source, self.target, self.ids)

    @cached_property
    def direct_text(self) -> str:
        """What the target writes for the ids of the source."""
        return written(self.target, self.ids)

    @cached_property
    def through_text(self) -> str:
        """What the target writes for its own tokens, special ones included."""
        return written(self.target, self.encoding.ids)

    @property
    def lossless(self) -> bool:
        """Does the text come back as it was? Special tokens around it are no loss."""
        return all(loss.kind == "special added" for loss in self.losses)

    @property
    def framed(self) -> int:
        """Tokens of the target that stand around the text."""
        return sum(loss.kind == "special added" for loss in self.losses)


def translate(source: Tokenizer, target: Tokenizer, text: str) -> Translation:
    """Raises TokenizerError where one of the two cannot encode the text."""
    encoding = source.encode(text)
    return _translated(source, target, text, encoding.ids, encoding)


def translate_ids(source: Tokenizer, target: Tokenizer, ids: Sequence[int] | np.ndarray) -> Translation:
    """Raises TokenizerError where the source has no such id."""
    return _translated(source, target, None, checked(ids, len(source)).astype(np.int32), None)


def _translated(
    source: Tokenizer, target: Tokenizer, text: str | None, ids: np.ndarray, encoding: Encoding | None
) -> Translation:
    middle = _text_of(source.decode(ids), given=encoding is None)
    decoded = middle.encode()
    found = target.encode(middle, special=True)
    returned = target.decode(found.ids)
    first = segments(source, encoding, decoded) if encoding is not None else None
    lost = [] if first is None else losses_of(source, encoding, first, "source")
    second = losses_of(target, found, segments(target, found, returned), "target")
    moved = first is not None and first.text != first.decoded
    lost += [loss.moved(first) for loss in second] if moved else second
    lost += _specials_dropped(source, ids, told=encoding is not None)
    lost.sort(key=lambda loss: (loss.start, loss.stop))
    spans = encoding.spans if encoding is not None else None
    return Translation(source, target, text, ids, decoded, found, returned, tuple(lost), spans, first)


def _text_of(decoded: bytes, given: bool) -> str:
    """`decoded` as text. Broken characters are refused where the ids were given; where the source itself made
    them, by dropping bytes of a text, they are what comes out: U+FFFD."""
    try:
        return decoded.decode()
    except UnicodeDecodeError as error:
        if not given:
            return decoded.decode(errors="replace")
        raise TokenizerError(
            f"The ids do not make a text: byte 0x{decoded[error.start]:02x} at offset {error.start:,} "
            "is a part of a character whose other parts are missing.",
            hint="Give all ids of the character: an emoji can take four tokens.",
        ) from None


def _specials_dropped(source: Tokenizer, ids: np.ndarray, told: bool) -> list[Loss]:
    """Special tokens among the source's ids: no text carries them over. `told`: the unknown ones are in the
    list already."""
    names = {token: content for content, token in source.special_tokens.items()}
    if told:
        names.pop(source.unknown_id, None)
    found = np.flatnonzero(np.isin(ids, list(names))).tolist() if names else []
    places = [len(source.decode(ids[:place])) for place in found[:MOST_PLACES]]
    places += [places[-1] if places else 0] * (
        len(found) - len(places)
    )  # at or behind the last one looked up
    return [
        Loss("special dropped", place, place, names[int(ids[at])], "", "source")
        for place, at in zip(places, found, strict=True)
    ]


def as_json(translation: Translation, *, tokens: bool = True) -> dict:
    """`direct`, `through_text` and what explains them. Without `tokens` the explanation of each id is left out."""
    source, target = translation.source, translation.target
    value = {
        "direct": translation.direct_text,
        "through_text": translation.through_text,
        "decoded": translation.decoded.decode(),
        "returned": readable(translation.returned),
        "lossless": translation.lossless,
        "losses": [loss.as_json() for loss in translation.losses],
        "length": {
            "source_tokens": len(translation.ids),
            "target_tokens": len(translation.encoding),
            "target_specials": translation.framed,
            "change": len(translation.encoding) - len(translation.ids),
            "source_bytes": len(translation.decoded),
            "target_bytes": len(translation.returned),
        },
        "source_ids": translation.ids.tolist(),
        "target_ids": translation.encoding.ids.tolist(),
    }
    if tokens:
        value["source"] = {"reference": source.reference, "name": source.name}
        value["target"] = {"reference": target.reference, "name": target.name}
        value["target_spans"] = translation.encoding.spans.tolist()
        value["direct_tokens"] = [
            {"id": t.id, "source": t.source, "target": t.target, "kind": t.kind, "why": t.why}
            for t in translation.direct
        ]
    return value


# ---- names of ids


@lru_cache(maxsize=16)
def special_names(tokenizer: Tokenizer) -> Mapping[int, str]:
    """Id -> how it is written, of every special token and of the unknown one."""
    names = {token: content for content, token in tokenizer.special_tokens.items()}
    if (unknown := tokenizer.unknown_id) is not None and unknown not in names:
        piece = getattr(tokenizer, "piece", lambda _: None)(unknown)
        names[unknown] = piece or "<unk>"
    return names


def name_of(tokenizer: Tokenizer, token: int) -> str:
    """What id `token` stands for, a special one as it is written; ⟨123⟩ where it stands for nothing."""
    if token >= len(tokenizer):
        return f"⟨{token}⟩"
    if (name := special_names(tokenizer).get(token)) is not None:
        return name
    data = tokenizer.token_bytes(token)
    if data is None:
        return f"⟨{token}⟩"
    piece = getattr(tokenizer, "piece", None) if spaced(tokenizer) else None
    return (piece and piece(token)) or readable(data)


def written(tokenizer: Tokenizer, ids: np.ndarray) -> str:
    """The text of `ids` as `tokenizer` decodes it, with special tokens by name, and ids that it does not have
    as ⟨123⟩."""
    names, gap = special_names(tokenizer), " " if spaced(tokenizer) else ""
    parts, run = [], []
    for token in ids.tolist():
        odd = token >= len(tokenizer) or token in names or tokenizer.token_bytes(token) is None
        if not odd:
            run.append(token)
            continue
        parts += [readable(tokenizer.decode(np.array(run)))] if run else []
        parts.append(name_of(tokenizer, token))
        run = []
    parts += [readable(tokenizer.decode(np.array(run)))] if run else []
    return gap.join(parts)


@lru_cache(maxsize=16)
def spaced(tokenizer: Tokenizer) -> bool:
    """Does decoding put a space between tokens that have none of their own (WordPiece, whole words)?"""
    try:
        ids = tokenizer.encode("a b").ids
        own = b"".join(tokenizer.token_bytes(token) or b"" for token in ids.tolist())
    except TokenizerError:  # it cannot spell even that
        return False
    return b" " not in own and b" " in tokenizer.decode(ids)


def direct(source: Tokenizer, target: Tokenizer, ids: np.ndarray) -> list[DirectToken]:
    """Each id of the source, read by the target, and why that is what comes out."""
    known = {token: _direct(source, target, token) for token in set(ids.tolist())}
    return [known[token] for token in ids.tolist()]


def _direct(source: Tokenizer, target: Tokenizer, token: int) -> DirectToken:
    mine, theirs = name_of(source, token), name_of(target, token)
    kind = _kind(source, target, token, theirs)
    reasons = {
        SAME: f"Both vocabularies have {mine!r} at {token:,}: this id is right by chance or by kinship.",
        OTHER: f"Id {token:,} is {mine!r} in {source.name}; {target.name} gave that number to {theirs!r}.",
        UNUSED: f"Id {token:,} is {mine!r} in {source.name}; in {target.name} that number is a reserved entry "
        f"that no text uses, {theirs}.",
        SPECIAL: f"Id {token:,} is {mine!r} in {source.name}; in {target.name} it is the special token {theirs}.",
        UNKNOWN: f"Id {token:,} is {mine!r} in {source.name}; in {target.name} it is {theirs}, which stands for "
        "whatever the vocabulary cannot spell.",
        EMPTY: f"Id {token:,} is {mine!r} in {source.name}; {target.name} has nothing at that number.",
        OUTSIDE: f"Id {token:,} is {mine!r} in {source.name}; the ids of {target.name} end at "
        f"{len(target) - 1:,}, so a model would fail on it.",
    }
    return DirectToken(token, mine, theirs, kind, reasons[kind])


def _kind(source: Tokenizer, target: Tokenizer, token: int, theirs: str) -> str:
    if token >= len(target):
        return OUTSIDE
    if token == target.unknown_id:
        return UNKNOWN
    if token in special_names(target):
        return SAME if special_names(source).get(token) == theirs else SPECIAL
    data = target.token_bytes(token)
    if data is None:
        return EMPTY
    if _reserved(theirs):
        return UNUSED
    return SAME if source.token_bytes(token) == data else OTHER


def _reserved(name: str) -> bool:
    """[unused12], <unused12>, <|reserved_special_token_7|>, <extra_id_3>: a place kept free."""
    inner = name.strip("[]<|>").lower()
    return name != inner and inner.rstrip("0123456789_|").rstrip("_") in {
        "unused",
        "reserved",
        "reserved_special_token",
        "extra_id",
        "extra",
        "madeupword",
    }
