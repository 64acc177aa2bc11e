"""Files too large to edit: read only, a page at a time. Pages end at line ends where there are any."""

import mmap
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit

from tokstudio.errors import InputError
from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import eliding, label, tool

PAGE = 100_000  # bytes, about
SEARCH = 4_000  # bytes before that, in which a page may end at a line end


class PagedFile:
    """UTF-8 text in a file, mapped: only the page in front is read."""

    def __init__(self, path: Path):
        """Raises InputError for a file that cannot be opened."""
        self.path = path
        try:
            with open(path, "rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read: {error}.", hint="Check its permissions.") from None
        self.size = len(self._data)
        self._starts: list[int] = [0]

    def __len__(self) -> int:
        """Pages, about: exact once the last one has been read."""
        return max(1, -(-self.size // PAGE))

    def start(self, number: int) -> int:
        """Where page `number` begins: at the first line, or at least character, behind number * PAGE."""
        if number <= 0:
            return 0
        at = min(self.size, number * PAGE)
        line = self._data.rfind(b"\n", max(0, at - SEARCH), at)
        if line >= 0:
            return line + 1
        while at < self.size and self._data[at] & 0xC0 == 0x80:
            at -= 1
        return at

    def page(self, number: int) -> str:
        """Raises InputError for a page that is no UTF-8."""
        start, stop = self.start(number), self.start(number + 1) if number + 1 < len(self) else self.size
        data = self._data[start:stop]
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            at = start + error.start
            raise InputError(
                f"{self.path.name} is no UTF-8 text (byte {at:,} is 0x{data[error.start]:02X}).",
                hint="Save it as UTF-8 and open it again.",
            ) from None

    def close(self) -> None:
        self._data.close()


class Pager(QFrame):
    """Hidden without a file."""

    turned = Signal(int)
    closed = Signal()

    def __init__(self):
        super().__init__()
        self.setProperty("frame", "inset")
        self.name = eliding("", "small", "text2")
        self.field = QLineEdit()
        self.field.setFixedWidth(theme.px(56))
        self.field.setAccessibleName("Page")
        self.of = label("", "small", "muted")
        back, on = (
            tool("chevron-left", "Previous page (Alt+Page up)", 24),
            tool("chevron-right", "Next page (Alt+Page down)", 24),
        )
        shut = tool("close", "Close the file and go back to the text", 24)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 3, 4, 3)
        layout.setSpacing(4)
        layout.addWidget(self.name, 1)
        for part in (back, self.field, self.of, on, shut):
            layout.addWidget(part)
        back.clicked.connect(lambda: self.turn(-1))
        on.clicked.connect(lambda: self.turn(1))
        shut.clicked.connect(self.closed)
        self.field.returnPressed.connect(self._typed)
        self._number, self._count = 0, 1
        self.hide()

    def show_file(self, file: PagedFile, number: int) -> None:
        self._number, self._count = number, len(file)
        self.name.setText(f"{file.path.name}, {file.size / 1e6:,.0f} MB, read only")
        self.field.setText(str(number + 1))
        self.of.setText(f"of {self._count:,}")
        self.show()

    def turn(self, by: int) -> None:
        to = min(self._count - 1, max(0, self._number + by))
        if to != self._number:
            self.turned.emit(to)

    def _typed(self) -> None:
        digits = self.field.text().replace(",", "").strip()
        if digits.isdecimal() and 1 <= int(digits) <= self._count:
            self.turned.emit(int(digits) - 1)
        else:
            self.field.setText(str(self._number + 1))
