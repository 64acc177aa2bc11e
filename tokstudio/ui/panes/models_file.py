"""What a model takes and what it costs, for the figures: a table that people edit, kept in a file of their own.

The defaults name windows that their makers published, as of early 2025; no price is filled in, because prices
change and nothing here reaches the network.
"""

import json
import os
from dataclasses import asdict, dataclass, replace
from math import floor, log10
from pathlib import Path

from tokstudio.errors import InputError
from tokstudio.paths import data_home

AS_OF = "2025-03"


@dataclass(frozen=True)
class ModelPrice:
    name: str
    reference: str  # the tokenizer it reads with
    window: int = 0  # tokens; 0: not known
    price: float | None = None  # of a million input tokens
    currency: str = "USD"
    as_of: str = ""


DEFAULTS = (
    ModelPrice("GPT-4o", "tiktoken:o200k_base", 128_000, as_of=AS_OF),
    ModelPrice("GPT-4 Turbo", "tiktoken:cl100k_base", 128_000, as_of=AS_OF),
    ModelPrice("GPT-2", "tiktoken:gpt2", 1_024, as_of=AS_OF),
    ModelPrice("BERT base", "bert-base-uncased", 512, as_of=AS_OF),
)


def path() -> Path:
    return data_home() / "models.json"


def load() -> list[ModelPrice]:
    """The defaults where there is no file, or it cannot be read."""
    try:
        rows = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return list(DEFAULTS)
    return [made for row in rows if (made := _read(row))] if isinstance(rows, list) else list(DEFAULTS)


def _read(row: object) -> ModelPrice | None:
    if not isinstance(row, dict) or not isinstance(row.get("name"), str):
        return None
    made = ModelPrice(row["name"], str(row.get("reference", "")))
    if isinstance(row.get("window"), int) and row["window"] >= 0:
        made = replace(made, window=row["window"])
    if isinstance(row.get("price"), int | float) and row["price"] >= 0:
        made = replace(made, price=float(row["price"]))
    return replace(made, currency=str(row.get("currency", "USD")), as_of=str(row.get("as_of", "")))


def save(rows: list[ModelPrice]) -> None:
    """Raises InputError where the folder cannot be written."""
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        part = path().with_suffix(".part")
        part.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
        os.replace(part, path())
    except OSError as error:
        raise InputError(
            f"The table of models could not be saved in {path().parent}: {error.strerror}.",
            hint="Make room or make the folder writable.",
        ) from None


def model_of(rows: list[ModelPrice], reference: str) -> ModelPrice | None:
    """The first that reads with this tokenizer."""
    return next((row for row in rows if row.reference == reference), None)


def cost(row: ModelPrice, tokens: int) -> str:
    """ "0.0012 USD", and as many digits as a smaller sum needs; empty where no price is known."""
    if row.price is None:
        return ""
    value = row.price * tokens / 1e6
    digits = 2 if value >= 1 else 4 if value == 0 else max(4, -floor(log10(value)))
    return f"{value:.{digits}f} {row.currency}"


def share(row: ModelPrice, tokens: int) -> str:
    """ "12 % of 128k"; empty where the window is not known."""
    if not row.window:
        return ""
    part = 100 * tokens / row.window
    whole = f"{row.window / 1000:g}k" if row.window >= 10_000 else f"{row.window:,}"
    return f"{part:.0f} % of {whole}" if part >= 10 else f"{part:.2g} % of {whole}"
