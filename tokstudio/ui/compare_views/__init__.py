"""The views of the Compare page: one file here is one entry of the segmented control in its toolbar.

A file `NAME.py` holds one QWidget class with the attributes

    name = "NAME"       as the file
    title = "Corpus"    what the control shows
    order = 3           its place, from the left; "Text", the panes, is 1

and is built by `Class(context)` (`tokstudio.ui.context.Context`) when it is first shown. No list is edited.
What a view may have besides, each left out where it is not needed:

    tools: QWidget | None          shown in the page's toolbar, right of the control, while the view is in front
    take(text, references)         the text and the tokenizers of the panes; called each time the view comes to front
    opened()                       it came to the front
    close_down()                   the window closes: end threads and processes
    receive(**what)                from `context.go("compare", view="NAME", **what)`
    subtitle(), remark(), actions(), commands(), regions()      as a page has them (see `tokstudio.ui.pages`)

The import of a view costs the start, so the three that ship are described in `SHIPPED`; a further file is
imported to learn its title.
"""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from tokstudio.ui.context import Context


@dataclass(frozen=True)
class ViewEntry:
    name: str
    title: str
    order: int


SHIPPED = (
    ViewEntry("text", "Text", 1),
    ViewEntry("translate", "Translate", 2),
    ViewEntry("corpus", "Corpus", 3),
)


def entries() -> list[ViewEntry]:
    """Those whose file is there, in the order of the control."""
    known = {entry.name: entry for entry in SHIPPED}
    found = []
    for module in pkgutil.iter_modules(__path__):
        entry = known.get(module.name)
        if entry is None:
            cls = view_class(module.name)
            entry = ViewEntry(cls.name, cls.title, cls.order)
        found.append(entry)
    return sorted(found, key=lambda entry: entry.order)


def build(name: str, context: Context) -> QWidget:
    return view_class(name)(context)


def view_class(name: str) -> type[QWidget]:
    module = importlib.import_module(f"{__name__}.{name}")
    for _, cls in inspect.getmembers(module, inspect.isclass):
        if issubclass(cls, QWidget) and getattr(cls, "name", None) == name:
            return cls
    raise TypeError(f"{module.__name__} has no QWidget class whose `name` is {name!r}")
