"""Tokens as text for the clipboard."""

import json

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer

KINDS = {
    "space": "Ids, with spaces",
    "json": "Ids as JSON",
    "python": "Ids as a Python list",
    "hex": "Bytes as hex",
    "tsv": "Table (TSV)",
}
WIDTH = 100  # characters of a line of Python


def chosen(encoding: Encoding, selection: tuple[int, int] | None) -> np.ndarray:
    """Indices of the tokens that share bytes with the selection; all without one."""
    if selection is None:
        return np.arange(len(encoding))
    starts, stops = encoding.spans[:, 0], encoding.spans[:, 1]
    return np.flatnonzero((starts < selection[1]) & (stops > selection[0]))


def as_text(kind: str, encoding: Encoding, which: np.ndarray, tokenizer: Tokenizer) -> str:
    ids = encoding.ids[which].tolist()
    if kind == "space":
        return " ".join(map(str, ids))
    if kind == "json":
        return json.dumps(ids)
    if kind == "python":
        return _python(ids)
    if kind == "hex":
        spans = encoding.spans[which].tolist()
        return " ".join(encoding.text[start:stop].hex() for start, stop in spans)
    return _table(encoding, which, tokenizer)


def _python(ids: list[int]) -> str:
    lines, line = [], ""
    for number in ids:
        part = f"{number}, "
        if len(line) + len(part) > WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += part
    lines.append(line.rstrip(", "))
    return "[" + "\n ".join(lines) + "]"


def _table(encoding: Encoding, which: np.ndarray, tokenizer: Tokenizer) -> str:
    names = {number: name for name, number in tokenizer.special_tokens.items()}
    rows = ["token\tid\tstart\tend\thex\ttext"]
    for at in which.tolist():
        start, stop = encoding.spans[at].tolist()
        piece, number = encoding.text[start:stop], int(encoding.ids[at])
        text = piece.decode(errors="backslashreplace") if piece else names.get(number, "")
        rows.append(f"{at}\t{number}\t{start}\t{stop}\t{piece.hex()}\t{json.dumps(text, ensure_ascii=False)}")
    return "\n".join(rows) + "\n"
