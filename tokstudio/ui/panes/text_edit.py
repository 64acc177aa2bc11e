"""The editor of the shared text: files dropped on it are opened, and bytes can be marked and shown."""

from PySide6.QtCore import QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QTextCharFormat, QTextCursor, QTextDocument, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextDocumentLayout, QPlainTextEdit, QTextEdit

from tokstudio.ui import theme
from tokstudio.ui.panes.escapes import meant, widths, with_breaks_escaped
from tokstudio.ui.panes.line_ends import LineEnds, insert, split
from tokstudio.ui.panes.long_text import LONG, LongText
from tokstudio.ui.panes.offsets import Offsets

LONGEST_RUN = 4_000  # characters without a space


def text_of(document: QTextDocument, escapes: bool) -> str:
    """What a document of an editor stands for."""
    written = LineEnds.of(document).text()
    return meant(written) if escapes else written


def has_run(text: str) -> bool:
    return len(text) > LONGEST_RUN and max(map(len, text.split()), default=0) > LONGEST_RUN


class TextEdit(QPlainTextEdit):
    """Files dropped on it are opened, not pasted as their names."""

    file_dropped = Signal(str)
    pointed = Signal(int)  # position under the pointer, -1: none

    def __init__(self):
        super().__init__()
        self.setProperty("bare", "1")
        self.setFrameShape(QFrame.NoFrame)
        self.document().setDocumentMargin(11)
        self.setAccessibleName("Text to tokenize")
        self.setPlaceholderText("Type or paste a text, or drop a file.")
        self.setTabChangesFocus(False)
        self.viewport().setMouseTracking(True)
        self.setCursorWidth(2)
        theme.set_font(self, "mono")
        self.offsets = Offsets("")  # of the text as it is; whoever listens to `textChanged` sets it
        self.quiet = False  # the cursor moves by itself
        self.escapes = False  # is what stands here a spelling of the text?
        self.ends = LineEnds.of(self.document())
        self.filling = LongText(self)
        self.filling.done.connect(self._filled)
        self._locked = False
        self.document().contentsChange.connect(self._fit_wrap)
        self._hover: tuple[int, int] | None = None
        self._marked: tuple[int, int] | None = None
        self._wrong: list[tuple[int, int]] = []
        theme.changed.connect(self._mark)

    def keyPressEvent(self, event) -> None:
        """Tab is text here; with Ctrl it goes on to the next control, with Shift, too, to the one before."""
        if event.key() in (Qt.Key_Tab, Qt.Key_Backtab) and event.modifiers() & Qt.ControlModifier:
            self.window().focusNextPrevChild(event.key() == Qt.Key_Tab)
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() or source.hasUrls()

    def insertFromMimeData(self, source: QMimeData) -> None:
        files = [url.toLocalFile() for url in source.urls() if url.isLocalFile()]
        if files:
            self.file_dropped.emit(files[0])
        else:
            self._paste(source.text() if source.hasText() else "")

    def _paste(self, text: str) -> None:
        """With its own line ends; those of a text that has LF alone are as around it."""
        if not self.isReadOnly():
            self.put(self.textCursor(), with_breaks_escaped(text) if self.escapes else text)
            self.ensureCursorVisible()

    def createMimeDataFromSelection(self) -> QMimeData:
        cursor, made = self.textCursor(), QMimeData()
        made.setText(self.ends.text(cursor.selectionStart(), cursor.selectionEnd()))
        return made

    def put(self, cursor: QTextCursor, text: str) -> None:
        """`text` in place of what `cursor` has selected; a long one by and by, while nothing can be typed."""
        last = self.document().characterCount() - 1
        whole = cursor.selectionEnd() - cursor.selectionStart() == last
        text, kinds = split(text)
        if kinds is not None:
            self.ends.watch()
        if len(text) < LONG and last < LONG:
            cursor.beginEditBlock()
            if whole:
                cursor.removeSelectedText()
                self.ends.begin(cursor, kinds)
            insert(cursor, text, kinds)
            cursor.endEditBlock()
            return
        self._locked = self.isReadOnly() if not self.filling.busy else self._locked
        self.filling.start(cursor, text, kinds, self.ends if whole else None)
        self.setReadOnly(True)

    def setPlainText(self, text: str) -> None:
        """All of the text, without undo."""
        if split(text)[1] is None:
            self.ends.forget()
            super().setPlainText(text)
            return
        document, cursor = self.document(), QTextCursor(self.document())
        document.setUndoRedoEnabled(False)
        cursor.select(QTextCursor.Document)
        self.put(cursor, text)
        self.filling.finish()
        document.setUndoRedoEnabled(True)
        self.moveCursor(QTextCursor.Start)

    def _filled(self) -> None:
        self.setReadOnly(self._locked)
        if self.wordWrapMode() == QTextOption.WrapAnywhere:
            self._wrap_at_words()
        self.textChanged.emit()

    def new_document(self, owner: QObject) -> QTextDocument:
        """A text with an undo of its own, to be set in turn with others. `owner`: an editor deletes its own document
        when it gets another one."""
        made = QTextDocument(owner)
        made.setDocumentLayout(QPlainTextDocumentLayout(made))
        made.setDefaultFont(self.font())
        made.setDocumentMargin(11)
        return made

    def setDocument(self, document: QTextDocument) -> None:
        self.filling.finish()
        if (before := self.document()) is not None and before is not document:
            before.contentsChange.disconnect(self._fit_wrap)
        super().setDocument(document)
        self.ends = LineEnds.of(document)
        document.contentsChange.connect(self._fit_wrap)
        self._fit_wrap(0, 0, document.characterCount())

    def _fit_wrap(self, at: int, removed: int, added: int) -> None:
        """Comes before the layout of a change. With a run of characters that holds no space, Qt's wrapping at
        words takes time by the square of its length (a megabyte: a minute); wrapping anywhere does not."""
        anywhere = self.wordWrapMode() == QTextOption.WrapAnywhere
        if added > LONGEST_RUN and not anywhere:
            cursor = QTextCursor(self.document())
            last = self.document().characterCount() - 1
            cursor.setPosition(min(at, last))
            cursor.setPosition(min(at + added, last), QTextCursor.KeepAnchor)
            if has_run(cursor.selectedText()):
                self.setWordWrapMode(QTextOption.WrapAnywhere)
        elif anywhere and not self.filling.busy and max(removed, added) > LONGEST_RUN:
            self._wrap_at_words()

    def _wrap_at_words(self) -> None:
        """Again, once no run is left."""
        if not has_run(self.document().toRawText()):
            self.setWordWrapMode(QTextOption.WrapAtWordBoundaryOrAnywhere)

    def raw_text(self) -> str:
        """As meant: unlike `toPlainText`, with its own line ends and no-break spaces."""
        return text_of(self.document(), self.escapes)

    def mouseMoveEvent(self, event) -> None:
        super().mouseMoveEvent(event)
        if not event.buttons():
            cursor = self.cursorForPosition(event.position().toPoint())
            near = self.cursorRect(cursor).adjusted(-12, -2, 12, 2).contains(event.position().toPoint())
            self.pointed.emit(cursor.position() if near else -1)

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.pointed.emit(-1)

    def renew(self) -> str:
        """The text, which is another one: marks are gone, places are counted anew."""
        text = self.raw_text()
        if self.escapes:
            written = LineEnds.of(self.document()).text()
            units = (lambda _points: widths(written)) if written != text else None
        else:
            units = self.ends.units()
        self.offsets = Offsets(text, units)
        self._hover = self._marked = None
        self._wrong = []
        self._mark()
        return text

    # ---- marks

    def highlight(self, start: int, stop: int) -> None:
        """Bytes under the pointer somewhere; below 0: none."""
        wanted = (start, stop) if start >= 0 else None
        if wanted != self._hover:
            self._hover = wanted
            self._mark()

    def mark(self, start: int, stop: int) -> None:
        """The selected span; below 0: none."""
        self._marked = (start, stop) if start >= 0 else None
        self._mark()

    def mark_wrong(self, spans: list[tuple[int, int]]) -> None:
        """Bytes that a tokenizer refuses."""
        if spans != self._wrong:
            self._wrong = spans
            self._mark()

    def reveal(self, start: int) -> None:
        """Scrolls to a byte and leaves the cursor there, without a selection."""
        cursor = self.textCursor()
        cursor.setPosition(self.offsets.position(start))
        self.quiet = True
        self.setTextCursor(cursor)
        self.quiet = False

    def _mark(self) -> None:
        marks = [
            self._extra(span, strong) for span, strong in ((self._marked, True), (self._hover, False)) if span
        ]
        self.setExtraSelections([*marks, *map(self._wave, self._wrong)])

    def _wave(self, span: tuple[int, int]) -> QTextEdit.ExtraSelection:
        look = QTextCharFormat()
        look.setUnderlineStyle(QTextCharFormat.WaveUnderline)
        look.setUnderlineColor(theme.color("danger"))
        return self._selection_of(span, look)

    def _selection_of(self, span: tuple[int, int], look: QTextCharFormat) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.document())
        last = self.document().characterCount() - 1
        cursor.setPosition(min(last, self.offsets.position(span[0])))
        cursor.setPosition(min(last, self.offsets.end_position(span[1])), QTextCursor.KeepAnchor)
        made.cursor, made.format = cursor, look
        return made

    def _extra(self, span: tuple[int, int], strong: bool) -> QTextEdit.ExtraSelection:
        look = QTextCharFormat()
        look.setBackground(theme.color("accent_soft"))
        if strong:
            look.setForeground(theme.color("accent"))
            look.setUnderlineStyle(QTextCharFormat.SingleUnderline)
            look.setUnderlineColor(theme.color("accent"))
        return self._selection_of(span, look)
