"""What was tried before the start, line by line."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from tokstudio.ui import theme
from tokstudio.ui.icons import icon_label
from tokstudio.ui.transfer_cards.checks import ROWS, Check
from tokstudio.ui.transfer_cards.parts import fill
from tokstudio.ui.widgets.basic import button, eliding, hline, label, row

LOOKS = {
    "ok": ("check", "success", "muted"),
    "warn": ("alert", "warning", "warning"),
    "bad": ("close", "danger", "danger"),
    "run": ("clock", "accent", "accent"),
}
FIXES = {  # what one press puts right
    ("folder", "bad"): "Free some space",
    ("folder", "warn"): "Keep one checkpoint",
    ("model", "bad"): "Use the demo model",
    ("round", "bad"): "Use the demo tokenizer",
    ("special", "warn"): "Show them",
    ("corpus", "bad"): "Use Python's library",
    ("device", "warn"): "Halve the batch",
    ("device", "bad"): "Ask again",
    ("runtime", "bad"): "Ask again",
    ("others", "warn"): "Wait in the queue",
}
WORDS = {"ok": "passed", "warn": "warning", "bad": "failed", "run": "running"}


class _Line(QWidget):
    def __init__(self, key: str, name: str):
        super().__init__()
        self.key, self.name = key, name
        self.check = Check("run", "")
        self._icon = icon_label("clock", "accent", 16)
        title = label(name)
        title.setMinimumWidth(180)
        self.text = eliding("", "small", "muted")
        self.fix = button("", kind="link")
        self.fix.hide()
        fill(self, row(self._icon, title, (self.text, 1), self.fix, spacing=10))
        self._fit()
        theme.changed.connect(self._fit)

    def _fit(self) -> None:
        self.setFixedHeight(max(32, theme.px(32)))

    def show_check(self, check: Check) -> None:
        self.check = check
        icon, shade, role = LOOKS[check.state]
        self._icon.set(icon, shade)
        self.text.setText(check.text)
        theme.set_role(self.text, role)
        words = check.fix or FIXES.get((self.key, check.state), "")
        self.fix.setVisible(bool(words))
        self.fix.setText(words)
        self.fix.setAccessibleName(f"{words}: {self.name}")
        self.setAccessibleName(f"{self.name}: {WORDS[check.state]}. {check.text}")


class PreflightCard(QFrame):
    again = Signal()
    changed = Signal()
    fix = Signal(str)  # key of the check

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("Pre-flight")
        self._sum = eliding("", "small", "muted")
        self.repeat = button("Run again", "refresh")
        self.repeat.clicked.connect(self.again)
        self.lines = {key: _Line(key, name) for key, name in ROWS}
        for key, line in self.lines.items():
            line.fix.clicked.connect(lambda _checked=False, key=key: self.fix.emit(key))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 8)
        layout.setSpacing(3)
        layout.addWidget(row(label("Pre-flight", "title"), (self._sum, 1), self.repeat))
        for place, line in enumerate(self.lines.values()):
            if place:
                layout.addWidget(hline())
            layout.addWidget(line)
        layout.addStretch(1)

    def set_check(self, key: str, check: Check) -> None:
        self.lines[key].show_check(check)
        states = [line.check.state for line in self.lines.values()]
        counts = {state: states.count(state) for state in WORDS}
        self._sum.setText(", ".join(f"{counts[s]} {word}" for s, word in WORDS.items() if counts[s]))
        self.changed.emit()

    def running(self, keys: tuple[str, ...]) -> bool:
        """Has one of these checks no answer yet?"""
        return any(self.lines[key].check.state == "run" for key in keys)

    def failed(self) -> list[str]:
        """Names of the checks that forbid a start."""
        return [line.name for line in self.lines.values() if line.check.state == "bad"]
