"""The bar at the top of the Embeddings page: which models, which matrices, and what they have in common."""

from PySide6.QtCore import QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tokstudio.ui import theme
from tokstudio.ui.embeddings_engine import Side
from tokstudio.ui.widgets.basic import Card, Combo, button, col, combo, eliding, row, segmented, stat, tool
from tokstudio.ui.words import size

PICKER, NARROW_PICKER = 180, 110  # pixels at most
ROOMY = 900  # of the bar, from which the list of one model's matrices is as wide as in a wide window
NONE = "\u2013"  # until a number is there
ROLES = {"input": "input", "output": "output", "other": "not by vocabulary"}
VIEWS = ("Matrix", "Vector", "Two models", "Health", "Transfer")


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


class _Model(QWidget):
    """Badge, name, size, and the matrix that is open."""

    tensor_chosen = Signal(str)

    def __init__(self, letter: str, series: int):
        super().__init__()
        self.name, self.about = eliding("", "h2"), eliding("", "small", "muted")
        self.picker = combo(name=f"Matrix of {letter}")
        self.picker.setMinimumWidth(NARROW_PICKER)
        self.picker.setMaximumWidth(PICKER)
        self.picker.setSizeAdjustPolicy(Combo.AdjustToContents)
        self.picker.activated.connect(
            lambda place: self.tensor_chosen.emit(self.picker.itemData(place, Qt.UserRole))
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(Badge(letter, series))
        layout.addWidget(col(self.name, self.about, spacing=1), 1)
        layout.addWidget(self.picker)

    def show_side(self, side: Side) -> None:
        about = side.about
        self.name.setText(side.name)
        self.picker.clear()
        for entry in about["entries"]:
            self.picker.addItem(entry["name"], entry["name"])
            self.picker.setItemData(self.picker.count() - 1, ROLES[entry["role"]], Combo.NOTE)
        self.picker.setCurrentIndex(max(0, self.picker.findData(about["tensor"])))
        self.show_size(side)

    def show_size(self, side: Side) -> None:
        rows, columns = side.about["shape"]
        words = [f"{rows:,} \u00d7 {columns:,}", side.about["dtype"], side.about["tied"], side.mismatch]
        self.about.setText(", ".join(word for word in words if word))
        self.about.setToolTip(side.about["file"])


class HeaderBar(Card):
    tensor_chosen = Signal(str, str)  # letter, tensor
    view_chosen = Signal(int)  # index into VIEWS
    second_wanted = Signal()
    swapped = Signal()
    second_closed = Signal()

    def __init__(self):
        super().__init__()
        self._narrow = False
        self.models = {letter: _Model(letter, series) for series, letter in enumerate("AB")}
        for letter, model in self.models.items():
            model.tensor_chosen.connect(lambda tensor, letter=letter: self.tensor_chosen.emit(letter, tensor))
        self.add = button("Add B…", "plus")
        self.add.setToolTip("Open a second matrix beside this one")
        self.swap, self.close_b = tool("swap", "Swap A and B"), tool("close", "Close B")
        self.views = segmented(list(VIEWS), name="View")
        self.views.setParent(self)  # until the page puts it elsewhere, or is left half built
        self._one = {key: stat(title, NONE) for key, title in
                     {"std": "Std", "norm": "Mean norm", "rank": "Effective rank", "same": "Anisotropy",
                      "size": "On disk"}.items()}  # fmt: skip
        self._two = {key: stat(title, NONE) for key, title in
                     {"shared": "Shared tokens", "only_a": "Only in A", "only_b": "Only in B",
                      "cka": "Linear CKA"}.items()}  # fmt: skip
        self._one_row, self._two_row = (
            row(*self._one.values(), spacing=16),
            row(*self._two.values(), spacing=16),
        )
        self.layout().setContentsMargins(12, 8, 12, 8)
        self._pair = row(self.swap, (self.models["B"], 1), self.close_b, spacing=8)
        parts = ((self.models["A"], 1), (self._pair, 1), self.add, 4, self._one_row, self._two_row)
        self.body.addWidget(row(*parts, spacing=10))
        self.add.clicked.connect(self.second_wanted)
        self.swap.clicked.connect(self.swapped)
        self.close_b.clicked.connect(self.second_closed)
        self.views.changed.connect(self.view_chosen)
        self.views.button(len(VIEWS) - 1).hide()
        self.show_second(None)

    def show_first(self, side: Side) -> None:
        self.models["A"].show_side(side)
        self._one["size"].set(size(side.about["size"]))
        for key in ("std", "norm", "rank", "same"):
            self._one[key].set(NONE)

    def show_second(self, side: Side | None) -> None:
        two = side is not None
        for part, shown in (
            (self._pair, two),
            (self._two_row, two),
            (self.add, not two),
            (self._one_row, not two),
        ):
            part.setVisible(shown)
        if two:
            self.models["B"].show_side(side)
        self._fit()
        self.clear_pair()

    def arrange(self, narrow: bool) -> None:
        """Narrow: names before counts that the report of the pair has, too."""
        self._narrow = narrow
        self._fit()
        for key in ("only_a", "only_b"):
            self._two[key].setVisible(not narrow)

    def _fit(self) -> None:
        """A short list cuts the name of the matrix to two letters: only where two models leave no room."""
        roomy = not self._narrow or (self._pair.isHidden() and self.width() >= theme.px(ROOMY))
        for model in self.models.values():
            model.picker.setMaximumWidth(PICKER if roomy else NARROW_PICKER)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def show_transfer(self, there: bool) -> None:
        """Is the model the export of a run that kept its plan?"""
        self.views.button(len(VIEWS) - 1).setVisible(there)

    def show_named(self, side: Side) -> None:
        self.models[side.letter].show_size(side)

    def show_figures(self, side: Side) -> None:
        """Whatever is known of A by now."""
        if side.summary is not None:
            self._one["std"].set(f"{side.summary.values['spread']:.4g}")
            zero = side.summary.values["zero_rows"]
            words = f"{zero:,} zero rows" if zero else ""
            self._one["norm"].set(f"{side.summary.arrays['norms'].mean():.3f}", words)
        if side.spectrum is not None:
            about = side.spectrum.values
            words = f"of {side.columns:,}" + (", estimated" if about["found"] < side.columns else "")
            self._one["rank"].set(f"{about['effective_rank']:.0f}", words)
        if side.spread is not None:
            self._one["same"].set(f"{side.spread.values['anisotropy']:.3f}")

    def show_pair(self, report: dict, figures: dict) -> None:
        for key in ("shared", "only_a", "only_b"):
            self._two[key].set(f"{report[key]:,}")
        self._two["cka"].set(f"{figures['linear_cka']:.2f}")

    def clear_pair(self) -> None:
        for made in self._two.values():
            made.set(NONE)

    def set_view(self, index: int) -> None:
        with QSignalBlocker(self.views):
            self.views.set_index(index)
