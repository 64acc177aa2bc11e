"""The plan of a run as numbers: what the files hold, its picture at any size, the sources of a token. No Qt here."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import InputError
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.show import token_texts
from tokstudio.train.config import TransferConfig
from tokstudio.train.settings import load_toml
from tokstudio.transfer.plan import Plan, load_plan

START, NOW, LEARNT = (f"{name}.safetensors" for name in ("plan-start", "plan-now", "plan"))
KINDS = ("now", "start", "change")
Stamp = tuple[tuple[str, int, int], ...]


def stamp(folder: Path) -> Stamp:
    """(name, nanoseconds, bytes) of each plan that is there: differs once one was written. () for other runs."""
    found = []
    for name in (START, NOW, LEARNT):
        try:
            told = (folder / name).stat()
        except OSError:
            continue
        found.append((name, told.st_mtime_ns, told.st_size))
    return tuple(found)


def current(found: Stamp) -> str:
    """The learnt plan, else the last measurement, else the start. Times say nothing: a resumed run writes its start
    again."""
    return found[-1][0]


@dataclass(frozen=True)
class Pair:
    source: Tokenizer
    target: Tokenizer

    @cached_property
    def ids(self) -> dict[bytes, int]:
        """The target token of these bytes; the first of several."""
        found: dict[bytes, int] = {}
        for token in range(len(self.target)):
            data = self.target.token_bytes(token)
            if data is not None:
                found.setdefault(data, token)
        return found

    def source_text(self, token: int) -> str:
        return _text(self.source, token)

    def target_text(self, token: int) -> str:
        return _text(self.target, token)

    def find(self, words: str) -> tuple[int, str]:
        """A target token from its text or "#id", and a remark where it is not just that. Raises InputError."""
        size = len(self.target)
        if words.startswith("#") and words[1:].isdecimal():
            if int(words[1:]) >= size:
                raise InputError(f"Ids end at #{size - 1:,}.")
            return int(words[1:]), ""
        if words in self.target.special_tokens:
            return self.target.special_tokens[words], ""
        token = self.ids.get(words.encode())
        if token is not None:
            return token, ""
        ids = self.target.encode(words).ids.tolist()
        if not ids:
            raise InputError("No target token has that text.")
        return ids[0], f"{len(ids)} tokens; the first"


def _text(tokenizer: Tokenizer, token: int) -> str:
    if token >= len(tokenizer):  # a table may have more rows than tokens
        return f"#{token}"
    return token_texts(tokenizer, np.array([token]))[0] or f"#{token}"


def read_pair(folder: Path) -> Pair:
    """Raises TokstudioError where a tokenizer of the run is not on this machine any more."""
    config = load_toml(TransferConfig, folder / "config.toml")
    return Pair(load_tokenizer(config.model), load_tokenizer(config.tokenizer))


@dataclass(frozen=True, eq=False)
class Shot:
    """A plan beside the one it began as."""

    start: Plan
    now: Plan
    file: str
    role: str = "input"  # or "output": the plan of which end is looked at

    @property
    def two(self) -> bool:
        """Has the output a plan of its own?"""
        return self.now.output is not None

    def of(self, role: str) -> "Shot":
        return self if role == self.role else replace(self, role=role)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.now.mass), self.now.input.width

    @cached_property
    def change(self) -> SparseRows:
        before, after = self.rows("start"), self.rows("now")
        return SparseRows.from_entries(
            np.concatenate([after.row, before.row]),
            np.concatenate([after.columns, before.columns]),
            np.concatenate([after.weights, -before.weights]),
            self.shape,
        )

    def rows(self, kind: str) -> SparseRows:
        if kind == "change":
            return self.change
        return (self.now if kind == "now" else self.start).rows(self.role)

    def entropy(self, kind: str, token: int) -> float:
        """Bits: 0 for a copy of one source token, log2 n for n sources in equal shares. NaN without any."""
        rows = self.rows(kind)
        shares = np.abs(rows.weights[rows.start[token] : rows.start[token + 1]].astype(np.float64))
        shares = shares[shares > 0]
        if not len(shares):
            return float("nan")
        shares /= shares.sum()
        return float(-(shares * np.log2(shares)).sum()) + 0.0  # no minus zero

    def most_changed(self) -> int:
        """The target token that moved most, weighted by how often the text has it."""
        moved = np.bincount(self.change.row, np.abs(self.change.weights), minlength=self.shape[0])
        weighted = moved * self.now.mass
        return int((weighted if weighted.any() else self.now.mass).argmax())


def read_shot(folder: Path, start: Plan | None = None) -> Shot:
    """`start`: when it was read before. Raises TransferError where a file is none of ours."""
    start = start or load_plan(folder / START)
    name = current(stamp(folder))
    now = start if name == START else load_plan(folder / name)
    if now.input.width != start.input.width or len(now.mass) != len(start.mass):
        raise InputError(f"{name} and {START} are of different vocabularies.")
    return Shot(start, now, name)


@dataclass(frozen=True, eq=False)
class Picture:
    """`values` [h, w]: of the entries behind each pixel the one farthest from 0. Pixel (0, 0) begins at row `top`,
    column `left`, and has `down` rows and `across` columns."""

    values: np.ndarray
    top: int
    left: int
    down: int
    across: int

    @property
    def bottom(self) -> int:
        return self.top + self.down * self.values.shape[0]

    @property
    def right(self) -> int:
        return self.left + self.across * self.values.shape[1]


def draw(
    rows: SparseRows, top: float, bottom: float, left: float, right: float, pixels: tuple[int, int]
) -> Picture:
    """The part of a plan that fits `pixels` (high, wide). Costs what the entries of its rows cost, no more: a plan
    is never made dense."""
    down, across = _pooled(bottom - top, pixels[0]), _pooled(right - left, pixels[1])
    first, first_column = int(top) // down, int(left) // across
    height = -(-min(len(rows), int(np.ceil(bottom))) // down) - first
    width = -(-min(rows.width, int(np.ceil(right))) // across) - first_column
    begin, end = first * down, min(len(rows), (first + height) * down)
    own = slice(rows.start[begin], rows.start[end])
    line = np.repeat(np.arange(begin, end), rows.counts[begin:end]) // down - first
    column = rows.columns[own] // across - first_column
    inside = (column >= 0) & (column < width)
    place, weights = (line * width + column)[inside], rows.weights[own][inside]
    high, low = np.zeros(height * width, np.float32), np.zeros(height * width, np.float32)
    np.maximum.at(high, place, weights)
    np.minimum.at(low, place, weights)
    values = np.where(high >= -low, high, low).reshape(height, width)
    return Picture(values, begin, first_column * across, down, across)


def _pooled(cells: float, pixels: int) -> int:
    """Cells a pixel, a power of two: a picture that is moved keeps its pixels."""
    return 1 << max(0, int(np.ceil(np.log2(max(cells, 1) / max(pixels, 1)) - 1e-9)))
