"""Which held-out lines a model reads worst and best, and what each of their bytes costs.

A line is a line of a held-out window; the first of a window is left out where there is another one, because
nothing stands before it and every model finds that hard.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tokstudio.events import HeldOut
from tokstudio.tokens.base import Encoding
from tokstudio.train.ranks import here

EACH = 4  # lines at either end
SHORTEST, LONGEST = 24, 120  # bytes of a line: shorter ones say little, longer ones are cut
TENTHS = 10.0  # steps in a bit of what is written
FILE = "baseline-lines.npz"


def byte_bits(encoding: Encoding, nats: np.ndarray) -> np.ndarray:
    """Bits of each byte of the text, float32 [bytes]: a token's are spread evenly over its own; a token of no
    width counts for the byte before it. `nats`: -ln p of each token, 0 where it is not scored."""
    size = len(encoding.text)
    bits = np.zeros(size, np.float32)
    for (start, stop), value in zip(encoding.spans.tolist(), (nats / np.log(2)).tolist(), strict=True):
        if start == stop:
            start, stop = max(0, start - 1), min(size, max(start, 1))
        if stop > start:
            bits[start:stop] += value / (stop - start)
    return bits


def packed(bits: np.ndarray) -> str:
    """Two hexadecimal digits a byte: tenths of a bit, 25.5 at most and where a model gives no number."""
    return np.clip(np.rint(np.nan_to_num(bits * TENTHS, nan=255)), 0, 255).astype(np.uint8).tobytes().hex()


def unpacked(text: str) -> np.ndarray:
    """float64 [bytes], in bits; empty for what `packed` did not write."""
    try:
        return np.frombuffer(bytes.fromhex(text), np.uint8) / TENTHS
    except ValueError:
        return np.zeros(0)


class HeldOutLines:
    """What the last measurement of a model, and the first of the original, said of each window."""

    def __init__(self) -> None:
        self.source: dict[bytes, np.ndarray] = {}
        self.target: dict[bytes, np.ndarray] = {}

    def take_source(self, encoding: Encoding, nats: np.ndarray) -> None:
        self.source[encoding.text] = byte_bits(encoding, nats)

    def take(self, encoding: Encoding, nats: np.ndarray) -> None:
        self.target[encoding.text] = byte_bits(encoding, nats)

    def event(self, step: int, source: str, target: str) -> Iterator[HeldOut]:
        """The worst and the best lines, once something was measured; `source` and `target` are references of the
        tokenizers. At most `EACH` of either, so an event has some kilobytes."""
        ranked = self._ranked()
        if not ranked:
            return
        count = min(EACH, len(ranked) // 2) or 1
        chosen = [("worst", place) for place in ranked[:count]]
        chosen += [("best", place) for place in ranked[::-1][: min(count, len(ranked) - count)]]
        lines = [self._line(rank, *place[1:]) for rank, place in chosen]
        yield HeldOut(step=step, source=source, target=target, lines=lines)

    def _ranked(self) -> list[tuple[float, bytes, int, int]]:
        """(bits per byte, window, first byte, last byte + 1), worst first; each text once."""
        found: dict[bytes, tuple[float, bytes, int, int]] = {}
        for text, bits in self.target.items():
            for start, stop in _spans(text):
                found.setdefault(text[start:stop], (float(bits[start:stop].mean()), text, start, stop))
        return sorted(found.values(), key=lambda entry: -entry[0])

    def _line(self, rank: str, text: bytes, start: int, stop: int) -> dict[str, str]:
        mean = float(self.target[text][start:stop].mean())
        stop = _cut(text, start, stop)
        source = self.source.get(text)
        return {
            "rank": rank,
            "text": text[start:stop].decode(errors="replace"),
            "mean": f"{mean:.3f}",
            "target": packed(self.target[text][start:stop]),
            "source": "" if source is None else packed(source[start:stop]),
        }

    def keep(self, folder: Path) -> None:
        """Writes what the original cost, for a resumed run."""
        if not here().first:
            return
        texts = list(self.source)
        np.savez_compressed(
            folder / FILE,
            text=np.frombuffer(b"".join(texts), np.uint8),
            sizes=np.array([len(text) for text in texts], np.int64),
            bits=np.concatenate([self.source[text] for text in texts] or [np.zeros(0, np.float32)]),
        )

    def recall(self, folder: Path) -> None:
        """Reads it; a run of an earlier version has none."""
        if not (folder / FILE).exists():
            return
        with np.load(folder / FILE, allow_pickle=False) as found:
            ends = np.cumsum(found["sizes"])
            text, bits = found["text"].tobytes(), found["bits"]
        for stop, size in zip(ends.tolist(), np.diff(ends, prepend=0).tolist(), strict=True):
            self.source[text[stop - size : stop]] = bits[stop - size : stop]


def _spans(text: bytes) -> list[tuple[int, int]]:
    """Where the lines lie, line ends and outer white space left out; those of fewer than `SHORTEST` bytes are none."""
    found, at = [], 0
    for line in text.split(b"\n"):
        inner = line.strip()
        start = at + (line.find(inner) if inner else 0)
        found.append((start, start + len(inner)))
        at += len(line) + 1
    kept = found[1:] if len(found) > 1 and any(b - a >= SHORTEST for a, b in found[1:]) else found
    return [(start, stop) for start, stop in kept if stop - start >= SHORTEST]


def _cut(text: bytes, start: int, stop: int) -> int:
    """An end that leaves at most `LONGEST` bytes and no half of a character."""
    stop = min(stop, start + LONGEST)
    while stop > start + 1 and stop < len(text) and text[stop] & 0xC0 == 0x80:
        stop -= 1
    return stop
