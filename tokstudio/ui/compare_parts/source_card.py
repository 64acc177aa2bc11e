"""What is translated: a text, or ids of the source tokenizer."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QFrame, QVBoxLayout

from tokstudio.ui.panes.ends_button import EndsButton
from tokstudio.ui.panes.escapes import escaped
from tokstudio.ui.panes.line_ends import LF, NAMES, converted, name_of
from tokstudio.ui.panes.text_edit import TextEdit, text_of
from tokstudio.ui.widgets.basic import hline, label, row, segmented, tool

KINDS = ("text", "escapes", "ids")
PLACEHOLDERS = {
    "text": "Type or paste a text, or drop a file.",
    "escapes": "Type or paste a text with escapes, for example a\\tb\\r\\n, \\x1b, \\u00e9.",
    "ids": "Ids of the source, for example 9906, 11, 856",
}


class SourceCard(QFrame):
    """Keeps a text, written plainly or with escapes, and a list of ids; one of them is in front. Places are bytes of
    the text."""

    changed = Signal()
    hovered = Signal(int, int)  # byte range; -1, -1: nothing
    open_asked = Signal()
    file_dropped = Signal(str)

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "card")
        self.kind = "text"
        self._own = "text"  # which spelling a person wrote last
        self.edit = TextEdit()
        self.edit.setAccessibleName("What is translated")
        self._documents = {kind: self.edit.new_document(self) for kind in KINDS}
        self.edit.setDocument(self._documents["text"])
        self.switch = segmented(("Text", "Escapes", "Ids"), 0, "What is translated")
        self.length = label("0 bytes", "caption", "muted")
        self.ends = EndsButton()
        self._build()
        self.switch.changed.connect(lambda number: self.set_kind(KINDS[number]))
        self.edit.textChanged.connect(self._changed)
        self.edit.pointed.connect(self._pointed)
        self.edit.file_dropped.connect(self.file_dropped)
        self.ends.chosen.connect(self.convert_ends)

    def _build(self) -> None:
        opener, copy = tool("folder", "Open a text file"), tool("copy", "Copy the text")
        opener.clicked.connect(self.open_asked)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        self._head = row(self.switch, None, opener, copy, margins=(5, 0, 6, 0), spacing=2)
        self._head.setFixedHeight(39)
        self._foot, self._foot_line = row(self.length, None, self.ends, margins=(11, 0, 7, 0)), hline()
        self._foot.setFixedHeight(28)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        for part in (self._head, hline(), self.edit, self._foot_line, self._foot):
            layout.addWidget(part)

    def set_compact(self, compact: bool) -> None:
        """Low: the figures go into the header."""
        for part in (self._foot, self._foot_line):
            part.setVisible(not compact)
        for at, (figure, before) in enumerate(((self.length, 0), (self.ends, 2))):
            (self._head if compact else self._foot).layout().insertWidget(
                2 + at if compact else before, figure
            )

    # ---- text

    @property
    def reads(self) -> str:
        """What `text` is: "text" or "ids"."""
        return "ids" if self.kind == "ids" else "text"

    def text(self) -> str:
        return self.edit.raw_text()

    def set_kind(self, kind: str) -> None:
        """ "text", "escapes" (of the same text) or "ids"; text and ids keep what was written."""
        if kind == self.kind:
            return
        self.edit.filling.finish()
        own = self._own_text()
        self.kind = kind
        self.switch.set_index(KINDS.index(kind))
        self.edit.escapes = kind == "escapes"
        self.edit.setDocument(self._documents[kind])
        self.edit.setPlaceholderText(PLACEHOLDERS[kind])
        self.ends.setEnabled(kind != "ids")
        if kind != "ids":
            self._own = kind
            self._write(own)
        self._changed()

    def _own_text(self) -> str:
        """The text, also while ids are in front."""
        return text_of(self._documents[self._own], self._own == "escapes")

    def set_text(self, text: str, kind: str = "text") -> None:
        """Replaces the text, in the spelling that is in front, or the ids; undo brings it back."""
        if (kind == "ids") != (self.kind == "ids"):
            self.set_kind("ids" if kind == "ids" else self._own)
        self._write(text)

    def _write(self, text: str) -> None:
        self.edit.filling.finish()
        if text == self.text():
            return
        cursor = self.edit.textCursor()
        cursor.select(QTextCursor.Document)
        self.edit.put(cursor, escaped(text) if self.kind == "escapes" else text)
        self.edit.filling.finish()
        self.edit.moveCursor(QTextCursor.Start)

    def convert_ends(self, kind: int) -> None:
        """All line ends become LF (0), CRLF (1) or CR (2); one step of undo."""
        if self.kind == "escapes":
            self._write(converted(self.text(), kind))
        elif self.kind == "text":
            self.edit.ends.convert(kind)

    def _changed(self) -> None:
        if self.edit.filling.busy:  # comes once all of it is there
            return
        text = self.edit.renew()
        self.ends.show_name((name_of(text) or NAMES[LF]) if self.edit.escapes else self.edit.ends.name())
        size = len(text.encode("utf-8", "surrogatepass"))
        self.length.setText("" if self.kind == "ids" else f"{size:,} byte{'s' if size != 1 else ''}")
        self.changed.emit()

    def focus(self) -> None:
        self.edit.setFocus(Qt.OtherFocusReason)

    # ---- marks

    def highlight(self, start: int, stop: int) -> None:
        """Bytes under the pointer somewhere; below 0: none."""
        if self.kind != "ids":
            self.edit.highlight(start, stop)

    def mark(self, start: int, stop: int) -> None:
        """The chosen place; below 0: none."""
        if self.kind != "ids":
            self.edit.mark(start, stop)

    def reveal(self, start: int) -> None:
        """Scrolls to a byte and leaves the cursor there."""
        if self.kind != "ids":
            self.edit.reveal(start)
            self.edit.ensureCursorVisible()

    def _pointed(self, position: int) -> None:
        if position < 0 or self.kind == "ids":
            self.hovered.emit(-1, -1)
            return
        start = self.edit.offsets.offset(position)
        self.hovered.emit(start, start + 1)
