"""Which characters end the lines of an editor's text. Qt keeps one kind of break for all of them (LF, CRLF, CR,
U+2029, U+FDD0, U+FDD1); here each line remembers its own, with Qt's undo.

A line's block format says what stands before the line. Qt keeps the format of the upper line where two are joined
and copies it where one is split, so that edits leave the ends of other lines alone. (Where the upper line is empty, Qt
keeps the lower one's: of the two ends around an empty line it is the first that goes.)
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain, pairwise

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QTextBlock, QTextBlockFormat, QTextCursor, QTextDocument, QTextFormat

ENDS = ("\n", "\r\n", "\r", "\u2029", "\ufdd0", "\ufdd1")  # what Qt breaks a text at
NAMES = ("LF", "CRLF", "CR")  # of the first three, which editors convert
MIXED = "Mixed"
LF, CRLF, CR = range(3)
KEY = QTextFormat.UserProperty + 1
BREAK = "\u2029"  # Qt's, in raw text
_ANY = re.compile("\r\n|[\n\r\u2029\ufdd0\ufdd1]")
_NUMBER = {end: number for number, end in enumerate(ENDS)}


def split(text: str) -> tuple[str, np.ndarray | None]:
    """The text with LF alone, and the number of each line end in `ENDS`; None where all are LF."""
    if not any(end in text for end in ENDS[CR:]):
        return text, None
    kinds = np.array([_NUMBER[end] for end in _ANY.findall(text)], np.uint8)
    return _ANY.sub("\n", text), kinds


def converted(text: str, kind: int) -> str:
    """LF, CRLF and CR as ENDS[kind]."""
    return re.sub("\r\n|[\n\r]", lambda _: ENDS[kind], text)


def name_of(text: str) -> str:
    """ "LF", "CRLF", "CR" or "Mixed"; "" for a single line."""
    found = set(re.findall("\r\n|[\n\r]", text))
    return MIXED if len(found) > 1 else "".join(NAMES[_NUMBER[end]] for end in found)


def remark(text: str) -> str:
    """For a file that was opened: its line ends, where a person may not expect them."""
    return {"CRLF": " with CRLF line ends", "CR": " with CR line ends", MIXED: " with mixed line ends"}.get(
        name_of(text), ""
    )


def insert(cursor: QTextCursor, text: str, kinds: np.ndarray | None) -> None:
    """`text` with LF in place of the selection; `kinds`: of each of its ends, None: as the line it goes into."""
    start = QTextCursor(cursor)
    start.setPosition(cursor.selectionStart())
    first, before = start.blockNumber() + 1, _kind(start.block())
    cursor.beginEditBlock()
    cursor.insertText(text)
    if kinds is not None:
        for begin, stop, kind in _runs(kinds):
            if kind != before:
                _set(cursor.document(), first + begin, first + stop, kind)
    cursor.endEditBlock()


class LineEnds(QObject):
    """Of one document; nothing is kept while all of them are LF."""

    def __init__(self, document: QTextDocument):
        super().__init__(document)
        self._document = document
        self._kinds: np.ndarray | None = None  # before each line; that of the first is for lines to come
        document.contentsChange.connect(self._follow)

    @classmethod
    def of(cls, document: QTextDocument) -> "LineEnds":
        return next((child for child in document.children() if isinstance(child, cls)), None) or cls(document)

    def begin(self, cursor: QTextCursor, kinds: np.ndarray | None) -> None:
        """For a text that replaces all: the line that is left, and all that are split from it, get its first end."""
        first = int(kinds[0]) if kinds is not None and len(kinds) else LF
        if first or self._kinds is not None:
            self.watch()
            cursor.setBlockFormat(_format(first))

    def watch(self) -> None:
        """From now on line ends may be other than LF."""
        if self._kinds is None:
            self._kinds = np.zeros(self._document.blockCount(), np.uint8)

    def forget(self) -> None:
        """The document is a new one, with LF alone."""
        self._kinds = None

    def convert(self, kind: int) -> None:
        """LF, CRLF and CR become ENDS[kind]; one step of undo."""
        self.watch()
        cursor = QTextCursor(self._document)
        cursor.beginEditBlock()
        for start, stop, before in list(_runs(self._kinds)):
            if before <= CR:
                _set(self._document, start, stop, kind)
        cursor.endEditBlock()

    def name(self) -> str:
        """ "LF", "CRLF", "CR" or "Mixed"; of a single line, what the next one gets."""
        if self._kinds is None:
            return NAMES[LF]
        found = np.flatnonzero(np.bincount(self._kinds[1:] if len(self._kinds) > 1 else self._kinds))
        found = found[found <= CR]
        return MIXED if len(found) > 1 else NAMES[found[0]] if len(found) else NAMES[LF]

    def text(self, start: int = 0, stop: int | None = None) -> str:
        """With the real line ends; of Qt's positions `start` to `stop`."""
        raw = self._document.toRawText()
        kinds = self._kinds[1:] if self._kinds is not None else np.empty(0, np.uint8)
        if start or stop is not None:
            kinds = kinds[self._document.findBlock(start).blockNumber() :]
            raw = _units(raw, start, stop)
        if not kinds.any():
            return raw.replace(BREAK, "\n")
        if (kinds == kinds[0]).all():
            return raw.replace(BREAK, ENDS[kinds[0]])
        lines = raw.split(BREAK)
        ends = [ENDS[kind] for kind in kinds[: len(lines) - 1]]
        return "".join(chain.from_iterable(zip(lines, [*ends, ""], strict=True)))

    def units(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """For `Offsets` of `text` as it is now; None where each character has a position of its own."""
        kinds = self._kinds[1:] if self._kinds is not None else np.empty(0, np.uint8)
        if not (kinds == CRLF).any():
            return None
        with_cr = kinds[np.isin(kinds, (CRLF, CR))]

        def of(points: np.ndarray) -> np.ndarray:
            found = 1 + (points > 0xFFFF)
            found[np.flatnonzero(points == ord("\r"))[with_cr == CRLF]] = 0
            return found

        return of

    def _follow(self, at: int, _removed: int, added: int) -> None:
        """Reads the lines that a change has touched."""
        if self._kinds is None:
            return
        document, count = self._document, self._document.blockCount()
        first = document.findBlock(at)
        last = document.findBlock(min(at + added, document.characterCount() - 1))
        start, stop = max(0, first.blockNumber()), last.blockNumber() if last.isValid() else count - 1
        left = count - 1 - stop  # lines behind, as they were
        read = np.fromiter(_kinds(first, stop + 1 - start), np.uint8)
        self._kinds = np.concatenate([self._kinds[:start], read, self._kinds[len(self._kinds) - left :]])
        if len(self._kinds) != count:  # Qt told less than it changed
            self._kinds = np.fromiter(_kinds(document.begin(), count), np.uint8)


def _units(raw: str, start: int, stop: int | None) -> str:
    """raw[start:stop] by UTF-16 units."""
    if raw.isascii() or len(raw.encode("utf-16-le", "surrogatepass")) == 2 * len(raw):
        return raw[start:stop]
    data = raw.encode("utf-16-le", "surrogatepass")
    return data[2 * start : None if stop is None else 2 * stop].decode("utf-16-le", "surrogatepass")


def _format(kind: int) -> QTextBlockFormat:
    made = QTextBlockFormat()
    if kind:
        made.setProperty(KEY, kind)
    return made


def _kind(block: QTextBlock) -> int:
    return block.blockFormat().intProperty(KEY)


def _kinds(block: QTextBlock, count: int) -> Iterator[int]:
    for _ in range(count):
        yield _kind(block)
        block = block.next()


def _runs(kinds: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """(first, one behind the last, kind) of equal neighbors."""
    edges = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    for start, stop in pairwise(edges):
        if start < stop:
            yield start, stop, int(kinds[start])


def _set(document: QTextDocument, start: int, stop: int, kind: int) -> None:
    """Lines `start` to `stop` begin behind this end."""
    cursor = QTextCursor(document.findBlockByNumber(start))
    cursor.setPosition(document.findBlockByNumber(stop - 1).position(), QTextCursor.KeepAnchor)
    cursor.setBlockFormat(_format(kind))
