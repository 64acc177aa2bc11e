"""The bar at the top of the Embeddings page: which model, which matrix, and its numbers."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from tokstudio.embed.service import Reply
from tokstudio.ui import theme
from tokstudio.ui.widgets.basic import Card, Combo, col, combo, eliding, row, stat
from tokstudio.ui.words import size

NONE = "\u2013"  # until a number is there
ROLES = {"input": "input", "output": "output", "other": "not by vocabulary"}


class Badge(QWidget):
    """A letter in a rounded box: which model this is, in the color that its data have in charts."""

    def __init__(self, letter: str, series: int = 0):
        super().__init__()
        self._letter, self._series = letter, series
        self.setFixedSize(20, 20)
        self.setAccessibleName(f"Model {letter}")
        theme.changed.connect(self.update)

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        shade = theme.color(theme.table()["series"][self._series])
        painter.setPen(QPen(shade, 1.5))
        painter.drawRoundedRect(QRectF(1, 1, 18, 18), 4.5, 4.5)
        painter.setFont(theme.font("caption"))
        painter.drawText(self.rect(), Qt.AlignCenter, self._letter)


class HeaderBar(Card):
    tensor_chosen = Signal(str)

    def __init__(self):
        super().__init__()
        self._name = eliding("", "h2")
        self._about = eliding("", "small", "muted")
        self._picker = combo(name="Matrix")
        self._picker.setMinimumWidth(180)
        self._picker.activated.connect(
            lambda place: self.tensor_chosen.emit(self._picker.itemData(place, Qt.UserRole))
        )
        self._stats = {
            "std": stat("Std of values", NONE),
            "norm": stat("Mean norm", NONE),
            "rank": stat("Effective rank", NONE),
            "size": stat("On disk", NONE),
        }
        self.layout().setContentsMargins(12, 8, 16, 8)
        model = row(Badge("A"), (col(self._name, self._about, spacing=1), 1), spacing=8)
        numbers = row(*self._stats.values(), spacing=20)
        self.body.addWidget(row((model, 1), self._picker, 16, numbers, spacing=8))

    def show_matrix(self, about: dict, name: str) -> None:
        rows, columns = about["shape"]
        self._name.setText(name or about["name"])
        self._about.setText(f"{rows:,} \u00d7 {columns:,}, {about['dtype']}, {about['tied']}")
        self._about.setToolTip(about["file"])
        self._picker.clear()
        for entry in about["entries"]:
            self._picker.addItem(f"{entry['name']}", entry["name"])
            self._picker.setItemData(self._picker.count() - 1, ROLES[entry["role"]], Combo.NOTE)
        self._picker.setCurrentIndex(max(0, self._picker.findData(about["tensor"])))
        self._stats["size"].set(size(about["size"]))
        for key in ("std", "norm", "rank"):
            self._stats[key].set(NONE)

    def show_summary(self, reply: Reply) -> None:
        self._stats["std"].set(f"{reply.values['spread']:.4g}")
        zero = reply.values["zero_rows"]
        self._stats["norm"].set(f"{reply.arrays['norms'].mean():.3f}", f"{zero:,} zero rows" if zero else "")

    def show_rank(self, rank: float, columns: int) -> None:
        self._stats["rank"].set(f"{rank:.0f}", f"of {columns:,}")
