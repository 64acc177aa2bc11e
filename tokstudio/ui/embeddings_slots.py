"""The row of small charts: each place shows one distribution, chosen by its title."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tokstudio.ui.embeddings_engine import Engine, Side
from tokstudio.ui.late import Late
from tokstudio.ui.widgets.basic import Card, combo
from tokstudio.ui.widgets.legend import Legend

HEIGHT = 165


@dataclass(frozen=True)
class Kind:
    title: str
    make: Callable[[], QWidget]


def _charts():
    from tokstudio.ui import (
        embeddings_charts,  # pyqtgraph costs 0.2 s to import: not before there is something to draw
    )

    return embeddings_charts


KINDS = {
    "values": Kind("Values", lambda: _charts().ValuesChart()),
    "norms": Kind("Row norms", lambda: _charts().NormsChart()),
    "variances": Kind("Row variances", lambda: _charts().SpreadChart("Distribution of row variances")),
    "means": Kind("Row means", lambda: _charts().SpreadChart("Distribution of row means")),
    "dimensions": Kind("Std per dim", lambda: _charts().DimensionsChart()),
    "cosines": Kind("Random cosines", lambda: _charts().SpreadChart("Cosines of random pairs of rows")),
    "singular": Kind("Singular values", lambda: _charts().SingularChart()),
    "overlap": Kind("Neighbors in both", lambda: _charts().OverlapChart()),
}
DEFAULTS = ("values", "norms", "singular")


class ChartSlot(Card):
    chosen = Signal(str)

    def __init__(self, kind: str):
        self.legend = Legend([("A", "series0"), ("B", "series1")])
        super().__init__("", "", actions=(self.legend,))
        self.picker = combo(name="Chart")
        for key, known in KINDS.items():
            self.picker.addItem(known.title, key)
        self.picker.setProperty("quiet", "1")
        self.picker.setFixedWidth(150)
        self.title.hide()
        self.header_layout.insertWidget(0, self.picker)
        self.layout().setContentsMargins(8, 6, 8, 6)
        self.layout().setSpacing(4)
        self.setFixedHeight(HEIGHT)
        self.lates: dict[str, Late] = {}
        self.kind = ""
        self.show_kind(kind)
        self.picker.activated.connect(lambda place: self.show_kind(self.picker.itemData(place)))

    def show_kind(self, kind: str) -> None:
        if kind == self.kind or kind not in KINDS:
            return
        if self.kind:
            self.lates[self.kind].hide()
        if kind not in self.lates:
            late = self.lates[kind] = Late(KINDS[kind].make, KINDS[kind].title)
            self.body.addWidget(late, 1)
        self.lates[kind].show()
        self.kind = kind
        self.picker.setCurrentIndex(self.picker.findData(kind))
        self.setAccessibleName(KINDS[kind].title)
        self.chosen.emit(kind)

    @property
    def late(self) -> Late:
        return self.lates[self.kind]

    def clear(self) -> None:
        self.subtitle.setText("")
        for late in self.lates.values():
            late.clear()


class Slots:
    """Keeps three slots filled from what the engine knows."""

    def __init__(self, engine: Engine, kinds: list[str]):
        self.engine = engine
        self.slots = [
            ChartSlot(kind if kind in KINDS else default)
            for kind, default in zip(kinds, DEFAULTS, strict=True)
        ]
        for slot in self.slots:
            slot.chosen.connect(lambda _kind, slot=slot: self.fill(slot))
        self._comparison = None
        self._shared: dict[str, object] = {}
        self._norm: float | None = None
        engine.compared.connect(self._compared)
        engine.counted.connect(self._counted)
        for signal in (engine.summarized, engine.spread, engine.spectrum):
            signal.connect(lambda _letter: self.refresh())
        engine.opened.connect(self.reset)
        engine.closed.connect(self.reset)

    def reset(self, _letter: str = "") -> None:
        self._comparison, self._shared, self._norm = None, {}, None
        for slot in self.slots:
            slot.clear()
            slot.legend.setVisible(self.engine.b is not None)
        self.refresh()

    def set_norm(self, norm: float) -> None:
        self._norm = norm
        for slot in self.slots:
            if slot.kind == "norms" and slot.late.chart is not None:
                slot.late.call(lambda chart: chart.set_token(norm))

    def _compared(self, reply) -> None:
        self._comparison = reply
        self.refresh()

    def _counted(self, letter: str, reply) -> None:
        self._shared[letter] = reply
        self.refresh()

    def refresh(self) -> None:
        for slot in self.slots:
            self.fill(slot)

    def fill(self, slot: ChartSlot) -> None:
        sides = [side for side in (self.engine.a, self.engine.b) if side is not None]
        slot.legend.setVisible(len(sides) == 2 and slot.kind != "overlap")
        slot.subtitle.setText("")
        if sides:
            getattr(self, f"_fill_{slot.kind}")(slot, sides)

    @staticmethod
    def _ready(sides: list[Side], what: str) -> list[Side]:
        """As many as are known from the first on: a chart of B alone would be read as A."""
        known = []
        for side in sides:
            if getattr(side, what) is None:
                break
            known.append(side)
        return known

    def _fill_values(self, slot: ChartSlot, sides: list[Side]) -> None:
        known = self._ready(sides, "summary")
        if len(known) == 2:
            edge = max(1.6 * side.summary.values["level"] for side in known)
            if not self._shared:
                self._shared = {"asked": edge}
                for side in known:
                    self.engine.ask_values(side.letter, edge)
            for series, letter in enumerate("AB"):
                if (reply := self._shared.get(letter)) is not None:
                    counts, edges = reply.arrays["counts"], reply.arrays["edges"]
                    slot.late.call(lambda chart, c=counts, e=edges, s=series: chart.set_counts(c, e, s))
        elif known:
            found = known[0].summary.arrays
            slot.late.call(lambda chart: chart.set_counts(found["counts"], found["edges"]))

    def _fill_norms(self, slot: ChartSlot, sides: list[Side]) -> None:
        if known := self._ready(sides, "summary"):
            values = [side.summary.arrays["norms"] for side in known]
            slot.late.call(lambda chart: chart.set_values(values))
            if self._norm is not None:
                norm = self._norm
                slot.late.call(lambda chart: chart.set_token(norm))
            slot.subtitle.setText("%" if len(known) == 2 else "the triangle is the token")

    def _fill_dimensions(self, slot: ChartSlot, sides: list[Side]) -> None:
        if known := self._ready(sides, "summary"):
            values = [side.summary.arrays["std"] for side in known]
            slot.late.call(lambda chart: chart.set_values(values))

    def _spread(self, slot: ChartSlot, sides: list[Side], key: str) -> list[Side]:
        if known := self._ready(sides, "spread"):
            values: list[np.ndarray] = [side.spread.arrays[key] for side in known]
            slot.late.call(lambda chart: chart.set_values(values))
            if len(known) == 2:
                slot.subtitle.setText("%")
        return known

    def _fill_variances(self, slot: ChartSlot, sides: list[Side]) -> None:
        self._spread(slot, sides, "variances")

    def _fill_means(self, slot: ChartSlot, sides: list[Side]) -> None:
        self._spread(slot, sides, "means")

    def _fill_cosines(self, slot: ChartSlot, sides: list[Side]) -> None:
        if known := self._spread(slot, sides, "cosines"):
            means = ", ".join(f"{side.spread.values['anisotropy']:.3f}" for side in known)
            slot.picker.setToolTip(f"Mean cosine over all pairs (anisotropy): {means}")
            if len(known) == 1:
                slot.subtitle.setText(f"mean {means}")

    def _fill_singular(self, slot: ChartSlot, sides: list[Side]) -> None:
        for series, side in enumerate(self._ready(sides, "spectrum")):
            values = side.spectrum.arrays["singular_values"]
            slot.late.call(lambda chart, v=values, s=series: chart.set_values(v, s))
            used, found = side.spectrum.values["rows_used"], side.spectrum.values["found"]
            words = [f"from {used:,} rows"] if used != side.rows else []
            if found < len(values):
                words.append(f"estimated from {found + 1:,} on")
            if words:
                slot.subtitle.setText(", ".join(words))

    def _fill_overlap(self, slot: ChartSlot, sides: list[Side]) -> None:
        if self._comparison is None:
            slot.subtitle.setText("needs two models" if len(sides) < 2 else "")
            return
        found = self._comparison.arrays
        ids = found["ids_a"][found["sampled"]]
        slot.subtitle.setText(f"of {self._comparison.values['figures']['overlap_k']}, by id in A")
        slot.late.call(lambda chart: chart.set_overlap(ids, found["overlap"]))
