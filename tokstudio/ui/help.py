"""Help inside the window: one page for each page, first steps, the keyboard; to search through all of them."""

import re
from functools import cache

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QFrame, QLineEdit, QListWidget, QTextBrowser, QVBoxLayout, QWidget

from tokstudio.paths import resource
from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import button, col, label, row

TOPICS = ("start", "compare", "vocabulary", "embeddings", "model", "transfer", "runs", "keys")
SIZE = (860, 600)


@cache
def text_of(topic: str) -> str:
    """Markdown."""
    return resource(f"help/{topic}.md").read_text(encoding="utf-8")


def title_of(topic: str) -> str:
    return text_of(topic).partition("\n")[0].removeprefix("# ")


def found(words: str) -> list[str]:
    """Topics that hold all `words`, those that are named so first; all topics without words."""
    wanted = words.lower().split()
    plain = {topic: re.sub(r"[*`#]", "", text_of(topic)).lower() for topic in TOPICS}
    kept = [topic for topic in TOPICS if all(word in plain[topic] for word in wanted)]
    return sorted(kept, key=lambda topic: not all(w in title_of(topic).lower() for w in wanted))


def _space(document: QTextDocument) -> None:
    """Headings of the type scale, and air above them: Qt's are twice the size of the text, without any."""
    block = document.begin()
    while block.isValid():
        level, look = block.blockFormat().headingLevel(), block.blockFormat()
        cursor = QTextCursor(block)
        look.setTopMargin((0 if level == 1 else 14) if level else 0)
        look.setBottomMargin(6 if level else 4)
        cursor.setBlockFormat(look)
        if level:
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            large = QTextCharFormat()
            large.setFont(theme.font("display" if level == 1 else "title"))
            cursor.mergeCharFormat(large)
        block = block.next()


class HelpDialog(QDialog):
    """Stays beside the window while one works."""

    hints_asked = Signal()

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.setWindowTitle("Help")
        self.resize(*SIZE)
        self.setMinimumSize(480, 320)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Search the help")
        self.field.setAccessibleName("Search the help")
        self.field.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Help pages")
        self.list.setProperty("bare", "1")
        self.list.setFrameShape(QFrame.NoFrame)
        self.none = label("Nothing has these words.", "small", "muted", wrap=True)
        self.page = QTextBrowser()
        self.page.setAccessibleName("Help page")
        self.page.setTabChangesFocus(True)
        self.page.setOpenLinks(False)
        for part in (self.field, self.list, self.page):
            theme.set_font(part, "body")
        again, close = button("Show the first steps again", "refresh"), button("Close")
        again.clicked.connect(self.hints_asked)
        close.clicked.connect(self.close)
        side = col(self.field, self.none, (self.list, 1))
        side.setFixedWidth(220)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(12)
        layout.addWidget(row(side, (self.page, 1), spacing=12), 1)
        layout.addWidget(row(again, None, close))
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list.currentRowChanged.connect(self._show)
        self._topics: list[str] = []
        self._search("")
        theme.changed.connect(self._restyle)

    def open_at(self, topic: str) -> None:
        self.field.clear()
        self.list.setCurrentRow(self._topics.index(topic if topic in TOPICS else "start"))
        self.show()
        self.raise_()
        self.activateWindow()
        self.field.setFocus(Qt.OtherFocusReason)

    @property
    def topic(self) -> str:
        at = self.list.currentRow()
        return self._topics[at] if 0 <= at < len(self._topics) else ""

    def _search(self, words: str) -> None:
        before, self._topics = self.topic, found(words)
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems([title_of(topic) for topic in self._topics])
        self.list.blockSignals(False)
        self.none.setVisible(not self._topics)
        if self._topics:
            self.list.setCurrentRow(0 if words or before not in self._topics else self._topics.index(before))
        self._mark(words)

    def _show(self, at: int) -> None:
        if 0 <= at < len(self._topics):
            document = self.page.document()
            document.setDefaultFont(theme.font("body"))
            self.page.setMarkdown(text_of(self._topics[at]))
            _space(document)
            self._mark(self.field.text())

    def _mark(self, words: str) -> None:
        """The first place of the longest word, selected."""
        self.page.moveCursor(self.page.textCursor().MoveOperation.Start)
        if longest := max(words.split(), key=len, default=""):
            self.page.find(longest, QTextDocument.FindFlags())

    def _restyle(self) -> None:
        self._show(self.list.currentRow())

    def eventFilter(self, watched, event) -> bool:
        """Up and Down in the search field go through the list."""
        if event.type() == QEvent.KeyPress and event.key() in (Qt.Key_Up, Qt.Key_Down) and self._topics:
            step = 1 if event.key() == Qt.Key_Down else -1
            self.list.setCurrentRow((self.list.currentRow() + step) % len(self._topics))
            return True
        return False
