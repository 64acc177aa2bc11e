"""The tokenizers of a comparison: add, remove, make the reference."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QBrush, QPainter
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from tokstudio.ui import theme
from tokstudio.ui.compare_parts.bars import hatch
from tokstudio.ui.context import Context
from tokstudio.ui.icons import icon_label
from tokstudio.ui.panes.picker import TokenizerPicker
from tokstudio.ui.reveal import Thing, offer
from tokstudio.ui.widgets.basic import card, eliding, row, tool


class Swatch(QWidget):
    """The color that stands for one tokenizer in the bars."""

    def __init__(self, series: int):
        super().__init__()
        self._series = series
        self.setFixedSize(12, 12)
        self.setAccessibleName("Color in the bars")

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(Qt.NoPen)
        shade = theme.table()["series"][self._series % 6]
        painter.setBrush(theme.color(shade, 0.45 if self._series else 1.0))
        painter.drawRoundedRect(0, 0, 12, 12, 3, 3)
        if self._series:
            painter.setBrush(QBrush(theme.color(shade), hatch(self._series)))
            painter.drawRoundedRect(0, 0, 12, 12, 3, 3)


class TokenizerList(QWidget):
    changed = Signal()

    def __init__(self, context: Context):
        super().__init__()
        self._context = context
        self.references: list[str] = []
        self.add = tool("plus", "Add a tokenizer…")
        self.add.clicked.connect(self.ask)
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        inner, area = QWidget(), QScrollArea()
        inner.setLayout(self._rows)
        area.setProperty("bare", "1")
        area.setFrameShape(QFrame.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setWidget(inner)
        made = card("Tokenizers", "", [self.add])
        made.body.addWidget(area, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(made)

    def set(self, references: list[str]) -> None:
        """The first one is the reference; doubles are left out."""
        self.references = list(dict.fromkeys(references))
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for at, reference in enumerate(self.references):
            self._rows.addWidget(self._row(at, reference))
        self._rows.addStretch(1)
        self.changed.emit()

    def _row(self, at: int, reference: str) -> QWidget:
        name = eliding(short_name(reference), "small", "text", mode=Qt.ElideMiddle)
        remove = tool("close", f"Take {short_name(reference)} out", 24)
        without = lambda: [r for r in self.references if r != reference]  # noqa: E731
        short = short_name(reference)
        remove.clicked.connect(lambda: self._change(f"remove {short}", without()))
        if at == 0:
            first: QWidget = icon_label("pin", "accent", 14)
            first.setToolTip("The reference: the others are compared with it")
        else:
            first = tool("chevron-up", f"Make {short_name(reference)} the reference", 24)
            first.clicked.connect(lambda: self._change(f"{short} as the reference", [reference, *without()]))
        made = row(Swatch(at), (name, 1), first, remove, spacing=6)
        made.setFixedHeight(28)
        offer(made, self._context, lambda: Thing(reference))
        return made

    def ask(self) -> None:
        TokenizerPicker.of(self).ask(
            self.add,
            lambda reference: self._change(f"add {short_name(reference)}", [*self.references, reference]),
        )

    def _change(self, words: str, references: list[str]) -> None:
        before = self.references
        self.set(references)
        self._context.changes.record("compare/corpus", words, before, self.references, self.set)


def short_name(reference: str) -> str:
    """ "cl100k_base" of "tiktoken:cl100k_base"; the last part of a path."""
    return (
        reference.rstrip("/").rpartition("/")[2]
        if reference.startswith(("/", "~"))
        else reference.removeprefix("tiktoken:")
    )
