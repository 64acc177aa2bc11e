"""The switches of Compare: what color says, what a chip shows, marks, special tokens, disagreements."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup, QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import check, combo, eliding, row, segmented, tool


class Toolbar(QWidget):
    changed = Signal()
    previous = Signal()
    next = Signal()

    MODES = ("disagreement", "every", "plain")
    LONG_MODES = ("Disagreement", "Every token", "Plain")
    SHORT_MODES = ("Differ", "Every", "Plain")
    SHOWS = ("text", "ids", "bytes", "characters")
    WRITTEN = ("text", "parse", "forbid")
    WORDS = ("Specials as text", "Specials parsed", "Specials forbidden")
    SHORT_WORDS = ("As text", "Parsed", "Forbidden")

    def __init__(self):
        super().__init__()
        self.setMinimumWidth(300)
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self.mode = segmented(self.LONG_MODES, 0, "What color shows")
        self.show_as = segmented(("Text", "Ids", "Bytes", "Characters"), 0, "What a token shows")
        self.marks = check("Whitespace marks", True)
        self.special = check("BOS and EOS")
        self.special.setToolTip("Add the tokens that a model expects around a text, such as <s> or [CLS]")
        self.written = combo(self.WORDS, "Special tokens that are written in the text")
        self.written.setToolTip(
            "Special tokens that are written out in the text: text, their ids, or an error"
        )
        self.written.setFixedHeight(30)
        self.more = tool("settings", "Whitespace, BOS and EOS, special tokens")
        self.more.setMenu(self._menu())
        self.more.hide()
        self.count = eliding("", "small", "text2")
        self.back = tool("chevron-up", "Previous disagreement (Shift+F8)")
        self.forward = tool("chevron-down", "Next disagreement (F8)")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.mode, self.show_as):
            layout.addWidget(part)
        layout.addSpacing(4)
        for part in (self.marks, self.special, self.written, self.more):
            layout.addWidget(part)
        layout.addStretch(1)
        layout.addWidget(self.count)
        layout.addWidget(row(self.back, self.forward, spacing=0))
        self.setFixedHeight(30)
        self.mode.changed.connect(lambda _: self.changed.emit())
        self.show_as.changed.connect(lambda _: self.changed.emit())
        self.marks.toggled.connect(lambda _: self.changed.emit())
        self.special.toggled.connect(lambda _: self.changed.emit())
        self.written.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.back.clicked.connect(self.previous)
        self.forward.clicked.connect(self.next)
        self._count: int | None = None
        self._level = -1
        self._measure()
        self._fit(0)
        self.show_count(None)
        theme.changed.connect(self._rescaled)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit_width()

    def _rescaled(self) -> None:
        """Larger words need more width."""
        if self._letters != self._sizes():
            self._measure()
            self._fit_width()

    def _sizes(self) -> list[int]:
        """Of the letters: while this is out of sight, a change reaches it late and one after the other."""
        return [
            part.font().pixelSize() for part in (self.marks, self.special, self.written, self.mode.button(0))
        ]

    def _fit_width(self) -> None:
        self._fit(0 if self.width() >= self._least[0] else 1 if self.width() >= self._least[1] else 2)

    def _fit(self, level: int) -> None:
        """0: whole words; 1: short words; 2: the rarer switches in a menu."""
        if level == self._level:
            return
        self._level = level
        short = level > 0
        for at, words in enumerate(self.SHORT_MODES if short else self.LONG_MODES):
            self.mode.button(at).setText(words)
        self.show_as.button(3).setText("Chars" if short else "Characters")
        self.marks.setText("Marks" if short else "Whitespace marks")
        self.special.setText("BOS/EOS" if short else "BOS and EOS")
        for at, words in enumerate(self.SHORT_WORDS if short else self.WORDS):
            self.written.setItemText(at, words)
        words = QFontMetrics(self.written.font())
        widest = max(words.horizontalAdvance(text) for text in (self.SHORT_WORDS if short else self.WORDS))
        self.written.setFixedWidth(widest + 48)  # its margins and arrow
        for part in (self.marks, self.special, self.written):
            part.setVisible(level < 2)
        self.more.setVisible(level == 2)
        self.show_count(self._count)

    def _measure(self) -> None:
        """The least widths of levels 0 and 1; the count gets room for five digits."""
        for part in self.findChildren(QWidget):
            part.ensurePolished()  # else its margins would be the style sheet's at the second time only
        self._letters = self._sizes()
        self._least = []
        for level in (0, 1):
            self._fit(level)
            room = 128 if level == 0 else 56
            self._least.append(
                self.layout().sizeHint().width() - self.count.sizeHint().width() + theme.px(room)
            )
        self._level = -1

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        for part, words in ((self.marks, "Whitespace marks"), (self.special, "BOS and EOS")):
            action = menu.addAction(words)
            action.setCheckable(True)
            action.toggled.connect(part.setChecked)
            menu.aboutToShow.connect(lambda action=action, part=part: action.setChecked(part.isChecked()))
        menu.addSeparator()
        group = QActionGroup(menu)
        for at, words in enumerate(self.WORDS):
            action = menu.addAction(words)
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _=False, at=at: self.written.setCurrentIndex(at))
            menu.aboutToShow.connect(
                lambda action=action, at=at: action.setChecked(self.written.currentIndex() == at)
            )
        return menu

    def show_count(self, count: int | None) -> None:
        """How many boundaries are not shared; None where there is nothing to compare."""
        self._count = count
        for part in (self.back, self.forward):
            part.setEnabled(bool(count))
        if count is None:
            self.count.setText("")
        else:
            self.count.setText(
                f"{count:,}" if self._level > 0 else f"{count:,} disagreement{'s' if count != 1 else ''}"
            )

    def state(self) -> dict:
        return {
            "mode": self.MODES[self.mode.index()],
            "show": self.SHOWS[self.show_as.index()],
            "marks": self.marks.isChecked(),
            "special": self.special.isChecked(),
            "written": self.how_written(),
        }

    def restore(self, state: dict) -> None:
        """Values that mean nothing are left out."""
        if state.get("mode") in self.MODES:
            self.mode.set_index(self.MODES.index(state["mode"]))
        if state.get("show") in self.SHOWS:
            self.show_as.set_index(self.SHOWS.index(state["show"]))
        self.marks.setChecked(bool(state.get("marks", True)))
        self.special.setChecked(bool(state.get("special", False)))
        if state.get("written") in self.WRITTEN:
            self.written.setCurrentIndex(self.WRITTEN.index(state["written"]))

    def how_written(self) -> str:
        return self.WRITTEN[max(0, self.written.currentIndex())]

    def toggle_show(self, show: str) -> None:
        """This, or the text again."""
        at = self.SHOWS.index(show)
        self.show_as.set_index(0 if self.show_as.index() == at else at)

    def toggle_mode(self, mode: str) -> None:
        """This, or every token."""
        at = self.MODES.index(mode)
        self.mode.set_index(1 if self.mode.index() == at else at)
