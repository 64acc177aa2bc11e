"""Vectors of tokens that come from texts, for the methods that compare tokens outside the model."""

from collections import Counter, defaultdict

import numpy as np

from tokstudio.embed.cooccurrence import cooccurrence, vectors
from tokstudio.tokens.base import Tokenizer
from tokstudio.transfer.base import TransferProblem
from tokstudio.transfer.candidates import target_counts, used_tokens

CHUNK = 512  # rows compared together


def token_vectors(problem: TransferProblem, tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows float32 [v, d] and how often each token occurs int64 [v]."""

    def make():
        options = problem.options
        pairs = cooccurrence(
            (tokenizer.encode(t).ids for t in problem.texts), window=options.window, size=len(tokenizer)
        )
        rows = vectors(pairs, dimensions=options.dimensions, seed=problem.seed)
        own = tokenizer.fingerprint == problem.target.fingerprint
        return rows, target_counts(problem) if own else used_tokens(tokenizer, problem.texts)

    return problem.once(f"vectors of {tokenizer.fingerprint}", make)


def word_token_vectors(problem: TransferProblem) -> tuple[np.ndarray, np.ndarray]:
    """Rows of source and target tokens in one space: means of the vectors of the words each is part of,
    unit length; zero where a token is part of no word of the texts."""

    def make():
        target_counts(problem)  # so that texts without any are told, and not met by rows of pieces alone
        index, counts, sequences = _words(problem)
        pairs = cooccurrence(sequences, window=problem.options.window, size=len(index))
        words = vectors(pairs, dimensions=problem.options.dimensions, seed=problem.seed)
        return tuple(_from_words(t, index, counts, words) for t in (problem.source, problem.target))

    return problem.once("word vectors", make)


def _words(problem: TransferProblem):
    index: dict[str, int] = defaultdict(lambda: len(index))
    counts: Counter[int] = Counter()
    sequences = []
    for text in problem.texts:
        ids = np.array([index[word] for word in text.split()], np.int64)
        counts.update(ids.tolist())
        sequences.append(ids)
    return dict(index), counts, sequences


def _from_words(
    tokenizer: Tokenizer, index: dict[str, int], counts: Counter, words: np.ndarray
) -> np.ndarray:
    out = np.zeros((len(tokenizer), words.shape[1]), np.float32)
    for word, number in index.items():
        for spelled in (word, " " + word):
            np.add.at(out, tokenizer.encode(spelled).ids, counts[number] * words[number])
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def sparsemax(scores: np.ndarray) -> np.ndarray:
    """Each row projected onto the simplex (Martins and Astudillo 2016)."""
    ordered = -np.sort(-scores, axis=1)
    cut = (np.cumsum(ordered, axis=1) - 1) / np.arange(1, scores.shape[1] + 1)
    size = (ordered > cut).sum(1, keepdims=True)
    return np.maximum(scores - np.take_along_axis(cut, size - 1, 1), 0)
