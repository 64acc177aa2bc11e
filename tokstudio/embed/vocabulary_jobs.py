"""What the Vocabulary page asks the maths process for, beside the jobs of the Embeddings page."""

import time
from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np

from tokstudio.embed import jobs
from tokstudio.embed.jobs import Answer, Job, Part, State
from tokstudio.embed.known import matrix_folder
from tokstudio.embed.neighbors import row_norms
from tokstudio.embed.vocabulary import (
    BYTE,
    CONTINUATION,
    KINDS,
    PARTIAL,
    SPECIAL,
    START,
    UNUSED,
    Vocabulary,
    read_vocabulary,
)
from tokstudio.errors import InputError
from tokstudio.tokens import vocab_counts, vocab_cuts, vocab_diff, vocab_health
from tokstudio.tokens.merges import Merges, Tree, merges_of
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.training.corpus import characters, default_corpus, texts_of
from tokstudio.tokens.vocab_query import STARTED, Queried, containing, search
from tokstudio.tokens.vocab_scripts import scripts_of

LOW = 4.0  # spreads below the middle norm from which on a row counts as under-trained
BINS, HEAP = (
    48,
    6.0,
)  # of the histogram that looks for a second heap; how much higher than the valley it must be
SHOWN_STEPS = 400


@dataclass(eq=False)
class Known:
    """One vocabulary with what has been found out about it."""

    vocabulary: Vocabulary
    queried: Queried
    facts: dict[str, object] = field(default_factory=dict)


def known(state: State, reference: str) -> Generator[float, None, Known]:
    names = state.vocabularies.get(reference)
    if names is None:
        names = state.vocabularies[reference] = yield from read_vocabulary(reference)
    kept: dict[str, Known] = state.__dict__.setdefault("known", {})
    found = kept.get(reference)
    if found is None or found.vocabulary is not names:
        yield 1.0
        scripts = scripts_of(names.plain)
        found = kept[reference] = Known(names, Queried(names, KINDS, UNUSED, scripts))
    return found


def _tokens(names: Vocabulary) -> list[bytes]:
    return [names.bytes_of(token) for token in range(len(names))]


def _plain(names: Vocabulary) -> np.ndarray:
    """bool [n]: stands for something in a text."""
    return ~np.isin(names.kinds, (SPECIAL, UNUSED))


def scripts(state: State, reference: str) -> Job:
    about = yield from known(state, reference)
    return Answer({}, {"scripts": about.queried.scripts})


def find(state: State, reference: str, query: str) -> Job:
    """`mask`: one bit a token. A part without arrays says that a regular expression has been begun."""
    about = yield from known(state, reference)
    started = time.perf_counter()
    steps = search(about.queried, query)
    while True:
        try:
            news = next(steps)
        except StopIteration as end:
            seconds = time.perf_counter() - started
            return Answer({"query": query, "seconds": seconds}, {"mask": np.packbits(end.value)})
        yield Part({"started": query}) if news == STARTED else news


def count(state: State, reference: str, paths: list[str]) -> Job:
    """Tokens of the texts in `paths`; without one, of the text that comes with Python."""
    about = yield from known(state, reference)
    tokenizer = load_tokenizer(reference)
    size = characters(paths) if paths else sum(map(len, default_corpus()))
    texts = texts_of(paths) if paths else default_corpus()
    found = yield from vocab_counts.count_tokens(tokenizer, texts, size)
    if not found.tokens:
        raise InputError("There is no text to count in.", hint="Choose a file or folder with text in it.")
    about.queried.numbers["count"] = found.counts
    values = {"bytes": found.bytes, "tokens": found.tokens, "paths": paths}
    return Answer(values, {"counts": found.counts, "coverage": found.coverage().astype(np.float32)})


def norms(state: State, reference: str, path: str = "") -> Job:
    """Norm of each token's row in the matrix at `path`, or in the one known to belong to the vocabulary."""
    about = yield from known(state, reference)
    folder = path or matrix_folder(reference)
    if not folder:
        raise InputError(
            f"No embedding matrix of {about.vocabulary.name} is on this machine.",
            hint="Open the folder of a model that uses this tokenizer.",
        )
    opened = state.get(str(folder), None)
    if opened.norms is None:
        opened.norms = yield from row_norms(opened.matrix)
    size = len(about.vocabulary)
    if len(opened.norms) < size - 4096 or len(opened.norms) < size * 0.9:
        raise InputError(
            f"The matrix has {len(opened.norms):,} rows, the vocabulary {size:,} tokens: they do not belong together.",
            hint="Open the folder of a model that uses this tokenizer.",
        )
    found = np.full(size, np.nan, np.float32)
    found[: min(size, len(opened.norms))] = opened.norms[:size]
    about.queried.numbers["norm"] = found
    about.queried.flags["under-trained"] = low = under_trained(found, about.vocabulary.kinds)
    values = {"name": opened.model.name, "low": int(low.sum())}
    return Answer(values, {"norms": found, "low": low})


def under_trained(norms: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """bool [n]: far below the middle by the median's own spread, or in a heap of their own below it. A sign, not a
    proof."""
    used = np.isfinite(norms) & (kinds != UNUSED)
    if not used.any():
        return used
    middle = np.median(norms[used])
    spread = 1.4826 * np.median(np.abs(norms[used] - middle)) or 1e-12
    return used & (norms < max(middle - LOW * spread, valley(norms[used], float(middle))))


def valley(norms: np.ndarray, middle: float) -> float:
    """Where a second heap of norms ends, below the middle of all; -inf where there is none."""
    low = norms[norms < middle]
    if len(low) < BINS or low.max() <= low.min():
        return -np.inf
    counts, edges = np.histogram(low, BINS)
    counts = np.convolve(counts, (0.25, 0.5, 0.25), "same")
    left = np.maximum.accumulate(counts)  # the highest heap below each bin
    deep = np.flatnonzero((left >= HEAP * (counts + 1)) & (edges[1:] < 0.85 * middle))
    if not len(deep):
        return -np.inf
    place = deep[np.argmin(counts[deep])]
    return float(edges[place + 1])


def health(state: State, reference: str) -> Job:
    about = yield from known(state, reference)
    names = about.vocabulary
    partial = np.isin(names.kinds, (PARTIAL, BYTE))
    text = _plain(names) & ~partial
    tokenizer = load_tokenizer(reference)
    found = yield from vocab_health.check(tokenizer, _tokens(names), text, partial, names.glued)
    about.queried.flags.update(found.flags)
    values = {
        "counts": found.counts(),
        "tried": found.tried,
        "missing_bytes": found.missing_bytes,
        "clashes": found.clashes,
        "unknown": tokenizer.unknown_id is not None,
        "partial": int((names.kinds == PARTIAL).sum()),
        "unused": int((names.kinds == UNUSED).sum()),
        "special": int((names.kinds == SPECIAL).sum()),
    }
    return Answer(values, {key: np.packbits(flag) for key, flag in found.flags.items()})


def compare(state: State, reference: str, others: list[str]) -> Job:
    """One or two other vocabularies beside this one, by bytes."""
    about = yield from known(state, reference)
    beside = []
    for other in others:
        beside.append((yield from known(state, other)).vocabulary)
    yield 1.0
    own = _tokens(about.vocabulary)
    shared = vocab_diff.compare(own, _plain(about.vocabulary), [(_tokens(v), _plain(v)) for v in beside])
    about.queried.others = shared.sides()
    values, arrays = {"others": []}, {}
    for place, (names, twins) in enumerate(zip(beside, shared.twins, strict=True)):
        same, shift = vocab_diff.shifts(twins)
        values["others"].append(
            {**names.about, "both": int((twins >= 0).sum()), "only_there": shared.only_there[place],
             "tokens": len(names), "same_id": same, "shift": shift}
        )  # fmt: skip
        arrays[f"twins{place}"], arrays[f"lengths{place}"] = twins, names.lengths
    sides = shared.sides()
    values |= {"only": int(sides["only"].sum()), "both": int(sides["both"].sum())}
    return Answer(values, arrays | {"only": np.packbits(sides["only"])})


def cuts(state: State, reference: str, other: str) -> Job:
    """What becomes of every token in the vocabulary `other`, and of that one's tokens here: for both ways the number
    of tokens by group and fate. Then a query knows `cut:`."""
    here, there = (yield from known(state, reference)), (yield from known(state, other))
    ways = []
    for way, (about, beside) in enumerate(((here, there), (there, here))):
        names = about.vocabulary
        key = f"cuts {beside.vocabulary.reference}"
        if key not in about.facts:
            tokens, plain = _tokens(names), _plain(names)
            twins = vocab_diff.compare(
                tokens, plain, [(_tokens(beside.vocabulary), _plain(beside.vocabulary))]
            ).twins[0]
            yield way / 2
            tokenizer = load_tokenizer(beside.vocabulary.reference)
            spaced = (names.kinds == START) & (names.algorithm == "WordPiece")
            steps = vocab_cuts.cuts(tokenizer, tokens, plain, twins, spaced)
            try:
                while True:
                    yield (way + next(steps)) / 2
            except StopIteration as end:
                about.facts[key] = end.value, vocab_cuts.fates(end.value, plain, twins)
        found, fates = about.facts[key]
        groups = np.select([names.kinds == START, names.kinds == CONTINUATION], [0, 1], 2)
        ways.append(vocab_cuts.flow(fates, groups).tolist())
        if way == 0:
            about.queried.numbers["cut"] = found
    names = {"groups": list(vocab_cuts.GROUPS), "fates": list(vocab_cuts.FATES)}
    return Answer({"here": ways[0], "there": ways[1], "other": there.vocabulary.about, **names})


def forget_comparison(state: State, reference: str) -> Job:
    about = yield from known(state, reference)
    about.queried.others = {}
    about.queried.numbers.pop("cut", None)
    return Answer()


def inspect(state: State, reference: str, token: int) -> Job:
    """How the tokenizer cuts the token's own text, how many longer tokens hold it, what it is merged from."""
    about = yield from known(state, reference)
    names = about.vocabulary
    raw = names.bytes_of(token)
    text = raw.decode() if _is_text(raw) else ""
    pieces: list[int] = []
    if text and names.kinds[token] != SPECIAL:
        pieces = load_tokenizer(reference).encode(text).ids.tolist()
    longer = containing(names, text, fold=False) & (names.lengths > len(raw))
    values = {"token": token, "pieces": pieces, "longer": int(longer.sum()),
              "examples": np.flatnonzero(longer)[:3].tolist(), "parts": [], "units": 0}  # fmt: skip
    yield Part(values)
    if "BPE" in names.algorithm and names.kinds[token] not in (SPECIAL, UNUSED):
        tree = merges_of(reference).tree(token)
        values["parts"] = [part.token for part in tree.parts] if tree is not None else []
        values["merged"] = tree is not None
    return Answer(values)


def play(state: State, reference: str, token: int | None = None, text: str = "") -> Job:
    """Every merge of a token's own pieces, or of the words of `text`; for a token also its tree and what had
    to exist before it."""
    about = yield from known(state, reference)
    yield 0.5
    merges = merges_of(reference)
    starts = merges.words(text) if token is None else [merges.units_of(token)]
    words = [_played(merges, units) for units in starts]
    tree = merges.tree(token) if token is not None else None
    values = {
        "token": token,
        "text": text,
        "words": words,
        "merges": merges.count,
        "tree": _nested(tree) if tree is not None else None,
        "needed": merges.needed(token) if token is not None else [],
        "name": about.vocabulary.name,
    }
    return Answer(values)


def _played(merges: Merges, units: list[int]) -> dict:
    steps = [
        {"pieces": list(s.pieces), "at": s.at, "rank": s.rank, "left": s.left, "right": s.right}
        for s, _ in zip(merges.play(units), range(SHOWN_STEPS), strict=False)
    ]
    return {"units": units, "steps": steps}


def _nested(tree: Tree) -> dict:
    return {"token": tree.token, "rank": tree.rank, "parts": [_nested(part) for part in tree.parts]}


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


JOBS = {
    **jobs.JOBS,
    "inspect": (inspect, 1),
    "vocab_find": (find, 1),
    "vocab_play": (play, 1),
    "vocab_scripts": (scripts, 2),
    "vocab_compare": (compare, 2),
    "vocab_cuts": (cuts, 6),  # the longest: everything else goes first
    "vocab_uncompare": (forget_comparison, 1),
    "vocab_count": (count, 4),
    "vocab_norms": (norms, 4),
    "vocab_health": (health, 5),
}
