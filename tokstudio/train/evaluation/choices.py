"""Multiple choice: which choice a model finds likeliest after the question.

By bytes: log-likelihood / bytes of the choice. A longer choice is less likely for its length alone, and the number
of its tokens changes with the tokenizer; its bytes do not. Corrected for chance: (accuracy - chance) / (1 - chance),
0 for guessing and 1 for all right. Choices that are equally likely share the point.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tokstudio.tokens.base import Encoding
from tokstudio.train.evaluation.bootstrap import Interval, interval, resampled_ratios
from tokstudio.train.evaluation.choices_file import Question
from tokstudio.train.evaluation.subject import Subject
from tokstudio.train.evaluation.windows import common_cuts

WAYS = ("accuracy", "accuracy_bytes")
_SAME = 1e-6  # nats, relative: batches of other shapes differ by less


@dataclass(frozen=True, eq=False)
class Answered:
    """`scores[way][k, q]`: the point, or its share, of subject `k` for question `q`."""

    subjects: tuple[Subject, ...]
    questions: tuple[Question, ...]
    nats: tuple[tuple[np.ndarray, ...], ...]  # of subject k, question q: -ln p of each choice
    resamples: int = 2000
    seed: int = 0

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        def points(by_bytes: bool) -> np.ndarray:
            return np.array(
                [
                    [point(q, nats, by_bytes=by_bytes) for q, nats in zip(self.questions, row, strict=True)]
                    for row in self.nats
                ]
            )

        return {"accuracy": points(False), "accuracy_bytes": points(True)}

    @cached_property
    def chance(self) -> float:
        return float(np.mean([1 / len(q.choices) for q in self.questions]))

    def corrected(self, accuracy: float) -> float:
        return (accuracy - self.chance) / (1 - self.chance)

    @cached_property
    def _draws(self) -> dict[str, np.ndarray]:
        ones = np.ones(len(self.questions))
        return {
            way: resampled_ratios(points, ones, resamples=self.resamples, seed=self.seed)
            for way, points in self.scores.items()
        }

    def _between(self, draws: np.ndarray) -> dict[str, Any] | None:
        found: Interval | None = interval(draws, seed=self.seed) if len(self.questions) > 1 else None
        return found and asdict(found)

    def summary(self, k: int) -> dict[str, Any]:
        values: dict[str, Any] = {
            "model": self.subjects[k].name,
            "tokenizer": self.subjects[k].tokenizer.name,
            "prefix": self.subjects[k].prefix_text,
            "questions": len(self.questions),
            "chance": self.chance,
        }
        for way in WAYS:
            accuracy = float(self.scores[way][k].mean())
            values[way] = accuracy
            values[f"{way}_chance_corrected"] = self.corrected(accuracy)
            values[f"{way}_interval"] = self._between(self._draws[way][k])
        values["indistinguishable"] = sum(bool(ties(nats)) for nats in self.nats[k])
        return values

    def difference(self, a: int, b: int) -> dict[str, Any]:
        """Of `b` less `a`, on the same questions; retention: what is left of `a`'s lead over chance."""
        values: dict[str, Any] = {}
        for way in WAYS:
            first, second = (float(self.scores[way][k].mean()) for k in (a, b))
            lead = self.corrected(first)
            values[way] = second - first
            values[f"{way}_interval"] = self._between(self._draws[way][b] - self._draws[way][a])
            values[f"{way}_retention_chance_corrected"] = self.corrected(second) / lead if lead > 0 else None
        return values

    def each(self) -> list[dict[str, Any]]:
        """Every question with the bits that each subject gave to each choice."""
        return [
            {
                "row": q.number,
                "question": q.text,
                "choices": list(q.choices),
                "answer": q.answer,
                "bits": [(row[i] / np.log(2)).tolist() for row in self.nats],
                **{way: self.scores[way][:, i].tolist() for way in WAYS},
            }
            for i, q in enumerate(self.questions)
        ]


def answer(
    subjects: Sequence[Subject],
    questions: Sequence[Question],
    *,
    batch_size: int = 16,
    resamples: int = 2000,
    seed: int = 0,
) -> Answered:
    nats = tuple(_answered(subject, questions, batch_size) for subject in subjects)
    return Answered(tuple(subjects), tuple(questions), nats, resamples, seed)


def _answered(subject: Subject, questions: Sequence[Question], batch_size: int) -> tuple[np.ndarray, ...]:
    groups = [[subject.tokenizer.encode(text) for text in spelled(q)] for q in questions]
    nats = iter(subject.nats([e for group in groups for e in group], batch_size=batch_size))
    found = []
    for question, group in zip(questions, groups, strict=True):
        first = shared_tokens(group, len(question.text.encode()))
        found.append(np.array([np.nansum(next(nats)[first:]) for _ in group]))
    return tuple(found)


def spelled(question: Question) -> list[str]:
    """The question and each choice, with a space between where neither has white space there."""
    text = question.text
    return [
        text + ("" if text[-1:].isspace() or choice[:1].isspace() else " ") + choice
        for choice in question.choices
    ]


def shared_tokens(encodings: Sequence[Encoding], size: int) -> int:
    """How many tokens at the start of all encodings are of the question alone: the same ids, none of them reaching
    beyond `size` bytes. What is behind them is the choice's, even where a choice changed the question's last token:
    all choices are scored from the same place."""
    shortest = min(map(len, encodings))
    ids = np.stack([e.ids[:shortest] for e in encodings])
    same = (ids == ids[0]).all(0)
    for encoding in encodings:
        same &= np.isin(encoding.spans[:shortest, 1], common_cuts([encoding]))
        same &= encoding.spans[:shortest, 1] <= size
    return shortest if same.all() else int(np.argmin(same))


def point(question: Question, nats: np.ndarray, *, by_bytes: bool) -> float:
    """1 for the right choice, a share of it where others are as likely."""
    sizes = [len(choice.encode()) for choice in question.choices]
    cost = nats / np.array(sizes) if by_bytes else nats
    best = np.flatnonzero(cost <= cost.min() + _SAME * max(abs(float(cost.min())), 1))
    return 1 / len(best) if question.answer in best else 0.0


def ties(nats: np.ndarray) -> bool:
    """Are there two choices that the model does not tell apart?"""
    return bool((np.diff(np.sort(nats)) <= _SAME * max(float(nats.max()), 1)).any())
