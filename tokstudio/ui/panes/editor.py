"""The shared text: a plain editor with undo, marks for what is hovered and selected, places in bytes."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from tokstudio.errors import TokstudioError
from tokstudio.ui.panes.ends_button import EndsButton
from tokstudio.ui.panes.escapes import escaped
from tokstudio.ui.panes.find_bar import FindBar
from tokstudio.ui.panes.line_ends import LF, NAMES, converted, name_of
from tokstudio.ui.panes.pager import Pager
from tokstudio.ui.panes.text_edit import TextEdit, text_of
from tokstudio.ui.widgets.basic import hline, label, row, segmented, tool
from tokstudio.ui.widgets.problem import Problem

if TYPE_CHECKING:  # made when they are first chosen: both would cost the start
    from tokstudio.tokens.chat import Rendered
    from tokstudio.ui.panes.chat_editor import ChatEditor
    from tokstudio.ui.panes.ids_editor import IdsEditor, Reading

SOURCES = ("text", "escapes", "chat", "ids")
WRITTEN = ("text", "escapes")  # two spellings of one text, which a person writes
LEAST, LEAST_MADE = 112, 240  # height; the latter with a chat or ids, above the panes
PLACEHOLDERS = {
    "text": "Type or paste a text, or drop a file.",
    "escapes": "Type or paste a text with escapes, for example a\\tb\\r\\n, \\x1b, \\u00e9.",
    "chat": "Here the rendered chat will show.",
    "ids": "Here the text of the ids will show.",
}


class TextCard(QFrame):
    """What the panes show comes from here: a text, plain or with escapes, a chat through its template, or ids. Each
    keeps what was written when another is chosen; the two latter show their text below, to read only."""

    changed = Signal(str)
    source_changed = Signal(str)
    edited = Signal()  # a chat's messages
    hovered = Signal(int, int)  # byte range; -1, -1: nothing
    selected = Signal(int, int)
    open_asked = Signal()
    file_dropped = Signal(str)

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "card")
        self.edit = TextEdit()
        self.problem = Problem()
        self.size = label("0 bytes", "caption", "muted")
        self.place = label("Ln 1, Col 1", "caption", "muted")
        self.ends = EndsButton()
        self.source, self._compact, self._from_start = "text", False, False
        self._own = "text"  # which spelling a person wrote last
        self.switch = segmented([name.title() for name in SOURCES], 0, "What is tokenized")
        self._chat: ChatEditor | None = None
        self._ids: IdsEditor | None = None
        self._chat_state: dict = {}
        self._documents = {source: self.edit.new_document(self) for source in SOURCES}
        self.edit.setDocument(self._documents["text"])
        self._build()
        self.switch.changed.connect(lambda number: self.set_source(SOURCES[number]))
        self.ends.chosen.connect(self.convert_ends)
        self.edit.textChanged.connect(self._changed)
        self.edit.cursorPositionChanged.connect(self._moved)
        self.edit.selectionChanged.connect(self._select_later)
        self.edit.pointed.connect(self._pointed)
        self.edit.file_dropped.connect(self.file_dropped)
        self._pick = QTimer(self, interval=80, singleShot=True)
        self._pick.timeout.connect(self._selection)

    def _build(self) -> None:
        opener, copy = tool("folder", "Open a text file (Ctrl+O)"), tool("copy", "Copy the text")
        opener.clicked.connect(self.open_asked)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        self.samples_button = tool("vocabulary", "Sample texts and recent files")
        self._opener = opener
        self._head = row(
            self.switch, None, self.samples_button, opener, copy, margins=(5, 0, 6, 0), spacing=0
        )
        self._head.setFixedHeight(39)
        self._foot = row(self.size, None, self.ends, self.place, margins=(11, 0, 11, 0), spacing=6)
        self._foot.setFixedHeight(28)
        self._foot_line = hline()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        self._split = QSplitter(Qt.Vertical)
        self._split.setHandleWidth(5)
        self._split.setChildrenCollapsible(False)
        self._split.addWidget(self.edit)
        self.pager = Pager()
        self.find = FindBar()
        for part in (
            self._head,
            hline(),
            self.find,
            self.pager,
            self.problem,
            self._split,
            self._foot_line,
            self._foot,
        ):
            layout.addWidget(part, 1 if part is self._split else 0)
        self.problem.setProperty("frame", "plain")

    def least_width(self) -> int:
        """Pixels that the header takes with none of its words cut."""
        return self._head.sizeHint().width() + 2

    def set_compact(self, compact: bool) -> None:
        """Low, above the panes: the figures go into the header, and what makes the text stands beside it."""
        self._compact = compact
        self._fit_source()
        self._head.setFixedHeight(31 if compact else 39)
        self._head.layout().setSpacing(12 if compact else 0)
        for widget in (self._foot, self._foot_line):
            widget.setVisible(not compact)
        for at, figure in ((2, self.size), (3, self.ends), (4, self.place)):
            if compact:
                self._head.layout().insertWidget(at, figure)
        if not compact:
            self._foot.layout().insertWidget(0, self.size)
            for figure in (self.ends, self.place):
                self._foot.layout().addWidget(figure)

    # ---- source

    @property
    def chat(self) -> "ChatEditor":
        if self._chat is None:
            from tokstudio.ui.panes.chat_editor import ChatEditor

            self._chat = ChatEditor()
            self._chat.restore(self._chat_state)
            self._chat.rendered.connect(self._rendered)
            self._chat.edited.connect(self.edited)
            self._put(self._chat)
        return self._chat

    @property
    def ids(self) -> "IdsEditor":
        if self._ids is None:
            from tokstudio.ui.panes.ids_editor import IdsEditor

            self._ids = IdsEditor()
            self._ids.read.connect(self._read)
            self._put(self._ids)
        return self._ids

    def _put(self, part: QWidget) -> None:
        part.hide()
        self._split.insertWidget(0, part)
        for at in range(self._split.count()):
            self._split.setStretchFactor(at, 1)

    def chat_state(self) -> dict:
        return self._chat.state() if self._chat is not None else self._chat_state

    def restore_chat(self, state: dict) -> None:
        self._chat_state = state

    def set_source(self, source: str) -> None:
        """ "text", "escapes", "chat" or "ids"."""
        if source == self.source:
            return
        self.edit.filling.finish()
        own = self.own_text()
        self.source = source
        self.switch.set_index(SOURCES.index(source))
        if source not in WRITTEN:
            (self.chat if source == "chat" else self.ids).show()
        for part, name in ((self._chat, "chat"), (self._ids, "ids")):
            if part is not None:
                part.setVisible(source == name)
        for part in (self._opener, self.samples_button):
            part.setEnabled(source in WRITTEN)
        self._fit_source()
        self.lock()
        self.edit.escapes = source == "escapes"
        self.edit.setDocument(self._documents[source])
        self.edit.setPlaceholderText(PLACEHOLDERS[source])
        if source in WRITTEN:
            self._own = source
            self._write(own)
        self.source_changed.emit(source)
        self._changed()
        if source == "chat":
            self.chat.render_now()
        elif source == "ids":
            self.ids.read_now()

    def _fit_source(self) -> None:
        self._split.setOrientation(Qt.Horizontal if self._compact else Qt.Vertical)
        self.setMinimumHeight(LEAST_MADE if self._compact and self.source != "text" else LEAST)

    def _rendered(self, result: "Rendered") -> None:
        if self.source == "chat":
            self._show_made(result.text)

    def _read(self, result: "Reading") -> None:
        if self.source == "ids":
            self._show_made(result.text.decode(errors="replace"))

    def _show_made(self, text: str) -> None:
        """The text that a chat or ids give; also where it is the same: the layer of a chat may be another."""
        if text == self.text():
            self._changed()
        else:
            self.show_text(text)

    def show_text(self, text: str) -> None:
        """All of the text, without undo."""
        self.edit.setPlainText(escaped(text) if self.source == "escapes" else text)

    # ---- text

    def text(self) -> str:
        return self.edit.raw_text()

    def own_text(self) -> str:
        """The text that a person wrote, also while a chat or ids are in front."""
        return text_of(self._documents[self._own], self._own == "escapes")

    def set_text(self, text: str) -> None:
        """Replaces the whole text; one step of undo brings the old one back."""
        if self.source not in WRITTEN:
            self.set_source(self._own)
        self.edit.filling.finish()
        self._write(text)

    def _write(self, text: str) -> None:
        if text == self.text():
            return
        cursor = self.edit.textCursor()
        cursor.select(QTextCursor.Document)
        self._from_start = True
        self.edit.put(cursor, escaped(text) if self.source == "escapes" else text)
        if not self.edit.filling.busy:
            self._to_start()

    def lock(self) -> None:
        """What is made, and pages of a file, are to be read only."""
        locked = self.source not in WRITTEN or not self.pager.isHidden()
        self.edit.setReadOnly(locked)
        self.ends.setEnabled(not locked)

    def convert_ends(self, kind: int) -> None:
        """All line ends become LF (0), CRLF (1) or CR (2); one step of undo."""
        self.edit.filling.finish()
        if not self.ends.isEnabled():
            return
        if self.source == "escapes":
            self._write(converted(self.text(), kind))
        else:
            self.edit.ends.convert(kind)

    def _to_start(self) -> None:
        self._from_start = False
        cursor = self.edit.textCursor()
        cursor.movePosition(QTextCursor.Start)
        self.edit.setTextCursor(cursor)

    def show_problem(self, error: TokstudioError | None) -> None:
        if error is None:
            self.problem.clear()
        else:
            self.problem.show_error(error)

    def _changed(self) -> None:
        if self.edit.filling.busy:  # comes once all of it is there
            return
        if self._from_start:
            self._to_start()
        text = self.edit.renew()
        self.ends.show_name((name_of(text) or NAMES[LF]) if self.edit.escapes else self.edit.ends.name())
        size = len(text.encode("utf-8", "surrogatepass"))
        self.size.setText(f"{size:,} byte{'s' if size != 1 else ''}")
        self.changed.emit(text)

    def _moved(self) -> None:
        cursor = self.edit.textCursor()
        self.place.setText(f"Ln {cursor.blockNumber() + 1:,}, Col {cursor.positionInBlock() + 1:,}")

    # ---- marks and pointer

    def highlight(self, start: int, stop: int) -> None:
        self.edit.highlight(start, stop)

    def mark(self, start: int, stop: int) -> None:
        self.edit.mark(start, stop)

    def reveal(self, start: int) -> None:
        self.edit.reveal(start)

    def _pointed(self, position: int) -> None:
        if position < 0:
            self.hovered.emit(-1, -1)
            return
        start = self.edit.offsets.offset(position)
        self.hovered.emit(start, start + 1)

    def _select_later(self) -> None:
        if not self.edit.quiet:
            self._pick.start()

    def _selection(self) -> None:
        cursor = self.edit.textCursor()
        start, stop = cursor.selectionStart(), cursor.selectionEnd()
        if start < stop and stop - start < self.edit.document().characterCount() - 1:
            self.selected.emit(self.edit.offsets.offset(start), self.edit.offsets.end_offset(stop))

    def close_down(self) -> None:
        if self._chat is not None:
            self._chat.close_down()

    def focus(self) -> None:
        self.edit.setFocus(Qt.OtherFocusReason)
