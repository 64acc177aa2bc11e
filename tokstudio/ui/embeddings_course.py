"""The checkpoints of a run, one after the other: which token rows moved, how far they are from where they came from."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QSlider

from tokstudio.embed.service import Reply
from tokstudio.errors import TokstudioError
from tokstudio.ui import theme
from tokstudio.ui.embeddings_course_maths import bins, marks, named, over, percent
from tokstudio.ui.embeddings_engine import Side
from tokstudio.ui.embeddings_list import Neighbor, NeighborList
from tokstudio.ui.embeddings_table import Column, RowsTable
from tokstudio.ui.embeddings_words import shown
from tokstudio.ui.late import Late
from tokstudio.ui.widgets.basic import col, eliding, label, row, segmented, tool
from tokstudio.ui.widgets.legend import Legend
from tokstudio.ui.widgets.playing import Playing
from tokstudio.ui.widgets.slider import Slider

LOOK = 2000  # milliseconds between two looks for new checkpoints
LISTED = 500
MEASURES = {"away": "From source", "total": "Since the first", "moved": "Step before"}
TIPS = {
    "away": "How far a row is from the row of the same token in the model before, as a share of that row's length",
    "total": "How far a row has moved since the first checkpoint that is kept, as a share of its length there",
    "moved": "How far a row has moved since the checkpoint before",
}
COSINE_TIP = "Between a row and the row of the same token in the model before; 1 is the same direction"
TITLES = {
    "away": "Distance from the source rows",
    "total": "Moved since the first checkpoint",
    "moved": "Moved since the checkpoint before",
}


def _line():
    from tokstudio.ui.charts import LineChart

    return LineChart("Distances over the checkpoints", unit="%", zero=True, x_label="step", whole=True)


def _bars():
    from tokstudio.ui.charts import BarChart

    return BarChart("Distances of all rows", zero=True)


class CourseView(QFrame):
    wanted = Signal(str)  # folder of a run whose checkpoints shall be read
    row_wanted = Signal(str, dict, dict, int)  # run, stop, source, row

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("Checkpoints")
        self.folder: Path | None = None
        self.reply: Reply | None = None
        self.row = -1
        self._side: Side | None = None
        self._seen: tuple = ()
        self._chosen = False  # by the person, and not by what moved most
        self._looks = QTimer(self, interval=LOOK)
        self._make()
        self._build()
        self._connect()

    def _make(self) -> None:
        self.back, self.play = tool("chevron-left", "Checkpoint before"), tool("play", "Play")
        self.next = tool("chevron-right", "Next checkpoint")
        self.slider = Slider()
        self.slider.setAccessibleName("Checkpoint")
        self.slider.setPageStep(1)
        self.slider.setTickPosition(QSlider.TicksBelow)
        self.slider.setTickInterval(1)
        self.slider.setMinimumWidth(140)
        self.place = eliding("", "strong")
        self.measure = segmented(list(MEASURES.values()), name="Which distance")
        for place, tip in enumerate(TIPS.values()):
            self.measure.button(place).setToolTip(tip)
        self.about = label("", "small", "muted", wrap=True)
        self.line, self.bars = (
            Late(_line, "Distances over the checkpoints"),
            Late(_bars, "Distances of all rows"),
        )
        self.legend = Legend([("middle", "series0"), ("farthest tenth", "series1"), ("token", "series2")])
        self.line_title, self.bars_title = eliding("", "strong"), eliding("", "strong")
        self.table = RowsTable("Rows that moved most")
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.list_title = eliding("", "strong")
        self.list = NeighborList(2)
        self.list.setAccessibleName("Nearest source tokens at this checkpoint")
        self.list.set_slim(True)

    def _build(self) -> None:
        charts = col(
            row((self.line_title, 1), self.legend),
            (self.line, 1),
            self.bars_title,
            (self.bars, 1),
            spacing=4,
        )
        near = col(self.list_title, (self.list, 1), spacing=4)
        near.setFixedWidth(206)
        control = row(
            self.back, self.play, self.next, (self.slider, 2), (self.place, 2), self.measure, spacing=6
        )
        inside = row((charts, 4), (self.table, 5), near, spacing=14)
        layout = col(control, self.about, (inside, 1), spacing=6)
        self._inside = inside
        outer = layout.layout()
        outer.setContentsMargins(14, 8, 10, 10)
        self.setLayout(outer)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(lambda _: self._show())
        self.playing = Playing(self.slider, self.back, self.play, self.next)
        self.measure.changed.connect(lambda _: self._show())
        self.table.row_chosen.connect(self.choose)
        self.table.clicked.connect(lambda index: self.choose(index.data(Qt.UserRole)))
        self._looks.timeout.connect(self._look)

    # ---------------------------------------------------------------- which run

    def follow(self, folder: Path | None, side: Side | None) -> None:
        """The run whose checkpoints are shown; None: none. `side`: the open model, which names the rows."""
        self._side = side
        if folder == self.folder:
            return
        self.playing.stop()
        self.folder, self.reply, self.row, self._seen, self._chosen = folder, None, -1, (), False
        self._fill_empty("Reading the checkpoints\u2026")
        if folder is None:
            self._looks.stop()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        if self.folder is not None:
            self._look()
            self._looks.start()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        if vars(self):  # not emptied by the garbage collector, with Qt about to take it apart
            self._looks.stop()
            self.playing.stop()

    def _look(self) -> None:
        """A run that goes on writes new checkpoints and removes old ones."""
        found = marks(self.folder) if self.folder is not None else ()
        if found != self._seen:
            self._seen = found
            self.wanted.emit(str(self.folder))

    def _fill_empty(self, words: str) -> None:
        theme.set_role(self.about, "muted")
        self.about.setText(words)
        self.place.setText("")
        self.table.set_rows([], [])
        self.list.set_rows([])
        for part in (self.line_title, self.bars_title, self.list_title):
            part.setText("")
        self.line.clear()
        self.bars.clear()
        self._inside.hide()
        self._enable()

    def show_error(self, error: TokstudioError) -> None:
        self.reply = None
        self._fill_empty(f"{error} {error.hint}".strip())

    def show_course(self, reply: Reply) -> None:
        """The reply of the job `course`; the slider stays at its checkpoint, or at the end where it was there."""
        old = self.reply.values["stops"] if self.reply is not None else []
        kept = old[self.slider.value()] if old and self.slider.value() < len(old) - 1 else None
        self.reply, stops = reply, reply.values["stops"]
        place = stops.index(kept) if kept in stops else len(stops) - 1
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, len(stops) - 1)
            self.slider.setValue(place)
        self._inside.show()
        self._enable()
        if not reply.values["shared"]:
            self.measure.set_index(1)
        self.measure.button(0).setEnabled(bool(reply.values["shared"]))
        self._show()

    def _enable(self) -> None:
        many = self.reply is not None and len(self.reply.values["stops"]) > 1
        for part in (self.back, self.play, self.next, self.slider):
            part.setEnabled(many)

    # ---------------------------------------------------------------- one checkpoint

    @property
    def kind(self) -> str:
        return list(MEASURES)[self.measure.index()]

    def _show(self) -> None:
        if self.reply is None:
            return
        values, place = self.reply.values, self.slider.value()
        stops, arrays = values["stops"], self.reply.arrays
        self.place.setText(f"{named(stops[place])}, {place + 1} of {len(stops)}")
        self.slider.setAccessibleDescription(self.place.text())
        found = arrays[self.kind][place]
        theme.set_role(self.about, "muted")
        self.about.setText(self._words(found))
        last = arrays[self.kind][-1]
        if not self._chosen and np.isfinite(last).any():
            self.row = int(np.nanargmax(last))
        self._draw(found)
        self._list(found)
        self._ask_row()

    def _words(self, found: np.ndarray) -> str:
        values, n = self.reply.values, len(found)
        shared = values["shared"]
        words = [
            f"{shared:,} of {n:,} tokens have a row in {values['source']['name']} too."
            if shared
            else f"No row can be laid beside one of {values['source']['name']}: {values['why']}"
        ]
        known = found[np.isfinite(found)]
        if self.kind == "total" and self.slider.value() == 0:
            words.append("This is the checkpoint that the others are measured from.")
        elif len(known):
            middle, far = np.quantile(known, (0.5, 0.9))
            words.append(
                f"{TITLES[self.kind]}: {percent(middle)} in the middle, over {percent(far)} for a tenth of them."
            )
        elif self.kind == "moved" and self.slider.value() == 0:
            words.append("Nothing is kept before the first checkpoint.")
        elif shared:
            words.append("The widths of the two models differ, so their rows have no distance.")
        if len(values["stops"]) < 3:
            words.append("A run keeps as many checkpoints as its setting Checkpoints kept says.")
        return " ".join(words)

    def _draw(self, found: np.ndarray) -> None:
        values, place = self.reply.values, self.slider.value()
        stops, all_ = values["stops"], self.reply.arrays[self.kind]
        steps = np.array([self._at(stop) for stop in stops])
        middle, far = (100 * over(all_, share) for share in (0.5, 0.9))
        own = 100 * all_[:, self.row] if 0 <= self.row < all_.shape[1] else np.full(len(stops), np.nan)
        self.line_title.setText(f"{MEASURES[self.kind]}, %")
        self.legend.setVisible(True)

        def lines(chart) -> None:
            for series, (name, line) in enumerate(
                (("middle", middle), ("farthest tenth", far), ("token", own))
            ):
                look = dict(series=series, points=True, dashed=series == 1)
                chart.set_series(name, steps, line, **look)
            chart.set_marks([float(steps[place])])

        self.line.call(lines)
        edges = bins(all_)
        known = found[np.isfinite(found)]
        counts = np.histogram(np.clip(100 * known, edges[0], edges[-1]), bins=edges)[0]
        self.bars_title.setText(f"Rows by distance, in per cent ({named(stops[place])})")

        def bars(chart) -> None:
            chart.set_bars(edges, counts.astype(float))
            chart.set_marks([float(own[place])] if np.isfinite(own[place]) else [])

        self.bars.call(bars)

    def _at(self, stop: dict) -> int:
        last = max((s["step"] for s in self.reply.values["stops"] if s["step"] is not None), default=0)
        return stop["step"] if stop["step"] is not None else max(last, self.reply.values["steps"])

    def _list(self, found: np.ndarray) -> None:
        arrays, place = self.reply.arrays, self.slider.value()
        ids = np.argsort(-np.nan_to_num(found, nan=-1.0), kind="stable")[:LISTED]
        ids = ids[np.isfinite(found[ids])]
        shares = {key: 100 * arrays[key][place][ids].astype(float) for key in MEASURES}
        columns = [
            Column("Token", [self.token(int(i)) for i in ids]),
            Column("Row", ids.tolist(), ",d"),
            Column("Before %", shares["moved"].tolist(), ".2f", TIPS["moved"]),
            Column("First %", shares["total"].tolist(), ".2f", TIPS["total"]),
            Column("Source %", shares["away"].tolist(), ".1f", TIPS["away"]),
            Column("Cosine", arrays["cosine"][place][ids].astype(float).tolist(), ".3f", COSINE_TIP),
        ]
        scroll = self.table.verticalScrollBar().value()
        self.table.set_rows(ids, columns, (88, 56, 66, 56, 72, 60))
        self.table.verticalScrollBar().setValue(scroll)
        if self.row in ids:
            with QSignalBlocker(self.table):
                self.table.selectRow(int(np.flatnonzero(ids == self.row)[0]))

    def token(self, row: int) -> str:
        return self._side.token(row) if self._side is not None else f"#{row}"

    # ---------------------------------------------------------------- one token

    def choose(self, token: int) -> None:
        """Follow row `token`."""
        self._chosen = True
        if token != self.row:
            self.row = int(token)
            if self.reply is not None:
                self._draw(self.reply.arrays[self.kind][self.slider.value()])
                self._ask_row()

    def _ask_row(self) -> None:
        if self.reply is None or self.row < 0:
            return
        stop = self.reply.values["stops"][self.slider.value()]
        self.list_title.setText(f"{shown(self.token(self.row))}  #{self.row:,} is near")
        self.list_title.setToolTip("The nearest tokens of the model before, by cosine")
        self.row_wanted.emit(str(self.folder), stop, self.reply.values["source"], self.row)

    def show_row(self, reply: Reply) -> None:
        """The reply of the job `course_row`."""
        if reply.values["row"] != self.row:
            return
        ids, scores = reply.arrays["ids"], reply.arrays["scores"]
        self.list.set_rows(
            [
                Neighbor(int(i), token, float(score), float(np.clip(score, 0, 1)))
                for i, token, score in zip(ids, reply.values["tokens"], scores, strict=True)
            ]
        )

    def show_row_error(self, error: TokstudioError) -> None:
        self.list.set_rows([])
        self.list_title.setText(str(error))
