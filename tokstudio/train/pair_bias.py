"""Where do two tokenizers mean the same by a token's end? Estimated from texts (arXiv 2503.20083, appendix F).

That a text was cut after `d` says that it does not go on with just anything: had "Wor" been followed by "ld", there
would be one token. The cover of a token with bytes d is every continuation e for which the tokenizer has no edge
after d in d + e, up to the end of one token: encode(d + e) ends in a token that begins within d. With t and s the
last tokens of a chunk on both sides, and u the share of a token in the texts,

    bias(t, s) = sum of u(last token of t's d + e) over the e in cover(t) that are not in cover(s),

and the same with the sides exchanged. Where both are small, the chunk's two probabilities are of the same event.
Tokens of white space alone always count as biased (what follows may join them), special tokens never.
"""

import bisect
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tokstudio.align.specials import align_all
from tokstudio.paths import cache_folder
from tokstudio.tokens.base import Tokenizer

VERSION = 1
TEXT_BYTES = 200_000  # of the training text are counted
Pair = tuple[int, int]


class Side:
    """One tokenizer, and how often each of its tokens occurs in the texts."""

    def __init__(self, tokenizer: Tokenizer, texts: Sequence[str]):
        self.tokenizer = tokenizer
        counts = np.zeros(len(tokenizer), np.int64)
        for text in texts:
            counts += np.bincount(tokenizer.encode(text).ids, minlength=len(tokenizer))[: len(tokenizer)]
        self.share = counts / max(1, counts.sum())
        special = set(tokenizer.special_tokens.values())
        self.data = [
            None if t in special else tokenizer.token_bytes(t) or None for t in range(len(tokenizer))
        ]
        known = sorted((self.data[t], int(t)) for t in np.flatnonzero(counts) if self.data[t])
        self.spelled = [data for data, _ in known]
        self.token = [token for _, token in known]
        self._covers: dict[int, dict[bytes, int]] = {}

    def cover(self, token: int) -> dict[bytes, int]:
        """Continuation -> the token that runs past the end of `token`, among those that occur."""
        if token not in self._covers:
            self._covers[token] = self._cover(self.data[token] or b"")
        return self._covers[token]

    def _cover(self, data: bytes) -> dict[bytes, int]:
        found = {}
        for start in range(len(data)):
            rest = data[start:]
            place = bisect.bisect_left(self.spelled, rest)
            while place < len(self.spelled) and self.spelled[place].startswith(rest):
                spelled, token = self.spelled[place], self.token[place]
                place += 1
                if len(spelled) > len(rest) and self._ends_with(data[:start] + spelled, token):
                    found[spelled[len(rest) :]] = token
        return found

    def _ends_with(self, data: bytes, token: int) -> bool:
        try:
            text = data.decode()
        except UnicodeDecodeError:  # part of a character is never a whole text
            return False
        ids = self.tokenizer.encode(text).ids
        return len(ids) > 0 and int(ids[-1]) == token

    def blank(self, token: int) -> bool:
        data = self.data[token]
        return data is not None and not data.strip()


class PairBias:
    def __init__(self, source: Tokenizer, target: Tokenizer, texts: Sequence[str]):
        self.sides = Side(source, texts), Side(target, texts)
        self.known: dict[Pair, tuple[float, float]] = {}

    @classmethod
    def of(
        cls, source: Tokenizer, target: Tokenizer, texts: Sequence[str], folder: Path | None = None
    ) -> "PairBias":
        """With the bias of every pair that ends a chunk of `texts`: worked out once, then read from a file."""
        made = cls(source, target, texts)
        facts = [
            VERSION,
            source.fingerprint,
            target.fingerprint,
            hashlib.sha256("\0".join(texts).encode()).hexdigest(),
        ]
        name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
        path = (folder or cache_folder() / "pair-bias") / f"{name}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as saved:
                pairs, values = saved["pairs"], saved["values"]
            made.known = dict(zip(map(tuple, pairs.tolist()), map(tuple, values.tolist()), strict=True))
            return made
        for text in texts:
            for pair in _ends(source, target, text):
                made.bias(pair)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}")
        with draft.open("wb") as file:
            pairs = np.array(list(made.known), np.int64).reshape(-1, 2)
            np.savez(file, pairs=pairs, values=np.array(list(made.known.values()), np.float64).reshape(-1, 2))
        draft.replace(path)
        return made

    def bias(self, pair: Pair) -> tuple[float, float]:
        """(source's, target's)"""
        if pair not in self.known:
            self.known[pair] = self._bias(pair)
        return self.known[pair]

    def _bias(self, pair: Pair) -> tuple[float, float]:
        data = [side.data[token] for side, token in zip(self.sides, pair, strict=True)]
        if data[0] is None or data[1] is None:
            return 0.0, 0.0
        if any(side.blank(token) for side, token in zip(self.sides, pair, strict=True)):
            return 1.0, 1.0
        covers = [side.cover(token) for side, token in zip(self.sides, pair, strict=True)]
        return tuple(
            float(sum(self.sides[k].share[w] for e, w in covers[k].items() if e not in covers[1 - k]))
            for k in (0, 1)
        )

    def small(self, source_ids: np.ndarray, target_ids: np.ndarray, threshold: float) -> np.ndarray:
        """bool [n]: is the bias of each pair at most `threshold` both ways?"""
        pairs = np.stack([source_ids, target_ids], 1)
        unique, back = np.unique(pairs, axis=0, return_inverse=True)
        good = np.array([max(self.bias((int(t), int(s)))) <= threshold for t, s in unique], bool)
        return good[back.reshape(-1)]


def _ends(source: Tokenizer, target: Tokenizer, text: str) -> set[Pair]:
    sides = source.encode(text), target.encode(text)
    blocks = align_all(*sides)
    last = [
        np.searchsorted(block[block >= 0], np.arange(blocks.count), side="right") - 1
        for block in (blocks.source_block, blocks.target_block)
    ]
    ids = [
        side.ids[block >= 0][end]
        for side, block, end in zip(sides, (blocks.source_block, blocks.target_block), last, strict=True)
    ]
    return set(zip(ids[0].tolist(), ids[1].tolist(), strict=True))
