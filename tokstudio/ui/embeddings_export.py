"""Every view of the Embeddings page as a file: PNG, SVG, CSV or NPY, each with where it came from."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QRegion
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from tokstudio import __version__
from tokstudio.errors import InputError, TokstudioError
from tokstudio.ui.context import Context
from tokstudio.ui.widgets.controls import Button
from tokstudio.ui.widgets.picture_file import save_png, save_svg

KINDS = ("png", "svg", "csv", "npy")


@dataclass(frozen=True)
class View:
    """One exportable view. `table`: columns by title, all of one length. `array`: what NPY holds, by default the
    number columns of the table."""

    title: str
    widget: Callable[[], QWidget]
    table: Callable[[], dict[str, list]]
    array: Callable[[], np.ndarray] | None = None
    settings: Callable[[], dict] = dict


def write(view: View, path: Path, origin: dict) -> None:
    """By the ending of `path`. Raises InputError for other endings, and where it cannot be written."""
    about = {"made_by": f"Tokstudio {__version__}", "view": view.title, **origin, **view.settings()}
    makers = {".png": _png, ".svg": _svg, ".csv": _csv, ".npy": _npy}
    if path.suffix not in makers:
        raise InputError(
            f"{path.name} does not say which format it should have.",
            hint="End it in .png, .svg, .csv or .npy.",
        )
    try:
        makers[path.suffix](view, path, about)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}.", hint="Choose another folder."
        ) from None


def _png(view: View, path: Path, about: dict) -> None:
    widget = view.widget()
    ground = widget.palette().window().color()
    parts = QWidget.DrawChildren | QWidget.DrawWindowBackground
    save_png(path, widget.size(), ground, lambda p: widget.render(p, QPoint(), QRegion(), parts), about)


def _svg(view: View, path: Path, about: dict) -> None:
    widget = view.widget()
    parts = QWidget.DrawChildren
    save_svg(path, widget.size(), view.title, lambda p: widget.render(p, QPoint(), QRegion(), parts), about)


def _csv(view: View, path: Path, about: dict) -> None:
    columns = view.table()
    out = io.StringIO()
    for key, value in about.items():
        out.write(f"# {key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}\n")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(columns)
    table.writerows(zip(*columns.values(), strict=True))
    path.write_text(out.getvalue(), encoding="utf-8")


def _npy(view: View, path: Path, about: dict) -> None:
    """The array, and what it is in a .json beside it: the format has no room for words."""
    array, names = _array(view)
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    path.write_bytes(buffer.getvalue())
    about |= {"shape": list(array.shape), "columns": names} if names else {"shape": list(array.shape)}
    path.with_suffix(".json").write_text(
        json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


def _array(view: View) -> tuple[np.ndarray, list[str]]:
    if view.array is not None:
        return np.asarray(view.array()), []
    numbers = {key: values for key, values in view.table().items() if all(_number(value) for value in values)}
    made = [[np.nan if value is None else value for value in values] for values in numbers.values()]
    return np.array(made, float).T, list(numbers)


def _number(value: object) -> bool:
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


class Exporter:
    """Asks where a view shall go, and writes it there."""

    def __init__(self, window: QWidget, origin: Callable[[], dict], context: Context):
        self._window, self._origin, self._context = window, origin, context

    def fill(self, menu: QMenu, views: list[View]) -> None:
        """A menu for each view, with the four formats."""
        menu.clear()
        for view in views:
            self.formats(menu.addMenu(view.title), view)

    def formats(self, menu: QMenu, view: View) -> None:
        for kind in KINDS:
            menu.addAction(f"{kind.upper()}…", lambda kind=kind: self.ask(view, kind))

    def ask(self, view: View, kind: str) -> None:
        name = f"{view.title.lower().replace(' ', '-')}.{kind}"
        path, _ = QFileDialog.getSaveFileName(
            self._window.window(), f"Export {view.title}", name, f"*.{kind}"
        )
        if path:
            self.write(view, Path(path).with_suffix(f".{kind}"))

    def write(self, view: View, path: Path) -> None:
        try:
            write(view, path, self._origin())
        except TokstudioError as error:
            self._context.fail(error)
        else:
            self._context.say(f"Written to {path}")


class ExportButton(Button):
    """A menu of views, each in four formats."""

    def __init__(self, views: Callable[[], list[View]], origin: Callable[[], dict], context: Context):
        super().__init__("Export", "export")
        exporter = Exporter(self, origin, context)
        self.ask, self.write = exporter.ask, exporter.write
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(lambda: exporter.fill(self._menu, views()))
        self.setMenu(self._menu)
