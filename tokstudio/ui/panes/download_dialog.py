"""Download from the Hub: names address and size first, then fetches with progress, and can be cancelled."""

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.tokens import download
from tokstudio.tokens.download import Plan, Stopped
from tokstudio.ui import theme
from tokstudio.ui.background import Worker
from tokstudio.ui.widgets.basic import button, label, row
from tokstudio.ui.widgets.problem import Problem

WORDS = (
    "A hub id such as Qwen/Qwen3-0.6B, or an encoding such as tiktoken:gpt2. "
    "Look up asks for names and sizes only; nothing is fetched before you agree."
)
MOST_LINES = 12


class _Fetch(QObject):
    """The thread's side: what it has fetched arrives by signal."""

    moved = Signal(object, object)  # bytes done, bytes in all; objects, as an int of Qt has 32 bits

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self.stop = threading.Event()

    def run(self, plan: Plan):
        return download.fetch(plan, lambda done, total: self.moved.emit(done, total), self.stop.is_set)


class DownloadDialog(QDialog):
    fetched = Signal(str)  # reference

    def __init__(
        self,
        parent: QWidget,
        reference: str = "",
        find: Callable[[str], Plan] | None = None,
        words: str = WORDS,
        example: str = "owner/name or tiktoken:name",
    ):
        """`find` asks the hub what there is; `words` and `example` say what may be named."""
        super().__init__(parent)
        self.setWindowTitle("Download from the Hub")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setMinimumWidth(560)
        self._find = find or download.plan
        self._plan: Plan | None = None
        self._fetch = _Fetch(self)
        self._fetch.moved.connect(self._moved)
        self._worker = Worker(self)
        self._worker.done.connect(self._done)
        self.field = QLineEdit(reference)
        self.field.setPlaceholderText(example)
        self.field.setAccessibleName("What to download")
        self.look = button("Look up", "search")
        self.what = label("", "body", "text2", wrap=True)
        self.what.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(theme.px(6))
        self.bar.setAccessibleName("Progress of the download")
        self.count = label("", "small", "muted")
        self.problem = Problem()
        self.start, self.cancel = button("Download", "download", "primary"), button("Cancel")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(label(words, "small", "muted", wrap=True))
        layout.addWidget(row((self.field, 1), self.look))
        for part in (self.what, self.bar, self.count, self.problem):
            layout.addWidget(part)
            part.hide()
        layout.addStretch(1)
        layout.addWidget(row(None, self.cancel, self.start))
        self.start.setEnabled(False)
        self.look.clicked.connect(self.look_up)
        self.field.returnPressed.connect(self.look_up)
        self.field.textChanged.connect(self._forget)
        self.start.clicked.connect(self.download)
        self.cancel.clicked.connect(self.reject)

    # ---- plan

    def _forget(self, _text: str) -> None:
        self._plan = None
        self.start.setEnabled(False)
        self.what.hide()

    def look_up(self) -> None:
        reference = self.field.text().strip()
        if reference and not self.look.property("busy"):
            self.problem.hide()
            self.look.set_busy("Looking up…")
            self._worker.submit(("plan", reference), lambda: self._find(reference))

    def _show_plan(self, plan: Plan) -> None:
        self._plan = plan
        self.what.setText(described(plan))
        self.what.show()
        QTimer.singleShot(0, self, self._grow)
        self.start.setEnabled(True)
        self.start.setFocus()

    # ---- fetch

    def download(self) -> None:
        plan = self._plan
        self._fetch.stop.clear()
        self.problem.hide()
        for part in (self.field, self.look, self.start):
            part.setEnabled(False)
        self.bar.setRange(0, 1000 if plan.bytes else 0)
        self.bar.show()
        self.count.show()
        self._worker.submit(("fetch", plan.reference), lambda: self._fetch.run(plan))

    def _moved(self, done: int, total: int) -> None:
        if total:
            self.bar.setValue(round(1000 * done / total))
        self.count.setText(f"{size_of(done)} of {size_of(total)}")

    def _done(self, key: tuple[str, str], result: object) -> None:
        what, reference = key
        self.look.set_busy(None)
        if isinstance(result, Stopped):
            return
        if isinstance(result, TokstudioError):
            self.problem.show_error(result)
            self.bar.hide()
            self.count.hide()
            self.field.setEnabled(True)
            self.start.setEnabled(self._plan is not None)
            QTimer.singleShot(0, self, self._grow)
        elif what == "plan":
            if reference == self.field.text().strip():
                self._show_plan(result)
        else:
            self.fetched.emit(reference)
            self.accept()

    def _grow(self) -> None:
        """As high as its words need in this width."""
        self.resize(self.width(), max(self.height(), self.layout().totalHeightForWidth(self.width())))

    def done(self, code: int) -> None:
        """Also by Escape and by the window's close button: nothing goes on behind."""
        self._fetch.stop.set()
        self._worker.close()
        super().done(code)


def described(plan: Plan) -> str:
    sizes = [f"{file.name}, {size_of(file.size)}" for file in plan.files]
    more = [f"and {len(sizes) - MOST_LINES} more"] if len(sizes) > MOST_LINES else []
    known = all(file.size is not None for file in plan.files)
    total = f"{size_of(plan.bytes)}{'' if known else ' or more'}"
    lines = [
        f"From {plan.address}",
        f"{len(sizes)} file{'s' if len(sizes) != 1 else ''}, {total}, into {plan.folder}",
    ]
    return "\n".join([*lines, "", *sizes[:MOST_LINES], *more])


def size_of(size: int | None) -> str:
    if size is None:
        return "size not stated"
    if size < 1_000_000:
        return f"{size / 1000:,.1f} kB"
    if size < 1_000_000_000:
        return f"{size / 1e6:,.1f} MB"
    return f"{size / 1e9:,.2f} GB"
