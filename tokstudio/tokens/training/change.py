"""A vocabulary that exists, made larger or smaller. Every token that stays keeps its merges."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokstudio.errors import TokenizerError
from tokstudio.tokens.reference import file_of
from tokstudio.tokens.training.events import Compression, Event, Newest, Phase
from tokstudio.tokens.training.hugging_face import EVERY, SHOWN, _cutter, words_of
from tokstudio.tokens.training.live import Learner, Word
from tokstudio.tokens.training.settings import TrainingSettings
from tokstudio.tokens.training.split import Corpus


def parent_file(reference: str) -> Path:
    """The tokenizer.json of `reference`. Raises TokenizerError where there is none."""
    file = file_of(reference)
    if file is None or file.suffix != ".json":
        raise TokenizerError(
            f"{reference} is no tokenizer.json, and only that can be extended or pruned.",
            hint="Name a folder with a tokenizer.json, for example demo:english.",
        )
    return file


def _load(reference: str) -> tuple[dict, Any]:
    from tokenizers import Tokenizer

    file = parent_file(reference)
    data = json.loads(file.read_bytes())
    if not isinstance(data.get("model"), dict):
        raise TokenizerError(f"{file.name} has no `model` entry.", hint="Choose another tokenizer.json.")
    data["truncation"] = data["padding"] = None  # about a model, not about a vocabulary
    return data, Tokenizer.from_str(json.dumps(data))


def extend(settings: TrainingSettings, corpus: Corpus, held: list[str]) -> Iterator[Event]:
    """`vocab_size` more tokens for a BPE: its ids and merges stay, new merges join what the old ones leave. Returns
    the library of the result, and how many ids the parent has."""
    from tokenizers import Tokenizer

    data, library = _load(settings.extend)
    model = data["model"]
    if "merges" not in model:
        raise TokenizerError("Only BPE can be extended by merges.", hint="Choose a BPE tokenizer.json.")
    words, aside = yield from words_of(corpus, _cutter(library), held)
    tokens = _by_id(model["vocab"], data["added_tokens"])
    start = len(tokens)
    learning = Learner(tokens, list(_pieces(library, words, aside)), settings.min_frequency, settings.longest)
    known = {_pair(merge) for merge in model["merges"]}
    merges, newest, held_bytes = [], [], sum(len(text.encode()) for text in held)
    if learning.held_tokens:
        yield Compression(start, held_bytes / learning.held_tokens)
    for merge in learning.merges(start + settings.vocab_size):
        pair = tokens[merge.pair[0]], tokens[merge.pair[1]]
        if pair not in known:  # else the later place would change how the parent's tokens are made
            known.add(pair)
            merges.append(list(pair))
        newest.append((tokens[merge.made], merge.count))
        if len(newest) == EVERY or len(tokens) == start + settings.vocab_size:
            yield Phase(
                "Merging", (len(tokens) - start) / settings.vocab_size, f"{len(tokens) - start:,} new tokens"
            )
            yield Newest(newest[-SHOWN:], True)
            if merge.held_tokens:
                yield Compression(len(tokens), held_bytes / merge.held_tokens)
            newest = []
    strings = bool(model["merges"]) and isinstance(model["merges"][0], str)
    model["merges"] += [" ".join(pair) for pair in merges] if strings else merges
    model["vocab"] |= {token: start + i for i, token in enumerate(tokens[start:])}
    return Tokenizer.from_str(json.dumps(data)), start


def _by_id(vocab: dict[str, int], added: list[dict]) -> list[str]:
    """Entries by id; a hole gets a name that nothing is written as."""
    ids = {i: entry for entry, i in vocab.items()} | {token["id"]: token["content"] for token in added}
    return [ids.get(i, f"\0hole {i}") for i in range(max(ids, default=-1) + 1)]


def _pieces(library: Any, words: Counter[str], aside: Counter[str]) -> Iterator[Word]:
    for text in sorted({*words, *aside}):
        pieces = [token.id for token in library.model.tokenize(text)]
        yield Word(pieces, words.get(text, 0), aside.get(text, 0))


def prune(settings: TrainingSettings, corpus: Corpus, held: list[str]) -> Iterator[Event]:
    """Only `vocab_size` tokens: special ones, what everything is spelled with, and of the others those that the
    text uses most, with what they are merged from. Ids close up. Returns (library, old id of each new id)."""
    data, library = _load(settings.prune)
    counts: Counter[int] = Counter()
    for number, (out, text) in enumerate(corpus.parts()):
        (held.append(text) if out else counts.update(library.encode(text, add_special_tokens=False).ids))
        if number % 32 == 0:
            yield Phase("Counting", corpus.share(), f"{len(counts):,} tokens in use")
    yield Phase("Pruning", 0.5)
    made, kept = pruned(data, counts, settings.vocab_size)
    return made, kept


def pruned(data: dict, counts: Counter[int], size: int) -> tuple[Any, list[int]]:
    from tokenizers import Tokenizer

    model, added = data["model"], data["added_tokens"]
    vocab = model["vocab"]
    entries = list(vocab) if isinstance(vocab, dict) else [entry for entry, _ in vocab]
    ids = vocab if isinstance(vocab, dict) else {entry: i for i, entry in enumerate(entries)}
    basic = {t["content"] for t in added} | {e for e in entries if _basic(e, model)}
    built = _parts(model)
    kept = {entry for entry in basic if entry in ids}
    outside = sum(token["content"] not in ids for token in added)
    for entry in sorted(entries, key=lambda e: (-counts[ids[e]], ids[e])):
        if not counts[ids[entry]]:
            break
        needed = {entry} if entry not in kept else set()
        todo = list(needed)
        while todo:
            for part in built.get(todo.pop(), ()):
                if part not in kept and part not in needed:
                    needed.add(part)
                    todo.append(part)
        if len(kept) + len(needed) + outside <= size:
            kept |= needed
    if len(kept) + outside > size:
        raise TokenizerError(
            f"{len(kept) + outside:,} tokens are special or single characters, so {size:,} are too few.",
            hint=f"Keep at least {len(kept) + outside:,}.",
        )
    order = sorted(kept, key=ids.get)
    new = {entry: i for i, entry in enumerate(order)}
    old = [ids[entry] for entry in order]
    if isinstance(vocab, dict):
        model["vocab"] = new
        if "merges" in model:
            model["merges"] = [m for m in model["merges"] if _stays(m, new, model)]
    else:
        model["vocab"] = [vocab[i] for i in old]
        if model.get("unk_id") is not None:
            model["unk_id"] = new[entries[model["unk_id"]]]
    for token in added:
        if token["content"] in new:
            token["id"] = new[token["content"]]
        else:
            old.append(token["id"])
            token["id"] = len(old) - 1
    _renumber(data.get("post_processor"), {t["content"]: t["id"] for t in added} | new)
    return Tokenizer.from_str(json.dumps(data)), old


def _basic(entry: str, model: dict) -> bool:
    prefix, suffix = model.get("continuing_subword_prefix") or "", model.get("end_of_word_suffix") or ""
    return (
        len(entry.removeprefix(prefix).removesuffix(suffix)) <= 1
        or (entry.startswith("<0x") and len(entry) == 6)
        or entry == model.get("unk_token")
    )


def _pair(merge: str | list[str]) -> tuple[str, str]:
    left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
    return left, right


def _parts(model: dict) -> dict[str, tuple[str, str]]:
    """What each entry of a BPE is first merged from."""
    prefix, found = model.get("continuing_subword_prefix") or "", {}
    for merge in model.get("merges", ()):
        left, right = _pair(merge)
        found.setdefault(left + right.removeprefix(prefix), (left, right))
    return found


def _stays(merge: str | list[str], new: dict[str, int], model: dict) -> bool:
    left, right = _pair(merge)
    prefix = model.get("continuing_subword_prefix") or ""
    return left in new and right in new and left + right.removeprefix(prefix) in new


def _renumber(processor: dict | None, ids: dict[str, int]) -> None:
    """New ids in whatever puts special tokens around a text."""
    if not processor:
        return
    for inner in processor.get("processors", ()):
        _renumber(inner, ids)
    for content, token in (processor.get("special_tokens") or {}).items():
        token["ids"] = [ids.get(content, i) for i in token["ids"]]
    for key in ("cls", "sep"):
        if isinstance(pair := processor.get(key), list):
            processor[key] = [pair[0], ids.get(pair[0], pair[1])]
