"""The switches of Compare: what color says, what a chip shows, marks, special tokens, disagreements."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import check, combo, eliding, row, segmented, tool


class Toolbar(QWidget):
    changed = Signal()
    previous = Signal()
    next = Signal()

    MODES = ("disagreement", "every", "plain")
    SHOWS = ("text", "ids", "bytes")
    WRITTEN = ("text", "parse", "forbid")
    WORDS = ("Specials as text", "Specials parsed", "Specials forbidden")
    SHORT_WORDS = ("As text", "Parsed", "Forbidden")

    def __init__(self):
        super().__init__()
        self.mode = segmented(("Disagreement", "Every token", "Plain"), 0, "What color shows")
        self.show_as = segmented(("Text", "Ids", "Bytes"), 0, "What a token shows")
        self.marks = check("Whitespace marks", True)
        self.special = check("BOS and EOS")
        self.special.setToolTip("Add the tokens that a model expects around a text, such as <s> or [CLS]")
        self.written = combo(self.WORDS, "Special tokens that are written in the text")
        self.written.setToolTip(
            "Special tokens that are written out in the text: text, their ids, or an error"
        )
        self.written.setFixedHeight(30)
        self.count = eliding("", "small", "text2")
        self.back = tool("chevron-up", "Previous disagreement (Shift+F8)")
        self.forward = tool("chevron-down", "Next disagreement (F8)")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.mode, self.show_as):
            layout.addWidget(part)
        layout.addSpacing(4)
        for part in (self.marks, self.special, self.written):
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
        self._narrow = False
        self._count: int | None = None
        self.set_narrow(False)
        self.show_count(None)

    def set_narrow(self, narrow: bool) -> None:
        """Short words where there is little room."""
        self._narrow = narrow
        self.marks.setText("Marks" if narrow else "Whitespace marks")
        self.special.setText("Ends" if narrow else "BOS and EOS")
        for at, words in enumerate(self.SHORT_WORDS if narrow else self.WORDS):
            self.written.setItemText(at, words)
        self.written.setFixedWidth(theme.px(100 if narrow else 158))
        self.show_count(self._count)

    def show_count(self, count: int | None) -> None:
        """How many boundaries are not shared; None where there is nothing to compare."""
        self._count = count
        for part in (self.back, self.forward):
            part.setEnabled(bool(count))
        if count is None:
            self.count.setText("")
        else:
            self.count.setText(
                f"{count:,}" if self._narrow else f"{count:,} disagreement{'s' if count != 1 else ''}"
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
