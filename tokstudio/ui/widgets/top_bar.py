"""Title, what it is about, the find field, and the actions of the page in front."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QWidget

from tokstudio.ui import icons, theme
from tokstudio.ui.widgets.basic import eliding, label, row

HEIGHT = 48


class FindField(QAbstractButton):
    """Looks like a field and opens the command palette."""

    def __init__(self):
        super().__init__()
        self.setText("Search pages, actions, tokenizers")
        self.setAccessibleName("Search")
        self.setToolTip("Search (Ctrl+K)")
        self.setFocusPolicy(Qt.TabFocus)
        self.setAttribute(Qt.WA_Hover)
        self.setCursor(Qt.IBeamCursor)
        self.set_small(False)

    def set_small(self, small: bool) -> None:
        self._small = small
        self.setFixedSize(QSize(30, 30) if small else QSize(320, 30))

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        focus = self.hasFocus()
        edge = 2 if focus else 1
        painter.setPen(QPen(theme.color("accent" if focus else "border"), edge))
        painter.setBrush(theme.color("hover" if self.underMouse() else "bg"))
        inset = edge / 2
        painter.drawRoundedRect(self.rect().toRectF().adjusted(inset, inset, -inset, -inset), 6, 6)
        icons.draw(painter, "search", "muted", 7 if self._small else 9, 7)
        if self._small:
            return
        painter.setPen(theme.color("muted"))
        painter.setFont(theme.font("small"))
        keys = QFontMetrics(theme.font("caption")).horizontalAdvance("Ctrl K") + 14
        place = self.rect().adjusted(33, 0, -12 - keys, 0)
        words = painter.fontMetrics().elidedText(self.text(), Qt.ElideRight, place.width())
        painter.drawText(place, Qt.AlignVCenter, words)
        key = self.rect().adjusted(self.width() - 6 - keys, 6, -6, -6)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(key.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setPen(theme.color("muted"))
        painter.setFont(theme.font("caption"))
        painter.drawText(key, Qt.AlignCenter, "Ctrl K")


class TopBar(QFrame):
    def __init__(self):
        super().__init__()
        self.setProperty("frame", "top")
        self.setFixedHeight(HEIGHT)
        self.title = label("", "title")
        self.subtitle = eliding("", "small", "muted")
        self.find = FindField()
        self._actions = QHBoxLayout()
        self._actions.setContentsMargins(0, 0, 0, 0)
        self._actions.setSpacing(8)
        self._shown: list[QWidget] = []
        right = QWidget()
        right.setLayout(self._actions)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(16)
        self.about = left = row(self.title, (self.subtitle, 1), spacing=10)
        left.setMinimumWidth(0)
        layout.addWidget(left, 1)
        layout.addWidget(self.find)
        layout.addWidget(right, 1)

    @property
    def actions_shown(self) -> list[QWidget]:
        """Those of the page in front."""
        return list(self._shown)

    def show_page(self, title: str, subtitle: str, actions: Sequence[QWidget]) -> None:
        """`actions` stay owned by the page that made them: they are hidden, not deleted, when it leaves."""
        self.title.setText(title)
        self.subtitle.setText(subtitle)
        if list(actions) == self._shown:
            return
        for old in self._shown:
            self._actions.removeWidget(old)
            old.hide()
        while self._actions.count():
            self._actions.takeAt(0)
        self._actions.addStretch(1)
        for action in actions:
            self._actions.addWidget(action)
            action.show()
        self._shown = list(actions)
