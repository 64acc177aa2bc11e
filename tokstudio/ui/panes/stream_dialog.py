"""Stream from the Hub: names address, data set, size and what a run would read, before anything of it is read."""

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.tokens.remote import Line
from tokstudio.tokens.stream_texts import Streamable, look_up, remember
from tokstudio.train.stream_words import described
from tokstudio.ui import theme
from tokstudio.ui.background import Worker
from tokstudio.ui.widgets.basic import button, label, row
from tokstudio.ui.widgets.problem import Problem

WORDS = (
    "The id of a data set, such as HuggingFaceFW/fineweb. Look up asks for names and sizes only. If you agree, its "
    "first rows are read now, and the run reads on over the network while it works; no copy stays on this machine."
)
QUESTION = "Shall the run read this over the network?"
SHOWN = 4000  # characters of the first rows


class StreamDialog(QDialog):
    agreed = Signal(dict)  # settings by dotted name

    def __init__(self, parent: QWidget, config: Any):
        """`config`: a TransferConfig, whose steps and windows say how much is read."""
        super().__init__(parent)
        self.setWindowTitle("Stream from the Hub")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setMinimumWidth(620)
        self._config = config
        self._found: Streamable | None = None
        self._line = Line()
        self._worker = Worker(self)
        self._worker.done.connect(self._done)
        data = config.data
        streamed = data.stream and data.corpus.startswith("hub:")
        self.field = QLineEdit(data.corpus.removeprefix("hub:") if streamed else "")
        self.field.setPlaceholderText("owner/name")
        self.field.setAccessibleName("Data set to stream")
        self.files = QLineEdit(data.files if streamed else "")
        self.files.setPlaceholderText("All files, or those beginning with")
        self.files.setAccessibleName("Only files whose names begin with")
        self.look = button("Look up", "search")
        self.what = label("", "body", "text2", wrap=True)
        self.what.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.rows = QPlainTextEdit()
        self.rows.setReadOnly(True)
        self.rows.setAccessibleName("First rows")
        self.rows.setMinimumHeight(theme.px(140))
        self.problem = Problem()
        self.show_rows = button("Read the first rows")
        self.go, self.cancel = button("Stream while training", "download", "primary"), button("Cancel")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(label(WORDS, "small", "muted", wrap=True))
        layout.addWidget(row((self.field, 1), (self.files, 1), self.look))
        for part in (self.what, self.rows, self.problem):
            layout.addWidget(part)
            part.hide()
        layout.addStretch(1)
        layout.addWidget(row(self.show_rows, None, self.cancel, self.go))
        self._allow(False)
        self.look.clicked.connect(self.look_up)
        self.show_rows.clicked.connect(lambda: self._read("rows"))
        self.go.clicked.connect(lambda: self._read("agree"))
        self.cancel.clicked.connect(self.reject)
        for field in (self.field, self.files):
            field.returnPressed.connect(self.look_up)
            field.textChanged.connect(self._forget)

    def _allow(self, on: bool) -> None:
        self.go.setEnabled(on)
        self.show_rows.setEnabled(on)

    def _forget(self, _text: str) -> None:
        self._found = None
        self._allow(False)
        self.what.hide()
        self.rows.hide()

    @property
    def _named(self) -> tuple[str, str]:
        return self.field.text().strip().removeprefix("hub:"), self.files.text().strip()

    def look_up(self) -> None:
        hub_id, files = self._named
        if hub_id and not self.look.property("busy"):
            self.problem.hide()
            self.look.set_busy("Looking up…")
            self._worker.submit(("found", (hub_id, files)), lambda: look_up(hub_id).under(files))

    def _read(self, what: str) -> None:
        """The first rows, to show them or because it was agreed to."""
        from tokstudio.train.stream_sample import texts

        found, config = self._found, self._values()
        if found is None or self.go.property("busy") or self.show_rows.property("busy"):
            return
        self.problem.hide()
        (self.go if what == "agree" else self.show_rows).set_busy("Reading…")
        self._worker.submit(
            (what, self._named), lambda: texts(found, config.data, config.model, line=self._line)
        )

    def _values(self) -> Any:
        from tokstudio.ui.transfer_cards.values import set_values

        return set_values(self._config, self._settings())

    def _settings(self) -> dict[str, Any]:
        found, (_, files) = self._found, self._named
        return {
            "data.corpus": f"hub:{found.hub_id}",
            "data.stream": True,
            "data.revision": found.revision,
            "data.files": files,
        }

    def _done(self, key: tuple[str, tuple[str, str]], result: Any) -> None:
        what, named = key
        for part in (self.look, self.go, self.show_rows):
            part.set_busy(None)
        self._allow(self._found is not None)
        if named != self._named:  # something else was typed since
            return
        if isinstance(result, TokstudioError):
            self.problem.show_error(result)
        elif what == "found":
            self._found = result
            self.what.setText("\n".join([*described(result, self._values()), "", QUESTION]))
            self.what.show()
            self._allow(True)
            self.go.setFocus()
        elif what == "rows":
            self.rows.setPlainText("\n\n".join(result)[:SHOWN])
            self.rows.show()
        else:
            whole = Streamable(self._found.hub_id, self._found.revision, self._found.shards, result)
            remember(whole)
            self.agreed.emit(self._settings())
            self.accept()
            return
        QTimer.singleShot(0, self, self._grow)

    def _grow(self) -> None:
        """As high as its words need in this width."""
        self.resize(self.width(), max(self.height(), self.layout().totalHeightForWidth(self.width())))

    def done(self, code: int) -> None:
        """Also by Escape and by the window's close button: nothing is read on behind."""
        self._line.stop.set()
        self._worker.close()
        super().done(code)
