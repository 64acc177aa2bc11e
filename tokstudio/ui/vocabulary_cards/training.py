"""The training panel: what to learn, how it goes, and the result beside its parent."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, QThread, QTimer, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from tokstudio.errors import InputError, TokenizerError, TokstudioError
from tokstudio.tokens.alphabet import byte_level
from tokstudio.tokens.training.events import Compression, Done, Event, Failed, Newest, Phase, shortfall
from tokstudio.tokens.training.forecast import Remaining, duration
from tokstudio.tokens.training.process import TrainingProcess
from tokstudio.tokens.training.save import FolderTaken, check_folder
from tokstudio.ui import reveal, theme
from tokstudio.ui.late import Late
from tokstudio.ui.tokens_table import RADIUS
from tokstudio.ui.vocabulary_cards.training_form import TrainingForm
from tokstudio.ui.widgets.bar import ProgressBar
from tokstudio.ui.widgets.basic import Card, button, col, eliding, label, row, tool
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.widgets.token_text import glyphs, hue

REDRAW = 100  # milliseconds between two looks at what has arrived
KEPT = 14  # newest pieces shown
JOB = "vocabulary.training"


class _Reader(QThread):
    arrived = Signal(object, object)  # TrainingProcess, Event

    def __init__(self, process: TrainingProcess, parent: QWidget):
        super().__init__(parent)
        self._process = process

    def run(self) -> None:
        for event in self._process.events():
            self.arrived.emit(self._process, event)


class NewestPieces(QWidget):
    """The pieces made last, the newest first, each with how often it stood in the text."""

    def __init__(self):
        super().__init__()
        self._pieces: list[tuple[str, bytes, int]] = []
        self.setFixedHeight(128)
        self.setAccessibleName("Newest tokens")
        theme.changed.connect(self.update)

    def clear(self) -> None:
        self._pieces = []
        self.update()

    def add(self, newest: Newest) -> None:
        made = [(piece, _bytes(piece, newest.byte_level), count) for piece, count in newest.pieces]
        self._pieces = [*reversed(made), *self._pieces][: KEPT * 3]
        self.setAccessibleDescription(", ".join(text for text, _, _ in self._pieces[:KEPT]))
        self.update()

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setFont(theme.font("mono"))
        metrics, x, y = painter.fontMetrics(), 0.0, 0.0
        for _, raw, _count in self._pieces:
            text = glyphs(raw.decode(errors="replace"), True)
            width = metrics.horizontalAdvance(text) + 6
            if x + width > self.width():
                x, y = 0.0, y + 26
            if y + 22 > self.height():
                return
            shade = theme.table()["tok"][hue(raw)]
            box = QRectF(x, y, width, 20)
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.color(shade["bg"]))
            painter.drawRoundedRect(box, RADIUS["chip"], RADIUS["chip"])
            painter.fillRect(QRectF(x + 1, y + 18, width - 2, 2), theme.color(shade["edge"]))
            painter.setPen(theme.color(shade["fg"]))
            painter.drawText(box, Qt.AlignCenter, text)
            x += width + 6


def _bytes(piece: str, in_bytes: bool) -> bytes:
    return byte_level(piece) if in_bytes else piece.replace("▁", " ").encode()


class TrainingPanel(QFrame):
    """Not modal: the rest of the window works while it learns."""

    closed = Signal()
    opened = Signal(str)  # a reference to show in the vocabulary

    def __init__(self, context):
        super().__init__()
        self._context = context
        self._process: TrainingProcess | None = None
        self._reader: _Reader | None = None
        self._waiting: list[Event] = []
        self._parent, self._result = "", ""
        self._started, self._remaining = 0.0, Remaining(None)
        self._points: list[tuple[int, float]] = []
        self.form = TrainingForm()
        self.problem = Problem()
        self.start = button("Start training", "play", "primary")
        self.cancel = button("Cancel", "stop", "danger")
        close = tool("close", "Close the panel")
        self._card = Card("Train a tokenizer", "", (close,))
        self._build()
        self._redraw = QTimer(self, interval=REDRAW)
        self._redraw.timeout.connect(self._show_waiting)
        close.clicked.connect(self.closed)
        self.start.clicked.connect(lambda: self.begin())
        self.cancel.clicked.connect(self.stop)
        self.form.changed.connect(self._enable)
        self._enable()

    def _build(self) -> None:
        self._phase, self._remark = label("", "strong"), eliding("", "small", "text2")
        self._bar = ProgressBar(name="Training")
        self.newest = NewestPieces()
        self.curve = Late(_curve, "Compression of held-out text")
        self.curve.setFixedHeight(190)
        self._best = eliding("", "small", "text2")
        self._pieces = col(label("Newest tokens", "caption", "muted"), self.newest, spacing=6)
        heading = row(label("Bytes per token of held-out text", "caption", "muted"), (self._best, 1))
        self._compression = col(heading, self.curve, spacing=6)
        self._live = col(
            row(self._phase, (self._remark, 1)), self._bar, self._pieces, self._compression, spacing=6
        )
        self._live.hide()
        self._compare, self._show = button("Compare", "compare"), button("Show", "vocabulary")
        self._folder, self._another = tool("folder", "Show in folder", 30), button("Another…", "plus")
        self._said = label("", "body", "text", wrap=True)
        self._done = col(
            self._said,
            row(self._compare, self._show, self._folder, self._another, None, spacing=6),
            spacing=8,
        )
        self._done.hide()
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, 8, 8)
        layout.setSpacing(12)
        for part in (self.form, self.problem, self._live, self._done):
            layout.addWidget(part)
        layout.addStretch(1)
        self._area = area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setAccessibleName("Training")
        area.setFocusPolicy(Qt.NoFocus)
        area.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        self._card.body.addWidget(area, 1)
        self._buttons = row(self.start, self.cancel, None)  # below what scrolls: always in sight
        self._card.body.addWidget(self._buttons)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._card)
        self._compare.clicked.connect(self.compare)
        self._show.clicked.connect(lambda: self.opened.emit(self._result))
        self._another.clicked.connect(self._again)
        self._folder.clicked.connect(lambda: reveal.show(self._context, Path(self._result)))

    def set_parent_tokenizer(self, reference: str, name: str) -> None:
        """What is extended or pruned, and stands beside the result."""
        if reference and reference != self._result and not self.running:
            self._parent = reference
            self.form.set_parent_tokenizer(reference, name)

    @property
    def running(self) -> bool:
        return self._process is not None

    def _again(self) -> None:
        self._live.hide()
        self._done.hide()
        self._enable()

    def _enable(self) -> None:
        self.start.setEnabled(not self.running and self.form.ready())
        self.start.setToolTip("" if self.form.ready() else "Add text first")
        self.cancel.setEnabled(self.running)
        fill = not self.running and self._done.isHidden()  # while it learns, what happens needs the room
        self.form.setVisible(fill)
        self.start.setVisible(fill)
        self.cancel.setVisible(self.running)
        self._buttons.setVisible(fill or self.running)

    # ---------------------------------------------------------------- running

    def begin(self, replace: bool = False) -> None:
        """`replace`: a tokenizer that was trained into the same folder may go."""
        self.problem.clear()
        self._done.hide()
        try:
            settings = dataclasses.replace(self.form.settings(), replace=replace)
            check_folder(settings.folder(), replace)
            self._process = TrainingProcess(settings)
        except FolderTaken as error:
            ways = [("Replace it", lambda: self.begin(True))] if error.trained else []
            what = " A tokenizer was trained into it." if error.trained else ""
            hint = "Name a new folder, or replace what is there." if error.trained else error.hint
            self._show_problem(InputError(f"{error}{what}", hint=hint), ways)
            return
        except TokstudioError as error:
            self._show_problem(error)
            return
        self._started, self._points, self._waiting = time.monotonic(), [], []
        self._remaining = Remaining(self.form.expected)
        self.newest.clear()
        self.curve.clear()
        self._best.setText("")
        self._pieces.hide()  # not every way of training tells them
        self._compression.hide()
        self._show_phase(Phase("Starting"))
        self._live.show()
        self._reader = _Reader(self._process, self)
        self._reader.arrived.connect(self._take)
        self._reader.start()
        self._redraw.start()
        self._enable()

    def _take(self, process: TrainingProcess, event: Event) -> None:
        if process is self._process:
            self._waiting.append(event)

    def _show_waiting(self) -> None:
        """Everything since the last look; only the newest phase is worth painting."""
        events, self._waiting = self._waiting, []
        phase = next((e for e in reversed(events) if isinstance(e, Phase)), None)
        if phase is not None:
            self._show_phase(phase)
        for event in events:
            if isinstance(event, Newest):
                self._pieces.show()
                self.newest.add(event)
            elif isinstance(event, Compression):
                self._points.append((event.size, event.bytes_per_token))
        if any(isinstance(event, Compression) for event in events):
            points = sorted(self._points)
            self._compression.show()
            self.curve.call(lambda chart: chart.set_series("held out", *zip(*points, strict=True), width=2))
            self._best.setText(f"{points[-1][1]:.2f} at {points[-1][0]:,} tokens")
        for event in events:
            if isinstance(event, Done | Failed):
                self._end(event)

    def _show_phase(self, phase: Phase) -> None:
        self._phase.setText(phase.name)
        left = self._remaining.after(phase)
        about = f"about {duration(left)} left" if left is not None else ""
        self._remark.setText("   ·   ".join(part for part in (phase.remark, about) if part))
        self._bar.set(max(0.0, phase.share))
        self._context.job(JOB, f"Training: {phase.name.lower()}", max(0.0, phase.share), self.stop)

    def stop(self) -> None:
        """Ends the process at once; nothing has been written."""
        if self._process is None:
            return
        process, reader = self._process, self._reader
        self._process = self._reader = None
        self._redraw.stop()
        process.cancel()
        reader.wait()
        self._live.hide()
        self._context.job_done(JOB)
        self._context.say("The training was cancelled; nothing was written.")
        self._enable()

    def _end(self, event: Done | Failed) -> None:
        self._show_phase(Phase("Finished", 1.0))
        self._redraw.stop()
        self._reader.wait()
        self._process = self._reader = None
        self._context.job_done(JOB)
        self._remark.setText(f"{time.monotonic() - self._started:.1f} s")
        if isinstance(event, Failed):
            self._live.hide()
            self._show_problem(
                TokenizerError(event.message, hint=event.hint), [("Try again", lambda: self.begin())]
            )
        else:
            self._show_result(event)
        self.form.propose_folder()
        self._enable()

    def _show_problem(self, error: TokstudioError, ways: Sequence[tuple] = ()) -> None:
        """Below the form, and in sight."""
        self.problem.show_error(error, ways)
        QTimer.singleShot(60, self, lambda: self._area.ensureWidgetVisible(self.problem, 0, 12))

    def _show_result(self, done: Done) -> None:
        self._result, report = done.folder, done.report
        measured = f", {report['bytes_per_token']:.2f} bytes per token" if report["bytes_per_token"] else ""
        short = f" {made}." if (made := shortfall(report)) else ""
        self._said.setText(
            f"{report['algorithm']}, {report['tokens']:,} tokens{measured}.{short} "
            f"{Path(done.folder).name}: {', '.join(report['files'])}"
        )
        self._compare.setToolTip("Open it as a pane beside the tokenizer that was shown when it was trained")
        self._done.show()
        QTimer.singleShot(60, self, lambda: self._area.ensureWidgetVisible(self._done, 0, 12))

    def compare(self) -> None:
        """The result and its parent as panes beside each other."""
        self._context.go("compare", tokenizer=self._result, beside=self._parent)

    def close_down(self) -> None:
        self._redraw.stop()
        if self._process is not None:
            process, reader = self._process, self._reader
            self._process = self._reader = None
            process.cancel()
            reader.wait()


def _curve() -> QWidget:
    from tokstudio.ui.charts import LineChart

    return LineChart("Bytes per token", x_label="tokens")
