"""The table of models, windows and prices, to edit."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui import numbers
from tokstudio.ui.panes import models_file
from tokstudio.ui.panes.models_file import ModelPrice
from tokstudio.ui.widgets.basic import button, label, row
from tokstudio.ui.widgets.problem import Problem

COLUMNS = ("Model", "Tokenizer", "Context window", "Price per million", "Currency", "As of")
WORDS = (
    "Context windows and prices of input tokens, kept in {path}. "
    "A pane's figures use the first model that reads with its tokenizer."
)


class ModelsDialog(QDialog):
    def __init__(self, parent: QWidget, references: list[str]):
        super().__init__(parent)
        self.setWindowTitle("Models and prices")
        self.resize(820, 420)
        self._references = references
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.setAccessibleName("Models and prices")
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.Interactive)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.Stretch)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        self.table.verticalHeader().hide()
        for column, width in ((0, 150), (2, 120), (3, 130), (4, 80), (5, 90)):
            self.table.setColumnWidth(column, width)
        self.problem = Problem()
        add, drop = button("Add model", "plus"), button("Remove", "trash")
        save, cancel = button("Save", None, "primary"), button("Cancel")
        add.clicked.connect(self.add)
        drop.clicked.connect(self.drop)
        save.clicked.connect(self.save)
        cancel.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(label(WORDS.format(path=models_file.path()), "small", "muted", wrap=True))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.problem)
        layout.addWidget(row(add, drop, None, cancel, save))
        for entry in models_file.load():
            self._append(entry)

    def _append(self, entry: ModelPrice) -> None:
        at = self.table.rowCount()
        self.table.insertRow(at)
        price = "" if entry.price is None else f"{entry.price:g}"
        window = str(entry.window) if entry.window else ""
        values = (entry.name, entry.reference, window, price, entry.currency, entry.as_of)
        for column, value in enumerate(values):
            item = QTableWidgetItem(value)
            if column in (2, 3):
                item.setTextAlignment(Qt.AlignRight | Qt.AlignVCenter)
            self.table.setItem(at, column, item)

    def add(self) -> None:
        """A row for the first pane's tokenizer that has none yet."""
        known = {self._text(at, 1) for at in range(self.table.rowCount())}
        missing = [reference for reference in self._references if reference not in known]
        self._append(ModelPrice("", missing[0] if missing else ""))
        self.table.setCurrentCell(self.table.rowCount() - 1, 0)
        self.table.editItem(self.table.currentItem())

    def drop(self) -> None:
        if self.table.currentRow() >= 0:
            self.table.removeRow(self.table.currentRow())

    def _text(self, at: int, column: int) -> str:
        item = self.table.item(at, column)
        return item.text().strip() if item is not None else ""

    def rows(self) -> list[ModelPrice]:
        """Raises ValueError, in words, for a number that is none."""
        made = []
        for at in range(self.table.rowCount()):
            name, reference, window, price, currency, as_of = (self._text(at, c) for c in range(len(COLUMNS)))
            if not name:
                continue
            made.append(
                ModelPrice(
                    name, reference, _window(name, window), _price(name, price), currency or "USD", as_of
                )
            )
        return made

    def save(self) -> None:
        try:
            models_file.save(self.rows())
        except (ValueError, TokstudioError) as error:
            self.problem.show_error(error if isinstance(error, TokstudioError) else str(error))
            return
        self.accept()


def _window(name: str, text: str) -> int:
    try:
        return numbers.whole(text or "0")
    except ValueError:
        raise ValueError(f"{name}: write the context window as a whole number, for example 128000.") from None


def _price(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        value = numbers.decimal(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise ValueError(f"{name}: write the price as a number, for example 2.5.")
    return value
