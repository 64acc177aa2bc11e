"""Bits per byte of one model or of several on the same windows, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tokstudio.errors import InputError
from tokstudio.train.evaluate import BitsPerByte
from tokstudio.train.evaluation.bootstrap import Interval, interval, resampled_ratios, summed
from tokstudio.train.evaluation.subject import Subject
from tokstudio.train.evaluation.windows import Window

ENOUGH = 20  # documents, to draw documents again rather than windows, and units for an interval to be trusted
PERPLEXITY = "perplexity is per token of this tokenizer: it compares with no other tokenizer's"


@dataclass(frozen=True, eq=False)
class Measured:
    """`nats[k, w]` of subject `k` on window `w`."""

    subjects: tuple[Subject, ...]
    windows: tuple[Window, ...]
    nats: np.ndarray  # float64 [k, w]
    tokens: np.ndarray  # int64 [k, w]
    unscored: np.ndarray  # int64 [k, w]
    resamples: int = 2000
    seed: int = 0

    @cached_property
    def bytes(self) -> np.ndarray:
        return np.array([len(w.text) for w in self.windows], np.int64)

    def result(self, k: int) -> BitsPerByte:
        total, size = float(self.nats[k].sum()), int(self.bytes.sum())
        counts = int(self.tokens[k].sum()), size, len(self.windows)
        lossy, unscored = sum(w.lossy[k] for w in self.windows), int(self.unscored[k].sum())
        return BitsPerByte(total / np.log(2) / size, total, *counts, lossy, unscored)

    @cached_property
    def documents(self) -> int:
        return len({w.document for w in self.windows})

    @property
    def unit(self) -> str:
        """What is drawn again: documents, whose windows are alike, or where they are few, windows."""
        return "document" if self.documents >= ENOUGH else "window"

    @cached_property
    def units(self) -> int:
        return self.documents if self.unit == "document" else len(self.windows)

    @cached_property
    def _draws(self) -> np.ndarray:
        """Bits per byte [k, resamples], the same draws for all."""
        bits, size = self.nats / np.log(2), self.bytes.astype(np.float64)
        if self.unit == "document":
            _, groups = np.unique([w.document for w in self.windows], return_inverse=True)
            bits, size = summed(bits, groups), summed(size, groups)
        return resampled_ratios(bits, size, resamples=self.resamples, seed=self.seed)

    def interval(self, k: int) -> Interval | None:
        """None for a single unit."""
        return interval(self._draws[k], seed=self.seed) if self.units > 1 else None

    def difference(self, a: int, b: int) -> Mapping[str, Any]:
        """Bits per byte of `b` less those of `a`; below 0, `b` predicts better."""
        draws = self._draws[b] - self._draws[a]
        value = self.result(b).value - self.result(a).value
        between = interval(draws, seed=self.seed) if self.units > 1 else None
        return {
            "bits_per_byte": value,
            "interval": between and asdict(between),
            "separated": bool(between and (between.low > 0 or between.high < 0)),
            "better": None if value == 0 else "second" if value < 0 else "first",
        }

    def remarks(self, k: int) -> list[str]:
        """What has to be read beside the figure, as sentences."""
        result, subject = self.result(k), self.subjects[k]
        name, found = subject.tokenizer.name, []
        if result.lossy:
            found.append(
                f"{result.lossy:,} windows do not survive {name} unchanged: the figure misses what was lost."
            )
        if unknown := self.unknown(k):
            found.append(
                f"{unknown:,} tokens are {name}'s unknown token, which stands for any text: no valid figure."
            )
        if result.unscored:
            found.append(
                f"{name} has neither a begin nor an end token: {result.unscored:,} first tokens are not scored, "
                "which flatters long tokens."
            )
        if self.units == 1:
            found.append("One window gives no interval: measure more text, or smaller windows.")
        elif self.units < ENOUGH:
            found.append(f"The interval is of {self.units:,} {self.unit}s only: rather too narrow.")
        if not 0 < result.value < 8:
            found.append("A figure outside 0 to 8 bits per byte says that something is wrong with the model.")
        return found

    def unknown(self, k: int) -> int:
        token = self.subjects[k].tokenizer.unknown_id
        return (
            0
            if token is None
            else sum(int((w.encodings[k].ids[w.scored(k)] == token).sum()) for w in self.windows)
        )

    def summary(self, k: int) -> dict[str, Any]:
        result, subject = self.result(k), self.subjects[k]
        values = {("bits_per_byte" if n == "value" else n): v for n, v in asdict(result).items()}
        between = self.interval(k)
        return {
            "model": subject.name,
            "tokenizer": subject.tokenizer.name,
            **values,
            "interval": between and {**asdict(between), "unit": self.unit, "units": self.units},
            "perplexity_per_token": result.perplexity,
            "perplexity_note": PERPLEXITY,
            "tokens_per_byte": result.tokens / result.bytes,
            "prefix": subject.prefix_text,
            "documents": self.documents,
            "lossy_documents": len({w.document for w in self.windows if w.lossy[k]}),
            "unknown_tokens": self.unknown(k),
            "remarks": self.remarks(k),
        }

    def brief(self) -> dict[str, Any]:
        """The figures alone, to be read beside those of another way to cut."""
        found = []
        for k, subject in enumerate(self.subjects):
            between = self.interval(k)
            value = {"model": subject.name, "bits_per_byte": self.result(k).value}
            found.append(
                {**value, "interval": between and {**asdict(between), "unit": self.unit, "units": self.units}}
            )
        later = [w for w in self.windows if w.context < w.start]  # the others read all there is
        overlap = min((w.context / (w.context + len(w.text)) for w in later), default=None)
        told = {"windows": len(self.windows), "least_overlap": overlap}
        if len(found) == 1:
            return {**told, **found[0]}
        return {**told, "models": found, "difference": self.difference(0, 1)}

    def each(self) -> list[dict[str, Any]]:
        """Every window with what each subject gave it, in the order measured."""
        bits = self.nats / np.log(2)
        return [
            {
                "document": w.document,
                "start": w.start,
                "bytes": len(w.text),
                "text": w.text.decode(),
                "tokens": self.tokens[:, i].tolist(),
                "bits_per_byte": (bits[:, i] / len(w.text)).tolist(),
                "lossy": list(w.lossy),
            }
            for i, w in enumerate(self.windows)
        ]


def measure(
    subjects: Sequence[Subject],
    windows: Sequence[Window],
    *,
    batch_size: int = 16,
    resamples: int = 2000,
    seed: int = 0,
) -> Measured:
    """All subjects on the same windows, whose encodings are in the order of the subjects. Raises InputError."""
    if not windows:
        raise InputError("There is no text to measure on.", hint="Name a text that is not empty.")
    nats = [
        [
            found[window.scored(k)]
            for window, found in zip(
                windows, subject.nats([w.encodings[k] for w in windows], batch_size=batch_size), strict=True
            )
        ]
        for k, subject in enumerate(subjects)
    ]
    shape = (len(subjects), len(windows))
    return Measured(
        tuple(subjects),
        tuple(windows),
        np.array([[np.nansum(w) for w in row] for row in nats]).reshape(shape),
        np.array([[len(w) for w in row] for row in nats], np.int64).reshape(shape),
        np.array([[np.isnan(w).sum() for w in row] for row in nats], np.int64).reshape(shape),
        resamples,
        seed,
    )
