"""Tokens as text for the clipboard."""

import json

import numpy as np

from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.show import readable

KINDS = {
    "space": "Ids, with spaces",
    "json": "Ids as JSON",
    "python": "Ids as a Python list",
    "c": "Ids as a C array",
    "text": "Text",
    "repr": "Token texts as a Python list",
    "hex": "Bytes as hex",
    "offsets": "Byte offsets as JSON",
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
        return _wrapped([str(number) for number in ids], "[", "]")
    if kind == "c":
        return f"const int32_t ids[{len(ids)}] = " + _wrapped([str(number) for number in ids], "{", "};")
    spans = encoding.spans[which].tolist()
    if kind == "offsets":
        return json.dumps(spans)
    if kind == "text":
        edges = (spans[0][0], max(stop for _, stop in spans)) if spans else (0, 0)
        return readable(encoding.text[slice(*edges)])
    if kind == "repr":
        return _wrapped([_quoted(encoding.text[start:stop]) for start, stop in spans], "[", "]")
    if kind == "hex":
        return " ".join(encoding.text[start:stop].hex() for start, stop in spans)
    return _table(encoding, which, tokenizer)


def _quoted(piece: bytes) -> str:
    """A Python literal: a string, or bytes where the token is part of a character."""
    try:
        return repr(piece.decode())
    except UnicodeDecodeError:
        return repr(piece)


def _wrapped(values: list[str], begin: str, end: str) -> str:
    lines, line = [], ""
    for value in values:
        part = f"{value}, "
        if len(line) + len(part) > WIDTH:
            lines.append(line.rstrip())
            line = ""
        line += part
    lines.append(line.removesuffix(", "))
    return begin + "\n ".join(lines) + end


def _table(encoding: Encoding, which: np.ndarray, tokenizer: Tokenizer) -> str:
    names = {number: name for name, number in tokenizer.special_tokens.items()}
    rows = ["token\tid\tstart\tend\thex\ttext"]
    for at in which.tolist():
        start, stop = encoding.spans[at].tolist()
        piece, number = encoding.text[start:stop], int(encoding.ids[at])
        text = piece.decode(errors="backslashreplace") if piece else names.get(number, "")
        rows.append(f"{at}\t{number}\t{start}\t{stop}\t{piece.hex()}\t{json.dumps(text, ensure_ascii=False)}")
    return "\n".join(rows) + "\n"
