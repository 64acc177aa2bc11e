"""What is translated: a text, or ids of the source tokenizer."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QTextEdit, QVBoxLayout

from tokstudio.ui import theme
from tokstudio.ui.panes.editor import TextEdit
from tokstudio.ui.panes.offsets import Offsets
from tokstudio.ui.widgets.basic import hline, label, row, segmented, tool

KINDS = ("text", "ids")
PLACEHOLDERS = {
    "text": "Type or paste a text, or drop a file.",
    "ids": "Ids of the source, for example 9906, 11, 856",
}


class SourceCard(QFrame):
    """Keeps a text and a list of ids; one of them is in front. Places are bytes of the text."""

    changed = Signal()
    hovered = Signal(int, int)  # byte range; -1, -1: nothing
    open_asked = Signal()
    file_dropped = Signal(str)

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "card")
        self.kind = "text"
        self._kept = {"text": "", "ids": ""}
        self._offsets = Offsets("")
        self._hover: tuple[int, int] | None = None
        self._marked: tuple[int, int] | None = None
        self.edit = TextEdit()
        self.edit.setAccessibleName("What is translated")
        self.switch = segmented(("Text", "Ids"), 0, "What is translated")
        self.length = label("0 bytes", "caption", "muted")
        self._build()
        self.switch.changed.connect(lambda number: self.set_kind(KINDS[number]))
        self.edit.textChanged.connect(self._changed)
        self.edit.pointed.connect(self._pointed)
        self.edit.file_dropped.connect(self.file_dropped)
        theme.changed.connect(self._mark)

    def _build(self) -> None:
        opener, copy = tool("folder", "Open a text file"), tool("copy", "Copy the text")
        opener.clicked.connect(self.open_asked)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        head = row(self.switch, None, self.length, opener, copy, margins=(5, 0, 6, 0), spacing=2)
        head.setFixedHeight(39)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        for part in (head, hline(), self.edit):
            layout.addWidget(part)

    # ---- text

    def text(self) -> str:
        return self.edit.raw_text()

    def set_kind(self, kind: str) -> None:
        """ "text" or "ids"; each keeps what was written."""
        if kind == self.kind:
            return
        self._kept[self.kind], self.kind = self.text(), kind
        self.switch.set_index(KINDS.index(kind))
        self.edit.setPlaceholderText(PLACEHOLDERS[kind])
        self._replace(self._kept[kind])
        self._changed()

    def set_text(self, text: str, kind: str = "text") -> None:
        """Replaces what stands there; undo brings it back where the kind is the same."""
        self.set_kind(kind)
        if text != self.text():
            self._replace(text)

    def _replace(self, text: str) -> None:
        cursor = self.edit.textCursor()
        cursor.select(QTextCursor.Document)
        cursor.insertText(text)
        cursor.movePosition(QTextCursor.Start)
        self.edit.setTextCursor(cursor)

    def _changed(self) -> None:
        text = self.text()
        self._offsets = Offsets(text)
        self._hover = self._marked = None
        self._mark()
        size = len(text.encode("utf-8", "surrogatepass"))
        self.length.setText("" if self.kind == "ids" else f"{size:,} byte{'s' if size != 1 else ''}")
        self.changed.emit()

    def focus(self) -> None:
        self.edit.setFocus(Qt.OtherFocusReason)

    # ---- marks

    def highlight(self, start: int, stop: int) -> None:
        """Bytes under the pointer somewhere; below 0: none."""
        self._hover = (start, stop) if start >= 0 and self.kind == "text" else None
        self._mark()

    def mark(self, start: int, stop: int) -> None:
        """The chosen place; below 0: none."""
        self._marked = (start, stop) if start >= 0 and self.kind == "text" else None
        self._mark()

    def reveal(self, start: int) -> None:
        """Scrolls to a byte and leaves the cursor there."""
        if self.kind == "text":
            cursor = self.edit.textCursor()
            cursor.setPosition(self._offsets.position(start))
            self.edit.setTextCursor(cursor)
            self.edit.ensureCursorVisible()

    def _mark(self) -> None:
        spans = ((self._marked, True), (self._hover, False))
        self.edit.setExtraSelections([self._extra(span, strong) for span, strong in spans if span])

    def _extra(self, span: tuple[int, int], strong: bool) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.edit.document())
        last = self.edit.document().characterCount() - 1
        cursor.setPosition(min(last, self._offsets.position(span[0])))
        cursor.setPosition(min(last, self._offsets.end_position(span[1])), QTextCursor.KeepAnchor)
        look = QTextCharFormat()
        look.setBackground(theme.color("accent_soft"))
        if strong:
            look.setForeground(theme.color("accent"))
            look.setUnderlineStyle(QTextCharFormat.SingleUnderline)
            look.setUnderlineColor(theme.color("accent"))
        made.cursor, made.format = cursor, look
        return made

    def _pointed(self, position: int) -> None:
        if position < 0 or self.kind != "text":
            self.hovered.emit(-1, -1)
            return
        start = self._offsets.offset(position)
        self.hovered.emit(start, start + 1)
