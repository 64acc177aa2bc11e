"""Compare: tokenizers side by side, in several views: the panes on one text, and what else is in
`tokstudio.ui.compare_views`."""

from collections.abc import Iterator

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from tokstudio.ui import compare_views
from tokstudio.ui.context import Context
from tokstudio.ui.importing import imported
from tokstudio.ui.in_turns import InTurns, polished
from tokstudio.ui.reveal import Thing
from tokstudio.ui.widgets.basic import row, segmented
from tokstudio.ui.widgets.choice_list import Choice


class ComparePage(QWidget):
    name, title, icon, order = "compare", "Compare", "compare", 1

    def __init__(self, context: Context):
        super().__init__()
        self.context = context
        self.entries = compare_views.entries()
        self.views: dict[str, QWidget] = {}
        self.switch = segmented([entry.title for entry in self.entries], 0, "View")
        self._shown: QWidget | None = None
        self._coming = InTurns(self)
        self.tools, self.stack = QStackedWidget(), QStackedWidget()
        self.tools.setFixedHeight(30)
        self._no_tools = QWidget()
        self.tools.addWidget(self._no_tools)
        head = row(self.switch, (self.tools, 1), margins=(16, 10, 16, 0), spacing=12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(head)
        self.switch.setVisible(len(self.entries) > 1)
        layout.addWidget(self.stack, 1)
        self.text = self.view("text")
        wanted = context.settings.get("compare/view", "text")
        names = [entry.name for entry in self.entries]
        self.show_view(wanted if wanted in names else "text")
        self.switch.changed.connect(lambda number: self.choose_view(names[number]))

    # ---- views

    def view(self, name: str) -> QWidget:
        """Builds it at its first use."""
        if name not in self.views:
            made = compare_views.build(name, self.context)
            self.views[name] = made
            self.stack.addWidget(made)
            if (tools := getattr(made, "tools", None)) is not None:
                self.tools.addWidget(tools)
            for action in made.actions() if hasattr(made, "actions") else []:
                action.setParent(self)  # the top bar takes them when the view is in front
                action.hide()
        return self.views[name]

    @property
    def front(self) -> QWidget:
        return self.stack.currentWidget()

    def choose_view(self, name: str) -> None:
        """As a click asks for it: a view that is not there yet is made in several turns of the event loop."""
        if name in self.views:
            self.show_view(name)
        else:
            self._coming.start(self._chosen(name))

    def _chosen(self, name: str) -> Iterator[int | None]:
        yield from imported(f"{compare_views.__name__}.{name}")
        view = self.view(name)
        yield
        view.resize(self.stack.size())
        yield from polished(view)
        self.show_view(name)

    def show_view(self, name: str) -> None:
        self._coming.stop()
        view = self.view(name)
        if view is self._shown:
            return
        self._shown = view
        self.stack.setCurrentWidget(view)
        self.tools.setCurrentWidget(getattr(view, "tools", None) or self._no_tools)
        self.switch.set_index(self._place(name))
        self.context.settings.set("compare/view", name)
        if hasattr(view, "take") and view is not self.text:
            view.take(self.text.session.text, [pane.reference for pane in self.text.session.panes])
        if hasattr(view, "opened") and self.isVisible():
            view.opened()
        self.context.refresh_header()

    def _name_of(self, view: QWidget) -> str:
        return next(name for name, made in self.views.items() if made is view)

    def _place(self, name: str) -> int:
        return [entry.name for entry in self.entries].index(name)

    # ---- for the window and the probe of its start

    @property
    def steps_of(self) -> str:
        """Whose steps Ctrl+Z takes back: those of the view in front."""
        return "compare" if self.front is self.text else f"compare/{self._name_of(self.front)}"

    @property
    def session(self):
        return self.text.session

    @property
    def panes(self):
        return self.text.panes

    def _asked(self, what: str, default):
        return getattr(self.front, what)() if hasattr(self.front, what) else default

    def subtitle(self) -> str:
        return self._asked("subtitle", "")

    def actions(self) -> list[QWidget]:
        return self._asked("actions", [])

    def remark(self) -> str:
        return self._asked("remark", "")

    def regions(self) -> list[QWidget]:
        """What F6 walks through."""
        return [self.switch.button(self.switch.index()), *self._asked("regions", [self.front])]

    def commands(self) -> list[Choice]:
        views = [
            Choice(
                f"Compare: {entry.title}", "View", "compare", lambda name=entry.name: self.choose_view(name)
            )
            for entry in self.entries
        ]
        return [*(views if len(views) > 1 else []), *self._asked("commands", [])]

    def things(self) -> list[Thing]:
        return self._asked("things", [])

    def opened(self) -> None:
        self._asked("opened", None)

    def receive(self, view: str = "text", **what) -> None:
        if view not in [entry.name for entry in self.entries]:
            view = "text"
        self.show_view(view)
        if what and hasattr(self.front, "receive"):
            self.front.receive(**what)

    def keep(self) -> None:
        """Once a minute."""
        self.text.keep()

    def close_down(self) -> None:
        self._coming.stop()
        for view in self.views.values():
            if hasattr(view, "close_down"):
                view.close_down()
