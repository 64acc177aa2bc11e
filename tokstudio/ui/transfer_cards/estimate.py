"""What the run will need, and the button that starts it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from tokstudio.ui.charts import Legend
from tokstudio.ui.transfer_cards.facts import Estimate
from tokstudio.ui.transfer_cards.measure import Correction
from tokstudio.ui.transfer_cards.run_on import RunOn
from tokstudio.ui.widgets.bar import ProgressBar, StackedBar
from tokstudio.ui.widgets.basic import button, eliding, label, row, stat
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.words import duration, size

WIDTH = 420
SHADES = ((0, False), (2, True), (1, False), (5, True))  # series color, hatched
STARTS = {"transfer": "Start transfer", "finetune": "Start fine-tuning", "distil": "Start distillation"}
COMPUTED, CORRECTED = "computed from the sizes", "computed, corrected by two measured steps"
MEASURED = "two steps were measured"
WAITING = "\N{EN DASH}"
SPREAD = {  # of the peaks of whole runs, as shares of what is shown before them: demo, LoRA and bytes on the CPU
    COMPUTED: (0.85, 1.35),
    CORRECTED: (0.85, 1.3),
    MEASURED: (1.0, 1.2),  # the largest batch of a run may come later
}


class EstimateCard(QFrame):
    start = Signal()
    copy_command = Signal()
    queue = Signal()
    measure_asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("Estimate")
        self.memory = stat("Peak memory", WAITING)
        self.time = stat("Time", WAITING)
        self.disk = stat("Disk", WAITING)
        self.told = label("", "small", "text2", wrap=True)
        self.bar = StackedBar((), 12, "Parts of the memory")
        self._parts = [(Legend(), label("", "small")) for _ in SHADES]
        self._details = QWidget()
        details = QVBoxLayout(self._details)
        details.setContentsMargins(0, 0, 0, 0)
        details.setSpacing(6)
        for legend, value in self._parts:
            details.addWidget(row(legend, None, value))
        self.problem = Problem()
        self.go = button("Start transfer", "play", "primary")
        self.go.setProperty("big", "1")
        self.go.clicked.connect(self.start)
        self.command = button("Copy as command", kind="link")
        self.command.clicked.connect(self.copy_command)
        self.wait = button("Add to queue", "clock", "quiet")
        self.wait.clicked.connect(self.queue)
        self._why = eliding("", "small", "muted")
        self.run_on = RunOn()
        self.run_on.changed.connect(self.problem.clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(10)
        self._how = eliding(COMPUTED, "small", "muted")
        self.measure = button("Measure", "refresh", "quiet")
        self.measure.setToolTip("Tries two steps in a process of its own and corrects the estimate")
        self.measure.clicked.connect(
            lambda: (self.cancel_asked if self._measuring else self.measure_asked).emit()
        )
        self._measuring = False
        self.progress = ProgressBar(0.0, 4, "Progress of the measurement")
        self.progress.hide()
        self._title = row(label("Estimate", "title"), (self._how, 1), self.measure)
        for part in (
            self._title,
            self.progress,
            row(self.memory, None, self.time, None, self.disk),
            self.told,
            self.bar,
            self._details,
        ):
            layout.addWidget(part)
        layout.addStretch(1)
        self._foot = row((self._why, 1), self.wait, self.command)
        for part in (self.run_on, self.problem, self.go, self._foot):
            layout.addWidget(part)

    def set_compact(self, compact: bool) -> None:
        """At the foot of a narrow window only the numbers and the button stay."""
        for part in (self._title, self._details, self.bar, self.told):
            part.setVisible(not compact)
        if compact:
            self._foot.layout().insertWidget(1, self.measure)
        else:
            self._title.layout().addWidget(self.measure)

    def show_purpose(self, name: str) -> None:
        """`name`: of the run kind."""
        if not self.go.property("busy"):
            self.go.setText(STARTS.get(name, STARTS["transfer"]))

    def show_measuring(self, share: float | None, seconds: float = 0.0) -> None:
        """None: nothing is measured."""
        self._measuring = share is not None
        self.progress.setVisible(self._measuring)
        self.measure.setText("Cancel" if self._measuring else "Measure")
        self.measure.set_icon("close" if self._measuring else "refresh")
        if share is not None:
            self.progress.set(share)
            self._how.setText(f"trying two steps, {duration(seconds)}")

    def show_estimate(
        self, estimate: Estimate, of_memory: float | None, corrected: Correction | None = None
    ) -> None:
        """`of_memory`: bytes that the device has, where it is known. `corrected`: what two steps say."""
        factor = corrected.memory if corrected else 1.0
        total = max(1.0, estimate.memory)
        of = f"of {size(of_memory)}" if of_memory else "about"
        self.memory.set(size(factor * estimate.memory), of)
        self.time.set(*(_time(estimate) if corrected is None else _measured(corrected, estimate)))
        how = COMPUTED if corrected is None else MEASURED if corrected.exact else CORRECTED
        self.told.setText(told(how, estimate.memory, factor * estimate.memory))
        if not self._measuring:
            self._how.setText(how)
        self.disk.set(size(estimate.disk))
        parts = zip(estimate.parts, SHADES, strict=True)
        self.bar.set_parts([(value / total, f"series{shade}", hatch) for (_, value), (shade, hatch) in parts])
        for (legend, words), (name, value), shade in zip(self._parts, estimate.parts, SHADES, strict=True):
            legend.set_entries([(name, shade[0], "hatch" if shade[1] else "box")])
            words.setText(size(factor * value))

    def allow(self, why_not: str, remark: str = "") -> None:
        """`why_not` is empty where the run may start."""
        self.go.setEnabled(not why_not and not self.go.property("busy"))
        self.wait.setEnabled(not why_not)
        self.go.setToolTip(why_not)
        self._why.setText(why_not or remark)


def told(how: str, computed: float, shown: float) -> str:
    """Which figure of the memory is computed and which is measured, and within what a run will stay. In bytes."""
    low, high = (
        size(float(f"{share * shown:.1e}")) for share in SPREAD[how]
    )  # two digits: no more are known
    if how == MEASURED:
        return f"{size(shown)} measured in two steps, {size(computed)} computed: a run takes up to {high}."
    if how == CORRECTED:
        words = f"{size(computed)} computed; two steps measured with other settings make it {size(shown)}:"
        return f"{words} expect {low} to {high}."
    return f"{size(shown)} computed, not measured yet: expect {low} to {high}."


def _measured(corrected: Correction, estimate: Estimate) -> tuple[str, str]:
    """Two steps are among the largest, and other programs slow them: what a whole run took counts as well."""
    ends, words = list(corrected.seconds), "by two steps"
    if estimate.like and estimate.seconds is not None:
        ends, words = [*ends, estimate.seconds], "by two steps, an earlier run"
    low, high = duration(min(ends)), duration(max(ends))
    return (low if low == high else f"{low} to {high}"), words


def _time(estimate: Estimate) -> tuple[str, str]:
    if estimate.seconds is None:
        return WAITING, "known after the first steps"
    if not estimate.like:
        low, high = duration(0.6 * estimate.seconds), duration(1.7 * estimate.seconds)
        return f"{low} to {high}", "no run like it yet"
    return duration(estimate.seconds), f"as {estimate.like}"
