"""The result of a corpus comparison as a file: JSON, CSV, Markdown, LaTeX."""

import csv
import io
import json
from pathlib import Path

from tokstudio import __version__
from tokstudio.errors import InputError
from tokstudio.tokens.corpus.tally import METRICS

FORMATS = {".json": "json", ".csv": "csv", ".md": "markdown", ".tex": "latex"}
NONE = "\u2013"


def shown(key: str, value: float | None, *, exact: bool = False) -> str:
    """A figure as people read it: 4.38, 82.4 %, 12,345; with `exact` as programs do."""
    if value is None:
        return "" if exact else NONE
    if exact:
        return str(value)
    if METRICS[key].share:
        return f"{100 * value:.1f} %"
    if key in ("tokens", "unknown"):
        return f"{value:,.0f}"
    return f"{value:.3f}" if key == "gini" else f"{value:.2f}"


def as_text(result: dict, kind: str) -> str:
    """`kind`: a value of FORMATS."""
    return {"json": as_json, "csv": as_csv, "markdown": as_markdown, "latex": as_latex}[kind](result)


def write(result: dict, path: Path) -> None:
    """By the ending of `path`. Raises InputError for others, and where it cannot write."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f"{path.name} does not say which format it should have.",
            hint="End the name in .json, .csv, .md or .tex.",
        )
    try:
        path.write_text(as_text(result, FORMATS[path.suffix.lower()]), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose another folder."
        ) from None


def as_json(result: dict) -> str:
    return json.dumps({"made_by": f"Tokstudio {__version__}", **result}, ensure_ascii=False, indent=1) + "\n"


def as_csv(result: dict) -> str:
    """A row a tokenizer and group; the group of all together is empty."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["tokenizer", "reference", "fingerprint", "group", *METRICS])
    for row in result["tokenizers"]:
        for name, figures in [("", row), *row["groups"].items()]:
            cells = [shown(key, figures.get(key), exact=True) for key in METRICS]
            table.writerow([row["name"], row["reference"], row["fingerprint"], name, *cells])
    return out.getvalue()


def columns(result: dict) -> list[str]:
    """The metrics that have a figure."""
    return [key for key in METRICS if any(row.get(key) is not None for row in result["tokenizers"])]


def _tables(result: dict) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, head and rows: all together, then bytes per token by group."""
    keys = columns(result)
    rows = [[row["name"], *(shown(key, row.get(key)) for key in keys)] for row in result["tokenizers"]]
    tables = [("All texts", ["Tokenizer", *(METRICS[key].title for key in keys)], rows)]
    if result["groups"]:
        names = [row["name"] for row in result["tokenizers"]]
        rows = [
            [
                group,
                *(
                    shown("bytes_per_token", row["groups"][group]["bytes_per_token"])
                    for row in result["tokenizers"]
                ),
            ]
            for group in result["groups"]
        ]
        tables.append(("Bytes per token", ["Group", *names], rows))
    return tables


def _footer(result: dict) -> str:
    prints = ", ".join(f"{row['name']} {row['fingerprint']}" for row in result["tokenizers"])
    return (
        f"{result['bytes']:,} bytes of text; words from {result['words_from_bytes']:,} bytes of it; "
        f"Rényi entropy of order {result['alpha']:g}; Tokstudio {__version__}; {prints}."
    )


def as_markdown(result: dict) -> str:
    lines = []
    for title, head, rows in _tables(result):
        lines += [f"**{title}**", "", _line(head), _line(["---", *["---:"] * (len(head) - 1)])]
        lines += [_line(row) for row in rows]
        lines.append("")
    return "\n".join([*lines, _footer(result), ""])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def as_latex(result: dict) -> str:
    """For the package booktabs."""
    parts = []
    for title, head, rows in _tables(result):
        body = "\n".join(" & ".join(map(_tex, row)) + r" \\" for row in rows)
        parts.append(
            "\\begin{table}\n\\centering\n\\begin{tabular}{l" + "r" * (len(head) - 1) + "}\n\\toprule\n"
            + " & ".join(map(_tex, head)) + " \\\\\n\\midrule\n" + body
            + "\n\\bottomrule\n\\end{tabular}\n\\caption{" + _tex(title) + "}\n\\end{table}\n"
        )  # fmt: skip
    return "% " + _footer(result) + "\n" + "\n".join(parts)


def _tex(text: str) -> str:
    names = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", NONE: "--"}
    return "".join(names.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in text)
