"""Layers: the tree of modules with shapes and shares, what each puts out, and what the vocabulary costs."""

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QHeaderView,
    QSplitter,
    QStyledItemDelegate,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tokstudio.embed.service import Reply
from tokstudio.ui import theme
from tokstudio.ui.lab_cards.grid import Grid
from tokstudio.ui.lab_cards.lab import Lab
from tokstudio.ui.lab_cards.which import Which
from tokstudio.ui.widgets.basic import card

COLUMNS = ("Module", "Kind", "Shape", "Parameters", "Share", "Output", "Mean", "Std", "Largest")
SHARE = 4


def count(number: int) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.2f} {unit}"
    return str(number)


ROW = 26  # pixels


class Rows(QStyledItemDelegate):
    """Rows as high as those of the other tables."""

    def sizeHint(self, option, index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), theme.px(ROW))


WIDTHS = (260, 160, 92, 84, 80, 110, 80, 80, 80)


class ShareBar(Rows):
    """A bar behind the figure."""

    def paint(self, painter: QPainter, option, index) -> None:
        share = index.data(Qt.UserRole) or 0.0
        box = option.rect.adjusted(2, 6, -2, -6)
        painter.fillRect(
            QRect(box.left(), box.top(), int(box.width() * share), box.height()), theme.color("accent_soft")
        )
        super().paint(painter, option, index)


class NamesFirst(QTreeWidget):
    """What room is left goes to the names in the first column."""

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        others = sum(self.columnWidth(column) for column in range(1, self.columnCount()))
        self.setColumnWidth(0, max(220, self.viewport().width() - others))


def _embedding_share(about: dict) -> str:
    """How much of the model stands for tokens, in words."""
    own = next((c for c in about["costs"] if c["vocab_size"] == about["rows"]), None)
    return (
        ""
        if own is None
        else f", embeddings are {100 * own['share']:.1f} % of {count(own['total'])} parameters"
    )


class LayersView(QWidget):
    name, title, order = "layers", "Layers", 3

    def __init__(self, lab: Lab):
        super().__init__()
        self.lab = lab
        self._items: dict[str, QTreeWidgetItem] = {}
        self.tree = NamesFirst()
        self.tree.setColumnCount(len(COLUMNS))
        self.tree.setHeaderLabels(COLUMNS)
        self.tree.setUniformRowHeights(True)
        self.tree.setAccessibleName("Modules of the model")
        self.tree.header().setSectionResizeMode(QHeaderView.Interactive)
        self.tree.header().setStretchLastSection(False)
        for column in range(3, len(COLUMNS)):
            self.tree.headerItem().setTextAlignment(column, Qt.AlignRight | Qt.AlignVCenter)
        self.tree.setItemDelegate(Rows(self.tree))
        self.tree.setItemDelegateForColumn(SHARE, ShareBar(self.tree))
        self.norms = Grid("Length of every module's output at every token", side=176)
        self.cost = QTreeWidget()
        self.cost.setHeaderLabels(("Vocabulary", "Embeddings", "Model", "Share"))
        self.cost.setRootIsDecorated(False)
        self.cost.setUniformRowHeights(True)
        self.cost.setItemDelegate(Rows(self.cost))
        self.cost.header().setStretchLastSection(False)
        for column in range(4):
            self.cost.headerItem().setTextAlignment(column, Qt.AlignRight | Qt.AlignVCenter)
        self.cost.setAccessibleName("What a vocabulary of another size would cost")
        self.which = Which(lab)
        self.which.changed.connect(lambda _: self._turn())
        self._tree_card = card("Modules", "", [self.which])
        self._tree_card.body.addWidget(self.tree)
        below = card("Norms of the outputs", "by token; the fill is relative to the largest of the row")
        below.body.addWidget(self.norms)
        cost = card("Vocabulary", "parameters by size")
        cost.body.addWidget(self.cost)
        low = QSplitter(Qt.Horizontal)
        low.addWidget(below)
        low.addWidget(cost)
        low.setSizes([324, 356])
        low.setStretchFactor(0, 1)  # the list of sizes needs no more; the tokens have use for all
        low.setStretchFactor(1, 0)
        split = QSplitter(Qt.Vertical)
        split.addWidget(self._tree_card)
        split.addWidget(low)
        split.setSizes([360, 240])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        self._scale = 0.0
        self._widen()
        theme.changed.connect(self._widen)
        self.refresh()

    def _widen(self) -> None:
        """At another text size alone: else columns keep the widths that a person gave them."""
        if (scale := max(1.0, theme.scale())) != self._scale:
            self._scale = scale
            for column, width in enumerate(WIDTHS):
                self.tree.setColumnWidth(column, round(width * scale))

    def _turn(self) -> None:
        self._fill()
        self.run()

    def refresh(self) -> None:
        self.which.refresh()
        self._fill()

    def _fill(self) -> None:
        about = self.lab.sides[self.which.side].about
        self.tree.clear()
        self.cost.clear()
        self._items.clear()
        if about is None:
            return
        device = "CPU" if about["device"] == "cpu" else about["device"]
        self._tree_card.subtitle.setText(
            f"{about['architecture']} on {device}{_embedding_share(about)};"
            " outputs are of the text at the left"
        )
        for node in about["nodes"]:
            self._add(node, about)
        self.tree.expandToDepth(1)
        for size in about["costs"]:
            item = QTreeWidgetItem(
                [
                    f"{size['vocab_size']:,}",
                    count(size["embeddings"]),
                    count(size["total"]),
                    f"{100 * size['share']:.1f} %",
                ]
            )
            for column in range(4):
                item.setTextAlignment(column, Qt.AlignRight | Qt.AlignVCenter)
            if size["vocab_size"] == about["rows"]:
                item.setText(0, f"{size['vocab_size']:,} (now)")
            self.cost.addTopLevelItem(item)
        for column in range(4):
            self.cost.resizeColumnToContents(column)

    def _add(self, node: dict, about: dict) -> None:
        path = node["path"]
        shapes = ", ".join(" x ".join(map(str, shape)) for shape in node["shapes"].values())
        parameters = "tied" if node["tied_to"] else count(node["parameters"])
        name = path.rpartition(".")[2] or about["architecture"]
        item = QTreeWidgetItem([name, node["kind"], shapes, parameters, f"{100 * node['share']:.1f} %"])
        item.setData(SHARE, Qt.UserRole, node["share"])
        item.setToolTip(0, path)
        if node["tied_to"]:
            item.setToolTip(3, f"The same values as {node['tied_to']}")
        for column in range(3, len(COLUMNS)):
            item.setTextAlignment(column, Qt.AlignRight | Qt.AlignVCenter)
        parent = self._items.get(path.rpartition(".")[0]) if path else None
        self._items[path] = item
        parent.addChild(item) if parent is not None else self.tree.addTopLevelItem(item)

    def run(self) -> None:
        self.lab.cancel("Reading")
        if (side := self.which.side) in self.lab.present() and self.lab.text:
            self.lab.ask("Reading", side, "read", self._show, text=self.lab.text)

    def _show(self, reply: Reply) -> None:
        modules, norms = reply.values["modules"], reply.arrays["norms"]
        for number, module in enumerate(modules):
            if (item := self._items.get(module["path"])) is None:
                continue
            item.setText(5, " x ".join(map(str, module["shape"])))
            for column, key in ((6, "mean"), (7, "std"), (8, "largest")):
                item.setText(column, f"{module[key]:.4g}".replace("-", "\u2212"))
            item.setToolTip(5, f"number {number + 1} in the order of execution")
        kept = [i for i in range(len(modules)) if not np.isnan(norms[i]).all()]
        shown = norms[kept]
        most = np.maximum(np.nanmax(shown, axis=1, keepdims=True), 1e-12) if len(kept) else shown

        def text(row: int, column: int) -> str:
            return f"{shown[row, column]:.3g}"

        tokens = reply.values["tokens"]

        def about(row: int, column: int) -> str:
            return f"{modules[kept[row]]['path']} at {tokens[column]!r}: norm {shown[row, column]:.4g}"

        self.norms.set_cells([modules[i]["path"] for i in kept], tokens, shown / most, text, about)

    def failed(self) -> None:
        pass
