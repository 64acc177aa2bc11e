"""How a byte-pair vocabulary makes its tokens: every merge of a word, every token's tree, and which tokens had
to exist before this one. For Hugging Face BPE (pairs in an order) and for rank files and SentencePiece BPE,
where two pieces may join when the vocabulary has what they spell, the lower id first.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.reference import file_of, load_tokenizer

LONGEST = 400  # pieces of one word that are played; each step looks at all of them


@dataclass(frozen=True, slots=True)
class Step:
    """The pieces after a merge. `at`: where the new piece stands; `rank`: the place of the merge in the order
    of all merges, the lowest goes first."""

    pieces: tuple[int, ...]
    at: int
    rank: int
    left: int
    right: int


@dataclass(frozen=True)
class Tree:
    """`parts` is empty for a token that is made of nothing else."""

    token: int
    rank: int = -1
    parts: tuple["Tree", ...] = ()

    def depth(self) -> int:
        return 1 + max((part.depth() for part in self.parts), default=0)


@dataclass(frozen=True)
class Merges:
    """`join(left, right)`: (rank, id of what they become), or None where they never join."""

    join: Callable[[int, int], tuple[int, int] | None]
    units_of: Callable[[int], list[int]]  # of a token: the pieces that merging starts from
    words: Callable[[str], list[list[int]]]  # of a text: the pieces of each word
    count: int

    def play(self, units: list[int]) -> Iterator[Step]:
        """Ends after at most `len(units) - 1` steps, whatever the merges are."""
        pieces = list(units[:LONGEST])
        while len(pieces) > 1:
            found = [(joined, at) for at, pair in enumerate(pairwise(pieces)) if (joined := self.join(*pair))]
            if not found:
                return
            (rank, made), at = min(found, key=lambda item: (item[0][0], item[1]))
            left, right = pieces[at], pieces[at + 1]
            pieces[at : at + 2] = [made]
            yield Step(tuple(pieces), at, rank, left, right)

    def tree(self, token: int) -> Tree | None:
        """None where merging the token's own pieces does not end in the token: no text gives it."""
        units = self.units_of(token)
        trees = [Tree(unit) for unit in units]
        if len(units) > LONGEST:
            return None
        for step in self.play(units):
            made = Tree(step.pieces[step.at], step.rank, (trees[step.at], trees[step.at + 1]))
            trees[step.at : step.at + 2] = [made]
        return trees[0] if len(trees) == 1 and trees[0].token == token else None

    def needed(self, token: int) -> list[int]:
        """The tokens that had to exist before this one, in the order in which they came to be; its units
        first."""
        tree = self.tree(token)
        return (
            [made for made, _ in sorted(_inner(tree, {}).items(), key=lambda item: item[1])][:-1]
            if tree
            else []
        )


def _inner(tree: Tree, found: dict[int, int]) -> dict[int, int]:
    for part in tree.parts:
        _inner(part, found)
    found.setdefault(tree.token, tree.rank)
    return found


def merges_of(reference: str) -> Merges:
    """Raises TokenizerError for a vocabulary that was not made by merging."""
    tokenizer = load_tokenizer(reference)
    file = file_of(reference)
    stamp = (file.stat().st_mtime_ns, file.stat().st_size) if file is not None else ()
    return _cached(reference, tokenizer.fingerprint, stamp)


@lru_cache(maxsize=8)
def _cached(reference: str, _fingerprint: str, _stamp: tuple) -> Merges:
    tokenizer, file = load_tokenizer(reference), file_of(reference)
    if "BPE" not in tokenizer.algorithm:
        raise TokenizerError(
            f"{tokenizer.name} was not made by merging: it is {tokenizer.algorithm}.",
            hint="Merges can be watched in BPE vocabularies, for example tiktoken:cl100k_base.",
        )
    if file is not None and file.suffix == ".json" and (model := _hugging_face(file)) is not None:
        return _by_pairs(tokenizer, file, *model)
    return _by_spelling(tokenizer)


def _hugging_face(file: Path) -> tuple[dict[str, int], list[tuple[str, str]], dict] | None:
    """Entries, merges and the whole file; None for another kind of JSON."""
    data = json.loads(file.read_bytes())
    model = data.get("model") if isinstance(data, dict) else None
    if isinstance(model, dict) and isinstance(model.get("merges"), list):
        pairs = [tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in model["merges"]]
        return model["vocab"], pairs, data
    pairs_file = file.with_name("merges.txt")
    if file.name == "vocab.json" and pairs_file.is_file():
        lines = pairs_file.read_text(encoding="utf-8").split("\n")
        pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
        return data, [pair for pair in pairs if len(pair) == 2], {}
    return None


def _by_pairs(
    tokenizer: Tokenizer, file: Path, vocabulary: Mapping[str, int], pairs: list[tuple[str, str]], data: dict
) -> Merges:
    model = data.get("model", {})
    prefix, suffix = model.get("continuing_subword_prefix") or "", model.get("end_of_word_suffix") or ""
    table: dict[tuple[int, int], tuple[int, int]] = {}
    for rank, (left, right) in enumerate(pairs):
        made = vocabulary.get(left + right.removeprefix(prefix))
        a, b = vocabulary.get(left), vocabulary.get(right)
        if None not in (made, a, b):
            table.setdefault((a, b), (rank, made))
    written = {token: entry for entry, token in vocabulary.items()}

    def units(entry: str) -> list[int]:
        body, end = (entry[: -len(suffix)], suffix) if suffix and entry.endswith(suffix) else (entry, "")
        found: list[int] = []
        for place, letter in enumerate(body):
            last = place == len(body) - 1
            name = (prefix if place and prefix else "") + letter + (end if last else "")
            token = vocabulary.get(name)
            found += [token] if token is not None else _fallback(vocabulary, letter)
        return found

    def words(text: str) -> list[list[int]]:
        return [units(word + suffix) for word in _pretokenized(file, data, text)]

    def units_of(token: int) -> list[int]:
        return units(written[token]) if token in written else [token]

    return Merges(lambda a, b: table.get((a, b)), units_of, words, len(pairs))


def _fallback(vocabulary: Mapping[str, int], letter: str) -> list[int]:
    """The byte entries of a letter that the vocabulary does not have."""
    return [vocabulary[key] for byte in letter.encode() if (key := f"<0x{byte:02X}>") in vocabulary]


def _pretokenized(file: Path, data: dict, text: str) -> list[str]:
    from tokenizers import Tokenizer as Library

    if not data:  # vocab.json and merges.txt: GPT-2's form
        from tokenizers import pre_tokenizers

        return [word for word, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)]
    library = _library(str(file), file.stat().st_mtime_ns, Library)
    if library.normalizer is not None:
        text = library.normalizer.normalize_str(text)
    if library.pre_tokenizer is None:
        return [text] if text else []
    return [word for word, _ in library.pre_tokenizer.pre_tokenize_str(text)]


@lru_cache(maxsize=2)
def _library(path: str, _stamp: int, kind):
    return kind.from_file(path)


def _by_spelling(tokenizer: Tokenizer) -> Merges:
    """Two pieces join when the vocabulary has what they spell."""
    by_bytes = tokenizer.algorithm == "Byte BPE"
    spelled: dict[bytes, int] = {}
    whole: dict[int, bytes] = {}
    for token in range(len(tokenizer)):
        if raw := tokenizer.token_bytes(token):
            whole[token] = raw
            if len(raw) == 1 and not by_bytes:
                spelled[raw] = token  # "a" itself, not the byte entry that comes before it
            else:
                spelled.setdefault(raw, token)

    def join(left: int, right: int) -> tuple[int, int] | None:
        made = spelled.get(whole.get(left, b"") + whole.get(right, b""))
        return None if made is None or made in (left, right) else (made, made)

    def units(raw: bytes) -> list[int]:
        if by_bytes:
            return [spelled[raw[i : i + 1]] for i in range(len(raw)) if raw[i : i + 1] in spelled]
        found: list[int] = []
        for letter in raw.decode(errors="replace"):
            token = spelled.get(letter.encode())
            found += [token] if token is not None else [spelled[b] for b in _single(letter) if b in spelled]
        return found

    def words(text: str) -> list[list[int]]:
        return [units(word.encode()) for word in _cut(tokenizer, text)]

    def units_of(token: int) -> list[int]:
        raw = whole.get(token, b"")
        return units(raw) if len(raw) > 1 else [token]

    return Merges(join, units_of, words, max(0, len(spelled) - 256))


def _single(letter: str) -> list[bytes]:
    return [bytes([byte]) for byte in letter.encode()]


def _cut(tokenizer: Tokenizer, text: str) -> list[str]:
    """Into words: by the pattern of the encoding where one is known, else before every space."""
    pattern = getattr(tokenizer, "_pattern", None) or getattr(tokenizer, "pattern", None)
    if isinstance(pattern, str):
        import regex

        return [found.group() for found in regex.finditer(pattern, text)]
    added = "" if text.startswith(" ") else " "
    return re.findall(r" *[^ ]+| +$", added + text) if tokenizer.algorithm == "BPE" else [text]
