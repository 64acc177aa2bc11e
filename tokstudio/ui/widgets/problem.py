"""An error shown where it happened: what, why, and one to three ways on."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QSizePolicy, QVBoxLayout

from tokstudio.errors import TokstudioError
from tokstudio.ui.announce import announce
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import button, label, row


class Problem(QFrame):
    """Hidden until `show_error`."""

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "card")
        self._icon = icon_label("alert", "danger", 20)
        self.title = label("", "h2", wrap=True)
        self.hint = label("", "body", "text2", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(row(self._icon, (self.title, 1), spacing=10))
        layout.addWidget(self.hint)
        self._actions = QBoxLayout(QBoxLayout.LeftToRight)
        self._actions.setSpacing(8)
        layout.addLayout(self._actions)
        self.hide()

    def show_error(
        self,
        error: TokstudioError | str,
        actions: Sequence[tuple[str, Callable[[], object]]] = (),
        warning: bool = False,
    ) -> None:
        """`actions`: (text, slot). `warning`: can go on, read first."""
        self._icon.set("alert", "warning" if warning else "danger")
        self.title.setText(str(error))
        hint = getattr(error, "hint", "")
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.setAccessibleName(f"Problem: {error} {hint}".strip())
        self._clear_actions()
        for text, slot in actions:
            made = button(text)
            made.clicked.connect(slot)
            self._actions.addWidget(made)
        copy = button("Copy", "copy", "quiet")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(f"{error}\n{hint}".strip()))
        self._actions.addStretch(1)
        self._actions.addWidget(copy)
        self._fit()
        self.show()
        announce(self, f"{error} {hint}".strip(), at_once=not warning)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Buttons below each other where they do not fit side by side, and all of the text at this width: a
        layout that is short of room would cut wrapped labels."""
        margins = self.layout().contentsMargins()
        room = self.width() - margins.left() - margins.right()
        made = [self._actions.itemAt(i).widget() for i in range(self._actions.count())]
        wanted = sum(w.sizeHint().width() + self._actions.spacing() for w in made if w is not None)
        across = wanted <= room
        self._actions.setDirection(QBoxLayout.LeftToRight if across else QBoxLayout.TopToBottom)
        for widget in filter(None, made):
            self._actions.setAlignment(widget, Qt.Alignment() if across else Qt.AlignLeft)
        beside = self._icon.sizeHint().width() + 10
        for words, width in ((self.title, room - beside), (self.hint, room)):
            words.setMinimumHeight(max(0, words.heightForWidth(max(40, width))) if words.text() else 0)

    def clear(self) -> None:
        self._clear_actions()
        self.title.setText("")
        self.hide()

    def _clear_actions(self) -> None:
        while (item := self._actions.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()


class ProblemArea(QScrollArea):
    """A Problem that takes the height it needs where there is room, and scrolls where there is not."""

    def __init__(self):
        super().__init__()
        self.problem = Problem()
        self.problem.setProperty("frame", "plain")
        self.setFrameShape(QFrame.NoFrame)
        self.setWidgetResizable(True)
        self.setWidget(self.problem)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Maximum)
        self.setAccessibleName("Problem")
        for part in (self.viewport(), self.problem):
            part.setAutoFillBackground(False)
        self.hide()

    def show_error(self, *arguments, **more) -> None:
        """See `Problem.show_error`."""
        self.problem.show_error(*arguments, **more)
        self.show()
        self.updateGeometry()

    def clear(self) -> None:
        self.problem.clear()
        self.hide()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(200, self.problem.layout().totalHeightForWidth(max(80, self.viewport().width())))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 72)
