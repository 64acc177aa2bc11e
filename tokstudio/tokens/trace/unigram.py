"""Unigram: every way to spell a word with the vocabulary is a path through a lattice; the best sum of scores
(log probabilities) wins."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from tokstudio.tokens.trace.picture import Bar, Path, Picture

HOW = "Each bar is an entry that fits, with its score (log probability); the path with the best sum wins."
UNKNOWN_PENALTY = 10.0  # what both libraries take off the lowest score for a character without entry
MOST_BARS = 120


@dataclass(frozen=True, slots=True)
class Entry:
    token: int
    score: float


@dataclass(frozen=True, slots=True)
class Node:
    start: int
    stop: int
    token: int
    score: float
    unknown: bool = False


@dataclass(frozen=True)
class Lattice:
    word: str
    nodes: tuple[Node, ...]  # by start, then by length

    def best(self, count: int = 1) -> list[tuple[float, tuple[Node, ...]]]:
        """The best paths, the best first: forward the best score at each place, then backward from the end by
        A*, whose estimate is exact, so paths come out in order."""
        ahead = _forward(self)
        ends: dict[int, list[Node]] = {}
        for node in self.nodes:
            ends.setdefault(node.stop, []).append(node)
        if ahead[-1] is None:
            return []
        found, order = [], 0
        heap: list = [(-ahead[-1], order, len(self.word), 0.0, ())]
        while heap and len(found) < count:
            _, _, place, so_far, path = heapq.heappop(heap)
            if place == 0:
                found.append((so_far, path))
                continue
            for node in ends.get(place, ()):
                if ahead[node.start] is None:
                    continue
                order += 1
                total = so_far + node.score
                heapq.heappush(heap, (-(total + ahead[node.start]), order, node.start, total, (node, *path)))
        return found


def _forward(lattice: Lattice) -> list[float | None]:
    best: list[float | None] = [0.0] + [None] * len(lattice.word)
    for node in lattice.nodes:
        if best[node.start] is not None:
            total = best[node.start] + node.score
            if best[node.stop] is None or total > best[node.stop]:
                best[node.stop] = total
    return best


def lattice(word: str, entries: Mapping[str, Entry], unknown: int, longest: int, lowest: float) -> Lattice:
    """`longest`: characters of the longest entry; `lowest`: the lowest score of all."""
    nodes = []
    for start in range(len(word)):
        single = False
        for stop in range(start + 1, min(len(word), start + longest) + 1):
            if (entry := entries.get(word[start:stop])) is not None:
                nodes.append(Node(start, stop, entry.token, entry.score))
                single = single or stop == start + 1
        if not single:
            nodes.append(Node(start, start + 1, unknown, lowest - UNKNOWN_PENALTY, True))
    return Lattice(word, tuple(nodes))


def picture(found: Lattice, count: int = 5, spell=None) -> Picture:
    """`spell(character)`: the ids of bytes that stand for an unknown character; None where there are none."""
    paths = found.best(count)
    chosen = set(paths[0][1]) if paths else set()
    kept = sorted(found.nodes, key=lambda node: (node not in chosen, node.start))[:MOST_BARS]
    rows: list[list[tuple[int, int]]] = []
    bars = []
    for node in sorted(kept, key=lambda node: (node not in chosen, node.stop - node.start, node.start)):
        row = 1 if node in chosen else _free(rows, node)
        kind = "token" if node in chosen else "made"
        text = found.word[node.start : node.stop]
        note = f"{node.score:.2f}, id {node.token}" if node in chosen else f"{node.score:.2f}"
        bars.append(Bar(row, node.start, node.stop, text, note, kind))
    shown = tuple(
        Path(tuple(found.word[n.start : n.stop] for n in nodes), tuple(_ids(found.word, nodes, spell)), score)
        for score, nodes in paths
    )
    return Picture(tuple(found.word), tuple(bars), shown[0].ids if shown else (), HOW, shown)


def _free(rows: list[list[tuple[int, int]]], node: Node) -> int:
    """The lowest row above the best path with room for the node."""
    for number, taken in enumerate(rows):
        if all(node.stop <= start or stop <= node.start for start, stop in taken):
            taken.append((node.start, node.stop))
            return number + 2
    rows.append([(node.start, node.stop)])
    return len(rows) + 1


def _ids(word: str, nodes: tuple[Node, ...], spell) -> list[int]:
    """Neighboring unknown characters are one token, or the bytes of each where the vocabulary has them."""
    ids: list[int] = []
    before = False
    for node in nodes:
        if node.unknown:
            in_bytes = spell(word[node.start : node.stop]) if spell is not None else None
            if in_bytes is not None:
                ids += in_bytes
            elif not before:
                ids.append(node.token)
            before = in_bytes is None
        else:
            ids.append(node.token)
            before = False
    return ids
