"""Which tokens two vocabularies have in common, and why they count as the same."""

from dataclasses import dataclass

import numpy as np

from tokstudio.tokens.base import SPECIAL_ROLES, Tokenizer

NONE, BYTES, SPECIAL, ROLE = range(4)
REASONS = ("no match", "same bytes", "same special token", "same role")


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """`match[t]` is the source id of target id `t`, or -1; `reason[t]` indexes `REASONS`."""

    match: np.ndarray  # int32 [v_target]
    reason: np.ndarray  # uint8 [v_target]

    @property
    def share(self) -> float:
        """Part of the target vocabulary that has a match."""
        return float((self.match >= 0).mean()) if len(self.match) else 0.0


def byte_table(tokenizer: Tokenizer) -> dict[bytes, int]:
    """What each ordinary token stands for -> its id; the lowest id where several stand for the same bytes."""
    table: dict[bytes, int] = {}
    for token in range(len(tokenizer)):
        if data := tokenizer.token_bytes(token):
            table.setdefault(data, token)
    return table


def overlap(source: Tokenizer, target: Tokenizer) -> Overlap:
    """Match by bytes, never by spelling: "Ġthe", "▁the" and " the" are one token."""
    table = byte_table(source)
    match = np.full(len(target), -1, np.int32)
    reason = np.zeros(len(target), np.uint8)
    for token in range(len(target)):
        data = target.token_bytes(token)
        if data and (found := table.get(data)) is not None:
            match[token], reason[token] = found, BYTES
    for content, token in target.special_tokens.items():
        found, why = _special(content, source)
        if found is not None:
            match[token], reason[token] = found, why
    return Overlap(match, reason)


def _special(content: str, source: Tokenizer) -> tuple[int | None, int]:
    if content in source.special_tokens:
        return source.special_tokens[content], SPECIAL
    for names in SPECIAL_ROLES.values():
        if content in names:
            return next((source.special_tokens[n] for n in names if n in source.special_tokens), None), ROLE
    return None, NONE
