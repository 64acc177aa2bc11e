"""Training of new tokenizers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import pairwise
from pathlib import Path
from typing import Any

SPECIAL_TOKENS = ("<s>", "</s>")

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""How GPT-2 cuts a text before it merges bytes: a piece of punctuation never joins the word behind it."""


def train_bpe(texts: Iterable[str], folder: Path, *, vocab_size: int, pattern: str = GPT2_PATTERN) -> None:
    """Train a byte-level BPE and save it as a Hugging Face folder (tokenizer.json, tokenizer_config.json).

    All 256 bytes are in the vocabulary, so that nothing is ever unknown. `<s>` is id 0, `</s>` is id 1.
    """
    import json

    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")


WORD_PATTERN = r" ?\S+|\s+(?!\S)|\s+"
"""Only white space parts words, in GPT-2's way: a new token may join letters, digits and marks."""


def extend_bpe(
    parent: Path, texts: Iterable[str], folder: Path, *, new_tokens: int, pattern: str = WORD_PATTERN
) -> None:
    """Give the byte-level BPE in the folder `parent` `new_tokens` more tokens, and save it under `folder`.

    Every old token keeps its id and its merges come first, so a text falls into the old pieces before the new
    merges join them: the new tokens are what is most frequent beyond the parent, within words of `pattern`.
    Ties go to the pair whose text sorts first.
    """
    import json
    import shutil

    from tokenizers import Tokenizer

    data = json.loads((parent / "tokenizer.json").read_text(encoding="utf-8"))
    data["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": pattern}
    library = Tokenizer.from_str(json.dumps(data))
    vocab, merges = data["model"]["vocab"], data["model"]["merges"]
    for left, right in _most_frequent_merges(_word_pieces(library, texts), new_tokens):
        merges.append([left, right])
        vocab[left + right] = len(vocab)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    shutil.copyfile(parent / "tokenizer_config.json", folder / "tokenizer_config.json")


def _word_pieces(library: Any, texts: Iterable[str]) -> list[tuple[list[str], int]]:
    """Each different word as the parent's tokens, and how often it stands in `texts`."""
    words: Counter[str] = Counter()
    for text in texts:
        words.update(word for word, _ in library.pre_tokenizer.pre_tokenize_str(text))
    return [([token.value for token in library.model.tokenize(word)], n) for word, n in sorted(words.items())]


def _most_frequent_merges(words: list[tuple[list[str], int]], count: int) -> Iterator[tuple[str, str]]:
    """The next `count` merges of byte-pair encoding (Sennrich et al. 2016) over words already in pieces."""
    counts: Counter[tuple[str, str]] = Counter()
    where: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for index, (pieces, n) in enumerate(words):
        for pair in pairwise(pieces):
            counts[pair] += n
            where[pair].add(index)
    heap = [(-n, pair) for pair, n in counts.items()]
    heapify(heap)
    known = {piece for pieces, _ in words for piece in pieces}
    while count and heap:
        n, pair = heappop(heap)
        if -n != counts[pair] or not counts[pair]:  # an entry that later merges have overtaken
            if counts[pair] > 0:
                heappush(heap, (-counts[pair], pair))
            continue
        if "".join(pair) in known:  # another way to a token that is there already
            counts[pair] = 0
            continue
        known.add("".join(pair))
        count -= 1
        yield pair
        changed = set()
        for index in where.pop(pair):
            changed |= _merge_in(words, index, pair, counts, where)
        for other in changed:
            heappush(heap, (-counts[other], other))


def _merge_in(words, index: int, pair: tuple[str, str], counts: Counter, where: defaultdict) -> set:
    """Join `pair` in one word; the counts of its pairs follow. Returns the pairs that the word has now."""
    pieces, n = words[index]
    for old in pairwise(pieces):
        counts[old] -= n
    joined, i = [], 0
    while i < len(pieces):
        together = tuple(pieces[i : i + 2]) == pair
        joined.append("".join(pair) if together else pieces[i])
        i += 2 if together else 1
    words[index] = (joined, n)
    new = set(pairwise(joined))
    for one in pairwise(joined):
        counts[one] += n
    for one in new:
        where[one].add(index)
    return new
