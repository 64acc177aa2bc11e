"""Multiple-choice questions from a CSV or a JSON-lines file.

JSON lines: {"question": "…", "choices": ["…", "…"], "answer": 1}. CSV: columns question, answer, and either choices
(a JSON list, or parted by |) or a column a choice, named A, B, C … or choice1, choice2 …. The answer is the text of
the choice, else its letter, else its place counted from 0.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokstudio.errors import InputError

_COLUMN = re.compile(r"(?:choice|option)?[ _]?([A-Z]|\d+)", re.IGNORECASE)
EXAMPLE = '{"question": "2 + 2 =", "choices": ["3", "4"], "answer": 1}'


@dataclass(frozen=True)
class Question:
    number: int  # row of the file, from 1
    text: str
    choices: tuple[str, ...]
    answer: int


def read_questions(path: Path) -> list[Question]:
    """Raises InputError, with the row, for what is no question with at least two choices."""
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    rows = _json_lines(text, path) if path.suffix.lower() in {".jsonl", ".json"} else _csv(text, path)
    found = [_question(number, row, path) for number, row in rows]
    if not found:
        raise InputError(f"{path} has no question.", hint=f"A line looks like {EXAMPLE}")
    return found


def _json_lines(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise InputError(f"Line {number:,} of {path} is no JSON object.", hint=f"It looks like {EXAMPLE}")
        yield number, row


def _csv(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        rows = csv.DictReader(text.splitlines(keepends=True), strict=True)
        names = {(name or "").strip().lower() for name in rows.fieldnames or ()}
        if not {"question", "answer"} <= names:
            raise InputError(
                f"{path} has no columns question and answer.",
                hint="Its first line names the columns: question,choices,answer",
            )
        for number, row in enumerate(rows, 1):
            yield (
                number,
                {(k or "").strip(): v.strip() if isinstance(v, str) else v for k, v in row.items()},
            )
    except csv.Error as error:
        raise InputError(f"{path} is no CSV file: {error}.", hint="Quote cells that hold commas.") from None


def _question(number: int, row: Mapping[str, Any], path: Path) -> Question:
    lower = {name.lower(): value for name, value in row.items()}
    text, choices = lower.get("question"), _choices(lower)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"Row {number:,} of {path} has no question.", hint=f"A line looks like {EXAMPLE}")
    if len(choices) < 2 or not all(choices):
        raise InputError(
            f"Row {number:,} of {path} has {len(choices)} choices, or an empty one.",
            hint="Each question needs two choices or more.",
        )
    answer = _answer(lower.get("answer"), choices)
    if answer is None:
        raise InputError(
            f"The answer of row {number:,} of {path}, {lower.get('answer')!r}, is none of its choices.",
            hint="Give the choice's text, its letter, or its place counted from 0.",
        )
    return Question(number, text, choices, answer)


def _choices(row: Mapping[str, Any]) -> tuple[str, ...]:
    value = row.get("choices")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [part.strip() for part in value.split("|")]
    if value is None:
        named = {m[1]: row[name] for name in row if (m := _COLUMN.fullmatch(name)) and row[name]}
        value = [named[key] for key in sorted(named, key=lambda key: (len(key), key))]
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _answer(value: Any, choices: tuple[str, ...]) -> int | None:
    if isinstance(value, str):
        value = value.strip()
        if value in choices:
            return choices.index(value)
        if len(value) == 1 and value.isascii() and value.isalpha():
            value = ord(value.upper()) - ord("A")
        elif value.isascii() and value.isdigit():
            value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < len(choices) else None
