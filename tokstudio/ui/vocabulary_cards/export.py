"""The rows shown as a file."""

import csv
import json
from pathlib import Path

import numpy as np

from tokstudio import __version__
from tokstudio.embed.vocabulary import KINDS, Vocabulary
from tokstudio.errors import InputError
from tokstudio.tokens.vocab_scripts import NAMES
from tokstudio.ui.models.vocabulary import COUNT, NORM, SCRIPT, TWIN

COLUMNS = ("id", "token", "hex", "bytes", "type")
EXTRA = {SCRIPT: "script", COUNT: "count", NORM: "norm", TWIN: "id_there"}


def rows(vocabulary: Vocabulary, ids: np.ndarray, facts: dict[int, np.ndarray]):
    """One dict for each token, in the order of `ids`."""
    for token in ids.tolist():
        raw = vocabulary.bytes_of(token)
        found = {
            "id": token,
            "token": vocabulary.text(token),
            "hex": raw.hex(),
            "bytes": len(raw),
            "type": KINDS[vocabulary.kinds[token]],
        }
        for column, values in facts.items():
            value = values[token]
            known = np.isfinite(value) and not (column == TWIN and value < 0)
            plain = (
                NAMES[value] if column == SCRIPT else round(float(value), 5) if column == NORM else int(value)
            )
            found[EXTRA[column]] = plain if known else None
        yield found


def write(
    path: Path, vocabulary: Vocabulary, ids: np.ndarray, facts: dict[int, np.ndarray], query: str
) -> None:
    """CSV, or JSON by the ending. Raises InputError where it cannot be written."""
    try:
        if path.suffix.lower() == ".json":
            about = {**vocabulary.about, "query": query, "tokstudio": __version__}
            listed = list(rows(vocabulary, ids, facts))
            path.write_text(
                json.dumps({**about, "tokens": listed}, ensure_ascii=False, indent=1) + "\n", "utf-8"
            )
            return
        with path.open("w", encoding="utf-8", newline="") as file:
            names = [*COLUMNS, *(EXTRA[column] for column in facts)]
            out = csv.DictWriter(file, names)
            out.writeheader()
            out.writerows(rows(vocabulary, ids, facts))
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose another folder."
        ) from None


def lines(vocabulary: Vocabulary, ids: np.ndarray) -> str:
    """For the clipboard: id, token and its bytes in hex, apart by tabs."""
    found = (
        (str(token), vocabulary.text(token), vocabulary.bytes_of(token).hex(" ").upper())
        for token in ids.tolist()
    )
    return "\n".join("\t".join(parts) for parts in found)


def command(reference: str, query: str, others: list[str]) -> str:
    """The same without a window."""
    import shlex

    words = ["tokstudio", "vocab", reference, *([query] if query else [])]
    for other in others:
        words += ["--diff", other]
    return shlex.join(words)
