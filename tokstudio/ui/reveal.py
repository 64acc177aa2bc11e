"""What can be done with a file, a folder, a model, a tokenizer or a run wherever its name stands: show it in the file
manager, copy its path, open it on another page. The same words in every menu and in the palette."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from tokstudio.embed.known import matrix_folder
from tokstudio.errors import InputError, TokstudioError
from tokstudio.paths import resource
from tokstudio.ui.context import Context
from tokstudio.ui.drop import kind_of
from tokstudio.ui.widgets.choice_list import Choice

DEMO = "demo:"


@dataclass(frozen=True)
class Thing:
    """`reference`: a path, or the name of a tokenizer or model; "" is nothing."""

    reference: str
    name: str = ""

    @property
    def path(self) -> Path | None:
        """Where it is on the disk; None for what is part of a library."""
        if not self.reference:
            return None
        if (path := Path(self.reference).expanduser()).is_absolute():
            return path
        if self.reference.startswith(DEMO):
            try:
                return resource(f"demo/{self.reference.removeprefix(DEMO)}")
            except FileNotFoundError:
                return None
        return matrix_folder(self.reference)

    def words(self) -> str:
        if self.name or self.path is None:
            return self.name or self.reference.removeprefix("tiktoken:")
        if self.reference.startswith(DEMO):
            return self.reference.replace(DEMO, "Demo ", 1)
        return self.path.name


@dataclass(frozen=True)
class Deed:
    title: str
    act: Callable[[], object]
    icon: str = ""


def is_run(path: Path) -> bool:
    return (path / "config.toml").exists() and not (path / "config.json").exists()


def deeds(context: Context, thing: Thing, here: str = "") -> list[Deed]:
    """`here`: the page that asks, which is left out. Nothing is read but names of files."""
    path = thing.path
    found = []
    if path is not None:
        found.append(Deed("Show in folder", lambda: show(context, path), "folder"))
        found.append(Deed("Copy path", lambda: copy(context, str(path)), "copy"))
    elif thing.reference:
        found.append(Deed("Copy name", lambda: copy(context, thing.reference), "copy"))
    for page, title, what in _ways(thing, path):
        if page != here:
            found.append(Deed(title, lambda page=page, what=what: context.go(page, **what), "chevron-right"))
    return found


def _ways(thing: Thing, path: Path | None) -> list[tuple[str, str, dict[str, Any]]]:
    """(page, words, what the page receives) of every page that takes it."""
    if not thing.reference:
        return []
    reference = thing.reference
    if path is not None and is_run(path):
        run = [("runs", "Open in Runs", {"select": path.name})]
        return run + (
            _ways(Thing(str(path / "export")), path / "export") if (path / "export").is_dir() else []
        )
    try:
        kind = "tokenizer" if path is None else kind_of(path)
    except TokstudioError:  # it is gone
        return []
    tokenizer = [
        ("compare", "Open in Compare", {"tokenizer": reference}),
        ("vocabulary", "Open in Vocabulary", {"tokenizer": reference}),
    ]
    matrix = [("embeddings", "Open in Embeddings", {"path": str(path)})]
    weights = reference if reference.startswith(DEMO) else str(path)  # a tokenizer's name is no model's
    model = [
        ("model", "Open in Model", {"model": weights}),
        ("transfer", "Transfer this model", {"model": weights}),
    ]
    target = [("transfer", "Transfer a model to this tokenizer", {"tokenizer": reference})]
    corpus = [("compare", "Count over it in Compare", {"view": "corpus", "path": str(path)})]
    return {
        "tokenizer": tokenizer + target,
        "matrix": matrix,
        "weights": matrix + model,
        "model": tokenizer + matrix + model,
        "corpus": corpus,
        "text": [("compare", "Open in Compare", {"text_file": str(path)}), *corpus],
    }[kind]


def show(context: Context, path: Path) -> None:
    """In the file manager: a folder itself, a file's folder."""
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        context.fail(InputError(f"{path} is not there any more.", hint="It may have been moved or deleted."))
    elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
        context.fail(InputError("No file manager answers.", hint=f"The folder is {folder}."))


def copy(context: Context, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    context.say(f"Copied: {text}")


def fill(menu: QMenu, context: Context, thing: Thing, here: str = "") -> None:
    """Adds what can be done to a menu, the pages below the files."""
    found = deeds(context, thing, here)
    for at, deed in enumerate(found):
        if at and deed.icon == "chevron-right" and found[at - 1].icon != deed.icon:
            menu.addSeparator()
        menu.addAction(deed.title).triggered.connect(lambda _checked=False, deed=deed: deed.act())


def offer_all(
    widget: QWidget, context: Context, things: Callable[[], list[Thing]], here: Callable[[], str]
) -> None:
    """A context menu of `widget`, also by the menu key; none where there is nothing, and a menu for each of several."""

    def ask(point) -> None:
        found = [thing for thing in dict.fromkeys(things()) if deeds(context, thing, here())]
        if not found:
            return
        menu = QMenu(widget)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        for thing in found:
            fill(menu if len(found) == 1 else menu.addMenu(thing.words()), context, thing, here())
        menu.popup(widget.mapToGlobal(point))

    widget.setContextMenuPolicy(Qt.CustomContextMenu)
    widget.customContextMenuRequested.connect(ask)


def offer(widget: QWidget, context: Context, thing: Callable[[], Thing], here: str = "") -> None:
    """The same for one."""
    offer_all(widget, context, lambda: [thing()], lambda: here)


def choices(context: Context, things: Iterable[Thing], here: str, title: str) -> list[Choice]:
    """The same for the palette."""
    return [
        Choice(f"{thing.words()}: {deed.title[0].lower()}{deed.title[1:]}", title, deed.icon, deed.act)
        for thing in dict.fromkeys(things)
        for deed in deeds(context, thing, here)
    ]
