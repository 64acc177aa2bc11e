"""Trainers of Hugging Face's library, and byte-pair encoding merge by merge where the text is small enough to
watch it. Both ways give the same merges (a test says so)."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tokstudio.errors import InputError
from tokstudio.tokens.training import parts
from tokstudio.tokens.training.events import Compression, Event, Newest, Phase
from tokstudio.tokens.training.live import learner
from tokstudio.tokens.training.settings import UNKNOWN, TrainingSettings
from tokstudio.tokens.training.split import Corpus

WATCHED = {
    "byte-bpe": 48_000_000,
    "bpe": 6_000_000,
}  # characters up to which merges are made here, one by one
LINES = 6_000_000  # the same where words are whole lines
WORDS = 1_500_000  # different words up to which they are
EVERY = 24  # merges between two events
SHOWN = 12  # newest merges in an event


def library_of(settings: TrainingSettings) -> Any:
    """Everything but the model's entries."""
    from tokenizers import Tokenizer, models

    unknown = UNKNOWN.get(settings.algorithm)
    model = {
        "byte-bpe": models.BPE,
        "bpe": lambda: models.BPE(unk_token=unknown, fuse_unk=True),
        "wordpiece": lambda: models.WordPiece(unk_token=unknown),
        "unigram": models.Unigram,
    }[settings.algorithm]()
    library = Tokenizer(model)
    if (normalizer := parts.normalizer(settings)) is not None:
        library.normalizer = normalizer
    library.pre_tokenizer = parts.pre_tokenizer(settings)
    library.decoder = parts.decoder(settings)
    return library


def train(settings: TrainingSettings, corpus: Corpus, held: list[str]) -> Iterator[Event]:
    """Yields events; returns the trained library. Fills `held` with the texts held out."""
    library = library_of(settings)
    if is_watched(settings, corpus.size):
        data = yield from _watched(settings, corpus, library, held)
    else:
        data = yield from _native(settings, corpus, library, held)
    return _finished(settings, data)


def is_watched(settings: TrainingSettings, size: int) -> bool:
    """Are merges made here, one by one? Whole lines are nearly all different, so of them only a short text is."""
    most = WATCHED.get(settings.algorithm, 0)
    return size <= (min(most, LINES) if settings.pre_tokenizer == "none" else most)


def words_of(corpus: Corpus, cut: Callable[[str], list[str]], held: list[str]) -> Iterator[Event]:
    """Returns (words learnt from, words held out), each with how often it occurs."""
    learnt: Counter[str] = Counter()
    aside: Counter[str] = Counter()
    for number, (out, text) in enumerate(corpus.parts()):
        (aside if out else learnt).update(cut(text))
        if out:
            held.append(text)
        if number % 64 == 0:
            yield Phase("Reading", corpus.share(), f"{len(learnt):,} different words")
            if len(learnt) > WORDS:
                raise InputError(
                    "The text has too many different words to watch every merge.",
                    hint="Learn from a smaller share of it, or cut words another way.",
                )
    return learnt, aside


def _cutter(library: Any) -> Callable[[str], list[str]]:
    normalize, cut = library.normalizer, library.pre_tokenizer

    def words(text: str) -> list[str]:
        text = normalize.normalize_str(text) if normalize is not None else text
        return [word for word, _ in cut.pre_tokenize_str(text)]

    return words


def _watched(settings: TrainingSettings, corpus: Corpus, library: Any, held: list[str]) -> Iterator[Event]:
    """Returns the tokenizer.json of the result."""
    from tokenizers import pre_tokenizers

    words, aside = yield from words_of(corpus, _cutter(library), held)
    if not words:
        raise InputError("The texts have no words to learn from.", hint="Choose files with text in them.")
    alphabet = pre_tokenizers.ByteLevel.alphabet() if settings.algorithm == "byte-bpe" else ()
    learning = learner(
        words, aside, settings.special_tokens, alphabet,
        min_frequency=settings.min_frequency, longest=settings.longest,
    )  # fmt: skip
    size, start = settings.vocab_size - _bytes_added(settings), len(learning.tokens)
    if start >= size:
        raise InputError(
            f"The text has {start - len(settings.special_tokens):,} different characters: "
            f"a vocabulary of {settings.vocab_size:,} leaves no room for merges.",
            hint="Choose a larger vocabulary, or byte-level BPE.",
        )
    held_bytes, merges, newest = sum(len(text.encode()) for text in held), {}, []
    if learning.held_tokens:
        yield Compression(start, held_bytes / learning.held_tokens)
    for number, merge in enumerate(learning.merges(size), 1):
        merges.pop(merge.pair, None)  # a pair that is merged twice has the place of the last time
        merges[merge.pair] = None
        newest.append((learning.tokens[merge.made], merge.count))
        if number % EVERY == 0:
            yield Phase(
                "Merging", (len(learning.tokens) - start) / (size - start), f"{len(learning.tokens):,} tokens"
            )
            yield Newest(newest[-SHOWN:], settings.algorithm == "byte-bpe")
            if merge.held_tokens:
                yield Compression(len(learning.tokens), held_bytes / merge.held_tokens)
            newest = []
    if merges:
        yield Phase("Merging", 1.0, f"{len(learning.tokens):,} tokens")
        yield Newest(newest[-SHOWN:], settings.algorithm == "byte-bpe")
        if learning.held_tokens:
            yield Compression(len(learning.tokens), held_bytes / learning.held_tokens)
    data = json.loads(library.to_str())
    data["model"]["vocab"] = {token: i for i, token in enumerate(learning.tokens)}
    data["model"]["merges"] = [[learning.tokens[left], learning.tokens[right]] for left, right in merges]
    data["added_tokens"] = [added(i, token) for i, token in enumerate(settings.special_tokens)]
    return data


def added(token_id: int, content: str, special: bool = True) -> dict:
    about = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special}
    return {"id": token_id, "content": content, **about}


def _native(settings: TrainingSettings, corpus: Corpus, library: Any, held: list[str]) -> Iterator[Event]:
    """Hugging Face's own trainer; what it says of itself arrives as events from outside. Returns the
    tokenizer.json of the result."""
    from tokenizers import pre_tokenizers, trainers

    common = dict(
        vocab_size=settings.vocab_size - _bytes_added(settings),
        special_tokens=list(settings.special_tokens),
        show_progress=False,
    )
    if settings.algorithm == "unigram":
        longest = settings.longest or 16
        trainer = trainers.UnigramTrainer(unk_token=UNKNOWN["unigram"], max_piece_length=longest, **common)
    elif settings.algorithm == "wordpiece":
        trainer = trainers.WordPieceTrainer(min_frequency=settings.min_frequency, **common)
    else:
        alphabet = pre_tokenizers.ByteLevel.alphabet() if settings.algorithm == "byte-bpe" else []
        common["show_progress"] = True
        trainer = trainers.BpeTrainer(
            min_frequency=settings.min_frequency, initial_alphabet=alphabet,
            max_token_length=settings.longest + 1 if settings.longest else None, progress_format="json", **common,
        )  # fmt: skip
    yield Phase("Reading", 0.0)
    after = "Expectation and maximization" if settings.algorithm == "unigram" else "Cutting words"

    def texts() -> Iterator[str]:
        for out, text in corpus.parts():
            if out:
                held.append(text)
            else:
                yield text
        corpus.tell(Phase(after))

    library.train_from_iterator(texts(), trainer)
    data = json.loads(library.to_str())
    yield Newest([(token, 0) for token in list(_entries(data))[-SHOWN:]], settings.algorithm == "byte-bpe")
    return data


def _entries(data: dict) -> list[str]:
    vocab = data["model"]["vocab"]
    return list(vocab) if isinstance(vocab, dict) else [entry for entry, _ in vocab]


def _bytes_added(settings: TrainingSettings) -> int:
    return 256 if settings.byte_fallback and settings.algorithm in ("bpe", "unigram") else 0


def _finished(settings: TrainingSettings, data: dict) -> Any:
    """With the byte entries that spell what no piece does, and the frame."""
    from tokenizers import Tokenizer

    if _bytes_added(settings):
        _add_bytes(data, len(settings.special_tokens))
    if settings.algorithm == "byte-bpe":
        _specials_last(data)
    if settings.algorithm == "unigram":
        data["model"]["vocab"] = hushed(data["model"]["vocab"], settings.special_tokens)
    data["post_processor"] = None
    library = Tokenizer.from_str(json.dumps(data))
    ids = {content: library.token_to_id(content) for content in settings.special_tokens}
    if (frame := parts.frame(ids)) is not None:
        library.post_processor = frame
    return library


def _specials_last(data: dict) -> None:
    """Special tokens behind all others, as tiktoken numbers them: then a rank is an id."""
    names = [token["content"] for token in data["added_tokens"]]
    rest = sorted((e for e in data["model"]["vocab"] if e not in names), key=data["model"]["vocab"].get)
    ids = {entry: i for i, entry in enumerate([*rest, *names])}
    data["model"]["vocab"] = ids
    for token in data["added_tokens"]:
        token["id"] = ids[token["content"]]


def hushed(vocab: list, specials: Sequence[str]) -> list:
    """Special tokens with so low a score that a text in which one is written out is spelled by other pieces."""
    low = min((score for entry, score in vocab if entry not in specials), default=0.0) - 100.0
    return [[entry, low if entry in specials else score] for entry, score in vocab]


def _add_bytes(data: dict, at: int) -> None:
    """256 entries behind the special tokens; later ids move up."""
    model, names = data["model"], [f"<0x{byte:02X}>" for byte in range(256)]
    model["byte_fallback"] = True
    if isinstance(model["vocab"], dict):
        rest = [token for token in model["vocab"] if token not in names]
        model["vocab"] = {token: i for i, token in enumerate([*rest[:at], *names, *rest[at:]])}
    else:
        low = min((score for _, score in model["vocab"]), default=0.0) - 10.0
        rest = [entry for entry in model["vocab"] if entry[0] not in names]
        model["vocab"] = [*rest[:at], *([name, low] for name in names), *rest[at:]]
    for token in data["added_tokens"]:
        token["id"] += 256 if token["id"] >= at else 0
