"""The plan of a translation while it forms: its heat map, and what a target token is made of, before and now."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui import theme
from tokstudio.ui.background import Worker
from tokstudio.ui.embeddings_list import Neighbor, NeighborList
from tokstudio.ui.embeddings_planes import Shade
from tokstudio.ui.embeddings_scale import ColorBar
from tokstudio.ui.run_cards.plan_data import (
    KINDS,
    START,
    Pair,
    Shot,
    Stamp,
    draw,
    read_pair,
    read_shot,
    stamp,
)
from tokstudio.ui.run_cards.plan_heat import PlanHeat
from tokstudio.ui.widgets.basic import col, eliding, label, row, segmented, tool
from tokstudio.ui.widgets.token_text import glyphs

LOOK = 500  # milliseconds between two looks at the files
TOP = 9  # sources listed of a token
HEIGHT = 300
ENDS = ("input", "output")
TITLES = {"start": "Made of, at the start", "now": "Made of, now"}


class PlanCard(QFrame):
    """Hidden for runs without a plan. All reading and pooling is done by a thread; call `close_down` in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("Plan")
        self.shot: Shot | None = None
        self.pair: Pair | None = None
        self.token = -1
        self._folder: Path | None = None
        self._stamp: Stamp = ()
        self._round = 0  # answers about another run are dropped
        self._busy = self._again = False
        self._chosen = False  # by the person, and not by what changed most
        self._worker = Worker(self)
        self._worker.done.connect(self._arrived)
        self._looks = QTimer(self, interval=LOOK)
        self._looks.timeout.connect(self._look)
        self._make()
        self._build()
        self.hide()

    def _make(self) -> None:
        self.about = eliding("", "small", "muted")
        self.kind = segmented(["Now", "Start", "Change"], name="Which plan")
        self.kind.changed.connect(lambda _: self._draw())
        self.end = segmented(["Input", "Output"], name="Plan of which end")
        self.end.setToolTip("This run has a plan of its own for the tokens read and for those predicted")
        self.end.changed.connect(self._turn)
        self.end.hide()
        self.whole, self.fold = tool("undo", "Show the whole plan"), tool("chevron-down", "Fold the plan")
        self.heat = PlanHeat()
        self.whole.clicked.connect(self.heat.fit)
        self.fold.clicked.connect(lambda: self._fold(self.inside.isVisible()))
        self.heat.wanted.connect(self._draw)
        self.heat.row_chosen.connect(self.choose)
        self.readout = eliding("", "small", "text2")
        self.scale = ColorBar()
        self.heat.read.connect(self._say_readout)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Target token, or #id")
        self.search.setAccessibleName("Target token")
        self.search.textEdited.connect(self._find)
        self.said = eliding("", "small", "muted")
        self.lists = {"start": NeighborList(2), "now": NeighborList(0)}
        for kind, part in self.lists.items():
            part.setAccessibleName(f"Top sources, {kind}")
            part.set_slim(True)
            part.set_words(share)

    def _build(self) -> None:
        self.titles = {kind: eliding(title, "caption", "muted") for kind, title in TITLES.items()}
        for part in self.titles.values():
            part.setToolTip("Entropy of the shares: 0 bits for one source, more for a mixture")
        lists = [col(self.titles[kind], (self.lists[kind], 1), spacing=2) for kind in TITLES]
        side = col(row((self.search, 2), (self.said, 3)), (row(*((part, 1) for part in lists)), 1), spacing=6)
        self.inside = QWidget()
        self.inside.setFixedHeight(HEIGHT)
        inner = QHBoxLayout(self.inside)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(14)
        inner.addWidget(col((self.heat, 1), row((self.readout, 1), self.scale), spacing=2), 5)
        inner.addWidget(side, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 8, 10, 8)
        layout.setSpacing(6)
        layout.addWidget(
            row(label("Plan", "h2"), (self.about, 1), self.end, self.kind, self.whole, self.fold)
        )
        layout.addWidget(self.inside)
        self._say_readout("")
        self._say_scale()

    def _fold(self, folded: bool) -> None:
        self.inside.setVisible(not folded)
        self.kind.setVisible(not folded)
        self.end.setVisible(not folded and self.shot is not None and self.shot.two)
        self.whole.setVisible(not folded)
        icon, tip = ("chevron-right", "Unfold the plan") if folded else ("chevron-down", "Fold the plan")
        self.fold.set_icon(icon, tip)

    def grow(self) -> None:
        """As high as the place allows: where the plan is what the view is about."""
        self.inside.setMinimumHeight(HEIGHT)
        self.inside.setMaximumHeight(16777215)
        self.fold.hide()

    def leave(self) -> None:
        """Follows no run any more."""
        self._looks.stop()
        self._folder, self._stamp = None, ()
        self._round += 1
        self.hide()

    def close_down(self) -> None:
        self._looks.stop()
        self._worker.close()

    # ---------------------------------------------------------------- following the files

    def show_run(self, folder: Path) -> None:
        """The run that is in front; called as often as the page is drawn."""
        if folder == self._folder:
            return
        self._folder, self._stamp = folder, ()
        self._round += 1
        self.shot = self.pair = None
        self.token, self._chosen = -1, False
        self._busy = self._again = False
        self.heat.set_shape((0, 0))
        self.hide()
        self._look()
        self._looks.start()

    def _look(self) -> None:
        found = stamp(self._folder)
        if found == self._stamp or not any(name == START for name, *_ in found):
            return
        fresh = not self._stamp
        start = next(entry for entry in found if entry[0] == START)
        known = self.shot.start if self.shot is not None and start in self._stamp else None
        self._stamp = found
        folder = self._folder
        if fresh:
            self._worker.submit(("pair", self._round), lambda: read_pair(folder))
        self._worker.submit(("shot", self._round), lambda: read_shot(folder, known))
        self.show()

    def _arrived(self, key: tuple[str, int], answer: object) -> None:
        what, number = key
        if number != self._round:
            return
        if what == "picture":
            self._busy = False
        if isinstance(answer, TokstudioError):
            theme.set_role(self.about, "warning")
            self.about.setText(f"{answer} {answer.hint}".strip())
            return
        if what == "pair":
            self.pair = answer
            self.heat.names = (answer.target_text, answer.source_text)
            self._list()
        elif what == "shot":
            self._take(answer)
        elif what == "picture":
            self.heat.set_picture(answer, self.kind_name == "change")
            self._say_scale()
            if self._again:
                self._draw()

    def _take(self, shot: Shot) -> None:
        self.shot = shot = shot.of(ENDS[self.end.index()] if shot.two else "input")
        self.end.setVisible(shot.two and not self.inside.isHidden())
        rows, columns = shot.shape
        entries = len(shot.rows("now").weights)
        theme.set_role(self.about, "muted")
        self.about.setText(
            f"{rows:,} target tokens in rows, {columns:,} source tokens in columns, {entries:,} entries"
        )
        self.heat.set_shape(shot.shape)
        if not self._chosen:
            self.token = int(shot.now.mass.argmax()) if shot.now is shot.start else shot.most_changed()
        self._list()
        self._draw()

    def _turn(self, _index: int) -> None:
        if self.shot is not None:
            self._take(self.shot)

    # ---------------------------------------------------------------- drawing

    @property
    def kind_name(self) -> str:
        return KINDS[self.kind.index()]

    def _draw(self) -> None:
        """One picture at a time; what is asked for meanwhile is drawn next."""
        if self.shot is None:
            return
        self._again = self._busy
        if self._busy:
            return
        self._busy = True
        shot, kind, view, pixels = self.shot, self.kind_name, self.heat.view, self.heat.pixels
        edges = (view.top, view.bottom, view.left, view.right)
        self._worker.submit(("picture", self._round), lambda: draw(shot.rows(kind), *edges, pixels))

    def _say_scale(self) -> None:
        change = self.kind_name == "change"
        self.scale.set_shade(Shade(1.0, unsigned=not change), roots=True)
        self.scale.setToolTip(
            "Share that a target token takes from a source token"
            + (": blue where it fell since the start, orange where it grew" if change else "")
        )

    def _say_readout(self, words: str) -> None:
        self.readout.setText(words or "Click a row to see what it is made of; the wheel zooms, a drag moves")

    # ---------------------------------------------------------------- one token

    def choose(self, token: int) -> None:
        self._chosen, self.token = True, token
        self.search.setText(f"#{token}")
        self.said.setText("")
        self._list()

    def _find(self, words: str) -> None:
        if self.pair is None or not words:
            return
        try:
            token, remark = self.pair.find(words)
        except TokstudioError as error:
            self._say(str(error), "warning")
            return
        self._chosen, self.token = True, token
        self._list(remark)

    def _say(self, words: str, role: str = "muted") -> None:
        theme.set_role(self.said, role)
        self.said.setText(words)

    def _list(self, remark: str = "") -> None:
        if self.shot is None or self.pair is None or self.token < 0:
            return
        token = int(self.token)
        self.heat.choose(token)
        text = glyphs(self.pair.target_text(token), True)
        first = "most frequent" if self.shot.now is self.shot.start else "moved most"
        why = remark or ("" if self._chosen else first)
        self._say(f"{text}  #{token:,}" + (f", {why}" if why else ""))
        for kind, plan in (("start", self.shot.start), ("now", self.shot.now)):
            found = plan.top(token, TOP, self.shot.role)
            bits = self.shot.entropy(kind, token)
            self.titles[kind].setText(TITLES[kind] + ("" if np.isnan(bits) else f" ({bits:.2f} bits)"))
            self.lists[kind].set_rows(
                [Neighbor(source, self.pair.source_text(source), share, share) for source, share in found]
            )


def share(value: float) -> str:
    """Four digits: sources of a few hundredths of a per cent are what a translation learns."""
    return "<0.0001" if 0 < value < 0.00005 else f"{value:.4f}"
