"""Translation of whole files: one text or one list of ids a line, answers as they come.

A line is a text, unless it is a JSON list of whole numbers (ids of the source), or a JSON object with `text` or
`ids`. A line that cannot be translated gives a record with `error`; the others go on.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tokstudio.errors import InputError, TokstudioError
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.losses import summary
from tokstudio.tokens.translate import Translation, as_json, translate, translate_ids

KINDS = ("auto", "text", "ids")


@dataclass
class Totals:
    """What came out of a file, counted."""

    lines: int = 0
    failed: int = 0
    lossless: int = 0
    source_tokens: int = 0
    target_tokens: int = 0
    losses: Counter = field(default_factory=Counter)

    def add(self, translation: Translation) -> None:
        self.lines += 1
        self.lossless += translation.lossless
        self.source_tokens += len(translation.ids)
        self.target_tokens += len(translation.encoding)
        self.losses.update(summary(translation.losses))

    def as_json(self) -> dict:
        return {
            "lines": self.lines,
            "failed": self.failed,
            "lossless": self.lossless,
            "source_tokens": self.source_tokens,
            "target_tokens": self.target_tokens,
            "change": self.target_tokens - self.source_tokens,
            "losses": dict(self.losses),
        }


def translate_lines(
    source: Tokenizer, target: Tokenizer, lines: Iterable[bytes], kind: str, totals: Totals
) -> Iterator[dict]:
    """One record a line, as of `as_json` with its number; `totals` counts along."""
    for number, line in enumerate(lines, 1):
        try:
            translation = _line(source, target, line, kind)
        except TokstudioError as error:
            totals.lines += 1
            totals.failed += 1
            yield {"line": number, "error": str(error), "hint": error.hint}
            continue
        totals.add(translation)
        yield {"line": number, **as_json(translation, tokens=False)}


def _line(source: Tokenizer, target: Tokenizer, line: bytes, kind: str) -> Translation:
    try:
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"The line is no UTF-8: byte 0x{line[error.start]:02x} at its byte {error.start + 1:,}.",
            hint="Convert the file first, for example with: iconv -f latin1 -t utf-8 OLD > NEW",
        ) from None
    text, ids = _meaning(text, kind)
    return translate(source, target, text) if ids is None else translate_ids(source, target, ids)


def _meaning(line: str, kind: str) -> tuple[str, list[int] | None]:
    """The text or the ids of a line."""
    if kind == "text":
        return line, None
    if kind == "ids":
        return "", parse_ids(line)
    if line[:1] in ("[", "{"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return line, None
        if isinstance(value, dict) and isinstance(value.get("text"), str):
            return value["text"], None
        value = value.get("ids") if isinstance(value, dict) else value
        if _are_ids(value):
            return "", value
    return line, None


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(token) is int for token in value)


def parse_ids(text: str) -> list[int]:
    """Whole numbers, as a JSON list or parted by spaces or commas. Raises InputError for anything else."""
    parts = text.strip().strip("[]").replace(",", " ").split()
    try:
        ids = [int(part) for part in parts]
    except ValueError:
        ids = []
    if not ids or any(abs(token) >= 2**31 for token in ids):
        shown = text.strip()[:60]
        raise InputError(
            f"{shown!r} is no list of ids.", hint="Write whole numbers, for example: 9906, 11, 856"
        )
    return ids


def translate_file(
    source: Tokenizer,
    target: Tokenizer,
    path: Path,
    write: Callable[[str], object],
    *,
    kind: str = "auto",
    progress: Callable[[int, Totals], object] = lambda done, totals: None,
) -> Totals:
    """Streams `path` line by line; `write` gets one line of JSON for each; `progress` the bytes read so far.
    Raises InputError where the file cannot be read."""
    totals, done = Totals(), 0

    def lines() -> Iterator[bytes]:
        nonlocal done
        for line in file:
            done += len(line)
            yield line

    try:
        with path.open("rb") as file:
            for record in translate_lines(source, target, lines(), kind, totals):
                write(json.dumps(record, ensure_ascii=False) + "\n")
                progress(done, totals)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", hint="Check the spelling of --file.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder.", hint="Name a file with one text a line.") from None
    return totals
