"""Which pages there are: one file in `tokstudio.ui.pages` is one page, imported when it is first shown.

The rail must not cost an import, so those that ship are described here; a further file is imported.
"""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from tokstudio.ui import pages
from tokstudio.ui.context import Context
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
    """The page, or an empty state where its file is not part of this installation."""
    if entry.name not in {found.name for found in pkgutil.iter_modules(pages.__path__)}:
        return EmptyState(entry.icon, f"{entry.title} is not part of this version", entry.sentence)
    return _page_class(entry.name)(context)


def _page_class(name: str) -> type[QWidget]:
    module = importlib.import_module(f"{pages.__name__}.{name}")
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, QWidget) and getattr(cls, "name", None) == name:
            return cls
    raise TypeError(f"{module.__name__} has no QWidget class whose `name` is {name!r}")
