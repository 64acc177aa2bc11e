"""Where each new row comes from: the source rows behind it, and which special token stands for which."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tokstudio.align.overlap import REASONS, ROLE, SPECIAL
from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer
from tokstudio.transfer.base import ORIGINS, Rows, TransferProblem

FILE = "row_sources.jsonl"
CHOSEN = "chosen by hand"
TOP = 8  # sources of a row that are told


class Recorded:
    """An iterable over `rows` that keeps what they are made of, and not their values."""

    def __init__(self, problem: TransferProblem, rows: Iterable[Rows]):
        self._rows, self._shape = rows, (len(problem.target), len(problem.source))
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def __iter__(self) -> Iterator[Rows]:
        for part in self._rows:
            if part.mix is not None:
                row = np.asarray(part.ids)[part.mix.row]
                self._parts.append((row, part.mix.columns, part.mix.weights))
            yield part

    @property
    def mix(self) -> SparseRows:
        """[v_target, v_source]; a row that is no mixture is empty."""
        nothing = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
        joined = [np.concatenate(parts) for parts in zip(nothing, *self._parts, strict=True)]
        return SparseRows.from_entries(*joined, self._shape)


def special_map(problem: TransferProblem, chosen: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Each special token of the target with the source token that its row is copied from, and why."""
    named = {source: text for text, source in problem.source.special_tokens.items()}
    by_hand = {pair.partition("=")[0] for pair in chosen}
    found = []
    for text, token in sorted(problem.target.special_tokens.items(), key=lambda item: item[1]):
        match = int(problem.overlap.match[token])
        name = named.get(match) if match >= 0 else None
        if match >= 0 and name is None:
            name = text_of(problem.source, match)
        reason = CHOSEN if text in by_hand else REASONS[int(problem.overlap.reason[token])]
        found.append(
            {
                "id": token,
                "token": text,
                "source_id": match if match >= 0 else None,
                "source": name,
                "reason": reason,
            }
        )
    return found


def with_specials(problem: TransferProblem, chosen: Sequence[str]) -> TransferProblem:
    """The same with special tokens of the target copied from the source tokens named: "<|im_end|>=</s>" each; nothing
    behind the sign: from none. Raises TransferError for a token that does not exist."""
    if not chosen:
        return problem
    match, reason = problem.overlap.match.copy(), problem.overlap.reason.copy()
    for pair in chosen:
        text, sign, name = pair.partition("=")
        if not sign or text not in problem.target.special_tokens:
            raise TransferError(
                f"{problem.target.name} has no special token {text!r}.",
                hint=f"It has: {', '.join(problem.target.special_tokens) or 'none'}. Write <target>=<source>.",
            )
        token = problem.target.special_tokens[text]
        match[token], reason[token] = (_named(problem.source, name), SPECIAL) if name else (-1, 0)
        if name and name != text:
            reason[token] = ROLE
    return replace(problem, overlap=replace(problem.overlap, match=match, reason=reason))


def _named(source: Tokenizer, name: str) -> int:
    if name in source.special_tokens:
        return source.special_tokens[name]
    for token in range(len(source)):
        if source.token_bytes(token) == name.encode():
            return token
    raise TransferError(
        f"{source.name} has no token {name!r}.",
        hint=f"Its special tokens: {', '.join(source.special_tokens)}.",
    )


def text_of(tokenizer: Tokenizer, token: int) -> str:
    data = tokenizer.token_bytes(token)
    if data is None:
        return next((text for text, i in tokenizer.special_tokens.items() if i == token), f"#{token}")
    return data.decode("utf-8", "backslashreplace")


def row_sources(
    source: Tokenizer, target: Tokenizer, origin: np.ndarray, mix: SparseRows, values: np.ndarray
) -> Iterator[dict[str, Any]]:
    """One entry a target id, in their order. `values` [>= v_target, d]: the rows as they are now."""
    lengths = np.linalg.norm(values, axis=1)
    for token in range(len(target)):
        own = slice(mix.start[token], mix.start[token + 1])
        order = np.argsort(-np.abs(mix.weights[own]), kind="stable")[:TOP]
        columns, weights = mix.columns[own][order].tolist(), mix.weights[own][order].tolist()
        yield {
            "id": token,
            "token": text_of(target, token),
            "origin": ORIGINS[origin[token]],
            "norm": round(float(lengths[token]), 6),
            "entries": int(mix.start[token + 1] - mix.start[token]),
            "sources": [
                {"id": column, "token": text_of(source, column), "weight": round(weight, 6)}
                for column, weight in zip(columns, weights, strict=True)
            ],
        }


def write_rows(rows: Iterable[dict[str, Any]], folder: Path) -> Path:
    """As JSON lines beside the model, complete or not at all."""
    path, draft = folder / FILE, folder / f".{FILE}"
    with draft.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    draft.replace(path)
    return path
