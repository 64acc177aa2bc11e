"""Which pages there are: one file in `tokstudio.ui.pages` is one page, imported when it is first shown.

The rail must not cost an import, so those that ship are described here; a further file is imported.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tokstudio.ui import pages
from tokstudio.ui.context import Context
from tokstudio.ui.importing import imported
from tokstudio.ui.widgets.empty import EmptyState


@dataclass(frozen=True)
class PageEntry:
    name: str
    title: str
    icon: str
    order: int
    sentence: str = ""  # what it is for, where its file is missing


SHIPPED = (
    PageEntry("compare", "Compare", "compare", 1, "Several tokenizers side by side on one text."),
    PageEntry("vocabulary", "Vocabulary", "vocabulary", 2, "All tokens of a tokenizer, to sort and filter."),
    PageEntry(
        "embeddings", "Embeddings", "embeddings", 3, "The rows of an embedding matrix and their neighbors."
    ),
    PageEntry("model", "Model", "layers", 4, "What goes on inside a language model."),
    PageEntry("transfer", "Transfer", "transfer", 5, "Moves a model onto another tokenizer."),
    PageEntry("runs", "Runs", "runs", 6, "What runs now and what ran before."),
)


def entries() -> list[PageEntry]:
    """In the order of the rail."""
    known = {entry.name: entry for entry in SHIPPED}
    for found in pkgutil.iter_modules(pages.__path__):
        if found.name not in known:
            cls = _page_class(found.name)
            known[found.name] = PageEntry(cls.name, cls.title, cls.icon, cls.order)
    return sorted(known.values(), key=lambda entry: entry.order)


def build(entry: PageEntry, context: Context) -> QWidget:
    """The page, in one go."""
    work = building(entry, context)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def preparing(entry: PageEntry) -> Iterator[int]:
    """For `InTurns`, before `building`: what the page imports, in a thread. A page may say by a static method
    `prepare` what else can be done there."""
    if not _missing(entry):
        yield from imported(f"{pages.__name__}.{entry.name}", lambda: _prepare(entry.name))


def building(
    entry: PageEntry, context: Context, before: Callable[[], object] = lambda: None
) -> Generator[None, None, QWidget]:
    """The page, or an empty state where its file is not part of this installation. It may be left for a turn of the
    event loop at each `yield`: behind each of the parts that the page makes apart.

    For that a page has a static method `parts_apart(context)`, makers by name, and takes what they make as keyword
    arguments; `parts` makes those that are not given, for a page that is built at once.
    `before`: called when nothing keeps the page from being made any more.
    """
    if _missing(entry):
        return EmptyState(entry.icon, f"{entry.title} is not part of this version", entry.sentence)
    cls = _page_class(entry.name)
    yield
    made: dict[str, QObject] = {}
    try:
        for name, make in getattr(cls, "parts_apart", lambda _: {})(context).items():
            made[name] = make()
            yield
    except GeneratorExit:  # another page was asked for
        for part in made.values():
            if hasattr(part, "close_down"):
                part.close_down()
            part.deleteLater()
        raise
    before()
    return cls(context, **made)


def parts(cls: type[QWidget], context: Context, made: dict[str, QObject]) -> dict[str, Any]:
    """All that the page has apart: what is in `made`, and the rest."""
    return made or {name: make() for name, make in cls.parts_apart(context).items()}


def _missing(entry: PageEntry) -> bool:
    return entry.name not in {found.name for found in pkgutil.iter_modules(pages.__path__)}


def _prepare(name: str) -> None:
    getattr(_page_class(name), "prepare", lambda: None)()


def _page_class(name: str) -> type[QWidget]:
    module = importlib.import_module(f"{pages.__name__}.{name}")
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, QWidget) and getattr(cls, "name", None) == name:
            return cls
    raise TypeError(f"{module.__name__} has no QWidget class whose `name` is {name!r}")
