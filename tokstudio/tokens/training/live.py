"""Byte-pair encoding (Sennrich et al. 2016), merge by merge, so that one can watch it and stop it.

The order is that of Hugging Face's trainer: the most frequent pair first, of equally frequent ones the pair of
the smaller ids. A merge touches the places of its pair and their neighbors, so a sequence of a million characters
costs what as many short words cost. Held-out words ride along: they are merged, but not counted.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

Pair = tuple[int, int]
SHIFT, LOW = 32, (1 << 32) - 1  # a pair as one number, which sorts as the pair does
GONE = -1


@dataclass(slots=True)
class Word:
    pieces: Sequence[int]
    count: int  # in the texts that are learnt from
    held: int = 0  # in the texts held out


@dataclass(frozen=True, slots=True)
class Merge:
    pair: Pair
    made: int
    count: int
    held_tokens: int  # pieces that the held-out texts have after this merge


@dataclass(eq=False)
class Learner:
    """`tokens[i]` is how id i is written; `ids` the other way round. Both grow.

    All words stand behind each other, `pieces[n]`, linked to what follows and what comes before in their word. Of a
    pair all places are kept where it has stood; those where it stands no more are passed over when it is merged.
    """

    tokens: list[str]
    words: Iterable[Word]
    min_frequency: int = 0
    longest: int = 0
    ids: dict[str, int] = field(init=False)

    def __post_init__(self):
        self.ids = {token: i for i, token in reversed(list(enumerate(self.tokens)))}
        self._pieces, self._owner, self._count, self._held = array("i"), array("i"), array("q"), array("q")
        ends = array("q")
        for index, word in enumerate(self.words):
            self._pieces.extend(word.pieces)
            self._owner.extend([index] * len(word.pieces))
            self._count.append(word.count)
            self._held.append(word.held)
            ends.append(len(self._pieces))
        self.words = ()
        size = len(self._pieces)
        self._next = array("i", range(1, size + 1))
        self._before = array("i", range(-1, size - 1))
        for end in ends:
            if end:
                self._next[end - 1] = GONE
            if end < size:
                self._before[end] = GONE
        self._find_pairs()

    def _find_pairs(self) -> None:
        """Every pair with its places, and the queue of those that are learnt from."""
        pieces, owner = np.frombuffer(self._pieces, "i4"), np.frombuffer(self._owner, "i4")
        count, held = np.frombuffer(self._count, "i8"), np.frombuffer(self._held, "i8")
        self.held_tokens = int(held[owner].sum()) if len(owner) else 0
        self._counts: dict[int, int] = {}
        self._places: dict[int, array] = {}
        self._aside: dict[int, array] = {}  # places in words that are only held out
        at = np.flatnonzero(owner[:-1] == owner[1:]).astype(np.int32)
        learnt = count[owner[at]] > 0
        for spots in (at[learnt], at[~learnt]):
            keys = (pieces[spots].astype(np.int64) << SHIFT) | pieces[spots + 1]
            order = np.argsort(keys, kind="stable")
            keys, spots = keys[order], spots[order]
            del order
            starts = np.flatnonzero(np.diff(keys, prepend=GONE)).tolist()
            for start, stop in pairwise([*starts, len(keys)]):
                part, key = spots[start:stop], int(keys[start])
                if total := int(count[owner[part]].sum()):
                    self._counts[key], self._places[key] = total, array("i", part.tobytes())
                else:
                    self._aside[key] = array("i", part.tobytes())
        self._heap = [(-n, key) for key, n in self._counts.items()]
        heapify(self._heap)

    def merges(self, size: int) -> Iterator[Merge]:
        """Until there are `size` tokens, or no pair is frequent enough."""
        heap = self._heap
        while len(self.tokens) < size and heap:
            n, key = heappop(heap)
            count = self._counts.get(key, 0)
            if -n != count:  # an entry that later merges have overtaken
                if count > 0:
                    heappush(heap, (-count, key))
                continue
            if count < max(1, self.min_frequency):
                return
            left, right = key >> SHIFT, key & LOW
            written = self.tokens[left] + self.tokens[right]
            made = self.ids.get(written)
            if made is None:
                made = self.ids[written] = len(self.tokens)
                self.tokens.append(written)
            self._join(left, right, self._where(key), made)
            yield Merge((left, right), made, count, self.held_tokens)

    def _where(self, key: int) -> list[int]:
        """The places of a pair, which are forgotten. Of overlapping places the first is joined, hence the order."""
        return sorted([*self._places.pop(key, ()), *self._aside.pop(key, ())])

    def _join(self, left: int, right: int, spots: list[int], made: int) -> None:
        """Join the pair at `spots` where it still stands; the counts of its neighbors follow."""
        pieces, after, before, owner = self._pieces, self._next, self._before, self._owner
        counts, weights, held = self._counts, self._count, self._held
        size, longest, tokens = len(self.tokens[made]), self.longest, self.tokens
        new: set[int] = set()
        for at in spots:
            second = after[at]
            if pieces[at] != left or second == GONE or pieces[second] != right:
                continue
            word = owner[at]
            weight = weights[word]
            self.held_tokens -= held[word]
            previous, following = before[at], after[second]
            pieces[at], pieces[second], after[at] = made, GONE, following
            for spot, old, now, other in (
                (previous, pieces[previous] << SHIFT | left, pieces[previous] << SHIFT | made, previous),
                (at, right << SHIFT | pieces[following], made << SHIFT | pieces[following], following),
            ):
                if other == GONE:
                    continue
                if weight:
                    counts[old] = counts.get(old, 0) - weight
                if longest and len(tokens[pieces[other]]) + size > longest:
                    continue
                places = self._places if weight else self._aside
                if (found := places.get(now)) is None:
                    found = places[now] = array("i")
                found.append(spot)
                if weight:
                    counts[now] = counts.get(now, 0) + weight
                    new.add(now)
            if following != GONE:
                before[following] = at
        counts.pop(left << SHIFT | right, None)
        for key in new:
            if (count := counts[key]) > 0:
                heappush(self._heap, (-count, key))


def learner(
    words: Mapping[str, int],
    held: Mapping[str, int],
    specials: Sequence[str],
    alphabet: Iterable[str],
    *,
    min_frequency: int = 0,
    longest: int = 0,
) -> Learner:
    """From whole words: ids are the specials, then every character in the order of Unicode."""
    letters = set(alphabet).union(*words) if words else set(alphabet)
    tokens = [*specials, *sorted(letters - set(specials))]
    ids = {token: i for i, token in enumerate(tokens)}

    def made() -> Iterator[Word]:
        for text, count in words.items():
            yield Word([ids[letter] for letter in text], count, held.get(text, 0))
        for text, count in held.items():
            if text not in words:
                yield Word([ids[letter] for letter in text if letter in ids], 0, count)

    return Learner(tokens, made(), min_frequency, longest)
