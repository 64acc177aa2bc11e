"""The comparison as a file: JSON and CSV of every token, or a picture of the page."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QWidget

from tokstudio import __version__
from tokstudio.errors import InputError
from tokstudio.ui import theme
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.panes.picture import Picture
from tokstudio.ui.panes.session import CompareSession
from tokstudio.ui.widgets.picture_file import save_png, save_svg


def as_json(session: CompareSession) -> str:
    """One object: text, and per tokenizer its ids, byte spans and figures."""
    panes = session.fresh()
    found = session.agreement
    value = {
        "made_by": f"Tokstudio {__version__}",
        "text": session.text,
        "bytes": len(session.data),
        "special_tokens": session.special,
        "tokenizers": [_pane_value(pane) for pane in panes],
        "boundary_f1": found.f1.round(4).tolist() if found is not None else [],
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _pane_value(pane: PaneState) -> dict:
    return {
        "reference": pane.reference,
        "name": pane.name,
        "algorithm": pane.tokenizer.algorithm,
        "fingerprint": pane.tokenizer.fingerprint,
        "vocabulary": len(pane.tokenizer),
        "tokens": len(pane.encoding),
        "bytes_per_token": round(pane.measures.bytes_per_token, 4) if pane.measures else None,
        "words_whole": round(pane.measures.words_whole, 4) if pane.measures else None,
        "ids": pane.encoding.ids.tolist(),
        "spans": pane.encoding.spans.tolist(),
    }


def as_csv(session: CompareSession) -> str:
    """A row per token: tokenizer, number, id, first and last byte, hex, text, do all tokenizers agree."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["tokenizer", "token", "id", "start", "end", "hex", "text", "shared"])
    for pane in session.fresh():
        for at, (number, (start, stop)) in enumerate(
            zip(pane.encoding.ids.tolist(), pane.encoding.spans.tolist(), strict=True)
        ):
            piece = pane.encoding.text[start:stop]
            shared = bool(pane.shared[at]) if pane.shared is not None else ""
            text = piece.decode(errors="backslashreplace")
            table.writerow([pane.name, at, number, start, stop, piece.hex(), text, shared])
    return out.getvalue()


def about(session: CompareSession) -> dict:
    """Where a picture came from: what has to be known to make it again."""
    return {
        "made_by": f"Tokstudio {__version__}",
        "tokenizers": [[pane.reference, pane.tokenizer.fingerprint] for pane in session.fresh()],
        "bytes": len(session.data),
        "special_tokens": session.special,
    }


def write(
    session: CompareSession, page: QWidget, path: Path, picture: Callable[[], Picture] | None = None
) -> None:
    """By the ending of `path`: .json, .csv, .png, .svg. `picture`: of the panes; without one, of the page, which has no
    .svg. Raises InputError for others, and where it cannot write."""
    try:
        if path.suffix in (".png", ".svg") and picture is not None:
            made = picture()
            if path.suffix == ".svg":
                save_svg(path, made.size, "Panes of Tokstudio", made.paint, about(session))
            else:
                save_png(path, made.size, theme.color("bg"), made.paint, about(session))
        elif path.suffix == ".png":
            if not page.grab().save(str(path)):
                raise OSError(0, "the picture could not be written")
        elif path.suffix in (".json", ".csv"):
            text = as_json(session) if path.suffix == ".json" else as_csv(session)
            path.write_text(text, encoding="utf-8")
        else:
            raise InputError(
                f"{path.name} does not say which format it should have.",
                hint="End the name in .csv, .json, .png or .svg.",
            )
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose another folder."
        ) from None
