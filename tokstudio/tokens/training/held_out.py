"""How well a vocabulary compresses text it has not seen, also while it was still small."""

import json
from collections.abc import Iterator
from typing import Any

from tokstudio.tokens.training.events import Compression

POINTS = 10
ENOUGH = 400_000  # characters that a curve is measured on


def sizes(start: int, stop: int) -> list[int]:
    """From `start` to `stop`, each some percent more than the one before."""
    if stop <= start:
        return [stop]
    found = [round(start * (stop / start) ** (k / POINTS)) for k in range(POINTS + 1)]
    return sorted({*found[1:], stop})


def curve(library: Any, held: list[str]) -> Iterator[Compression]:
    """The last point is the whole vocabulary; the others are its beginnings, in which every entry's parts are."""
    texts, size = [], 0
    for text in held:
        texts.append(text)
        size += len(text)
        if size > ENOUGH:
            break
    if not texts:
        return
    data = json.loads(library.to_str())
    data["post_processor"] = None
    data["truncation"] = data["padding"] = None
    for count in sizes(_base(data), _size(data)):
        yield Compression(count, compression(_first(data, count), texts))


def compression(library: Any, texts: list[str]) -> float:
    """Bytes per token."""
    tokens = sum(len(found.ids) for found in library.encode_batch(texts, add_special_tokens=False))
    return sum(len(text.encode()) for text in texts) / max(1, tokens)


def _size(data: dict) -> int:
    return len(data["model"]["vocab"])


def _base(data: dict) -> int:
    """Entries without which nothing can be spelled: special tokens, bytes, single characters."""
    vocab = data["model"]["vocab"]
    entries = vocab if isinstance(vocab, dict) else [entry for entry, _ in vocab]
    return max(64, sum(_basic(entry) for entry in entries) + len(data["added_tokens"]))


def _basic(entry: str) -> bool:
    return len(entry.removeprefix("##")) == 1 or (entry.startswith("<0x") and len(entry) == 6)


def _first(data: dict, count: int) -> Any:
    """The tokenizer as it was with `count` entries: in BPE and WordPiece by id, in Unigram by score."""
    from tokenizers import Tokenizer

    model, special = data["model"], {token["content"] for token in data["added_tokens"]}
    vocab = model["vocab"]
    if isinstance(vocab, dict):
        order = sorted(vocab, key=lambda e: (not (_basic(e) or e in special), vocab[e]))[:count]
        order.sort(key=vocab.get)
        ids = {entry: i for i, entry in enumerate(order)}
        cut = {**model, "vocab": ids}
        if "merges" in model:
            cut["merges"] = [m for m in model["merges"] if m[0] in ids and m[1] in ids and m[0] + m[1] in ids]
    else:
        place = sorted(
            range(len(vocab)),
            key=lambda i: (not (_basic(vocab[i][0]) or vocab[i][0] in special), -vocab[i][1]),
        )
        order = [vocab[i] for i in sorted(place[:count])]
        ids = {entry: i for i, (entry, _) in enumerate(order)}
        cut = {**model, "vocab": order, "unk_id": ids.get("<unk>", 0)}
    added = [
        {**token, "id": ids[token["content"]]} for token in data["added_tokens"] if token["content"] in ids
    ]
    return Tokenizer.from_str(json.dumps({**data, "model": cut, "added_tokens": added}))
