"""The same prompt continued by the original model and by this run, each in its own tokens; and held-out lines."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.events import Sample
from tokstudio.runs.state import RunState
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.ui import theme
from tokstudio.ui.run_cards.held_out import LinesPane
from tokstudio.ui.widgets.basic import eliding, label, row, segmented, tool
from tokstudio.ui.widgets.token_view import TokenChips
from tokstudio.ui.words import counted

ROWS = {"source": "Source", "target": "This run"}


class SampleRow(QWidget):
    def __init__(self, title: str):
        super().__init__()
        self.name, self.count = label(title, "small", "text2"), label("", "caption", "muted")
        self.count.setMinimumWidth(62)
        self.count.setAlignment(Qt.AlignRight | Qt.AlignTop)
        self.chips = TokenChips(name=f"{title}, tokens")
        self.plain = label("", "small", "text2", wrap=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.name, 0, Qt.AlignTop)
        layout.addWidget(self.chips, 1)
        layout.addWidget(self.plain, 1)
        layout.addWidget(self.count, 0, Qt.AlignTop)
        self._shown: Sample | None = None
        self._say("not generated yet")
        theme.changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        """Both rows begin at the same place."""
        words = QFontMetrics(theme.font("small"))
        self.name.setFixedWidth(max(56, *(words.horizontalAdvance(title) + 2 for title in ROWS.values())))

    def show_sample(self, sample: Sample | None) -> None:
        """A text whose tokenizer is not on this machine any more is shown as plain text."""
        if sample is self._shown:
            return
        self._shown = sample
        if sample is None:
            self._say("not generated yet")
            return
        text = sample.prompt + sample.text
        try:
            tokenizer = load_tokenizer(sample.tokenizer)
            encoding = tokenizer.encode(text)
        except TokstudioError as error:
            self._say(f"{text}\n({error})")
            return
        self.chips.set_encoding(encoding, tokenizer, quiet_bytes=len(sample.prompt.encode()))
        self.count.setText(counted(len(encoding), "token"))
        self.plain.hide()
        self.chips.show()

    def _say(self, text: str) -> None:
        self.plain.setText(text)
        self.count.setText("")
        self.chips.hide()
        self.plain.show()


class SamplesCard(QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("Samples")
        self._prompt = 0
        self._state: RunState | None = None
        self._about = eliding("", "small", "muted")
        self._when = label("", "small", "muted")
        self._back, self._next = tool("chevron-left", "Previous prompt"), tool("chevron-right", "Next prompt")
        self._back.clicked.connect(lambda: self._turn(-1))
        self._next.clicked.connect(lambda: self._turn(1))
        self.rows = {who: SampleRow(title) for who, title in ROWS.items()}
        self.lines = LinesPane()
        self.which = segmented(["Samples", "Held-out lines"], name="Samples or held-out lines")
        self.which.changed.connect(self._show_part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 6, 10, 8)
        layout.setSpacing(6)
        layout.addWidget(
            row(
                self.which,
                (self.lines.head, 1),
                (self._about, 1),
                self._when,
                self._back,
                self._next,
                spacing=8,
            )
        )
        self._areas = [_scroll(line) for line in self.rows.values()]
        for area in self._areas:
            layout.addWidget(area, 1)
        layout.addWidget(self.lines, 1)
        self._show_part(0)

    def _show_part(self, place: int) -> None:
        for area in (*self._areas, self._about, self._when):
            area.setVisible(place == 0)
        for part in (self.lines, self.lines.head):
            part.setVisible(place == 1)
        self._show_arrows()

    def _show_arrows(self) -> None:
        several = self._state is not None and len({sample.prompt for sample in self._state.samples}) > 1
        for arrow in (self._back, self._next):
            arrow.setVisible(several and self.which.index() == 0)

    def refresh(self, state: RunState) -> None:
        self._state = state
        prompts = list(dict.fromkeys(sample.prompt for sample in state.samples))
        self._prompt = min(self._prompt, max(0, len(prompts) - 1))
        self._show_arrows()
        self.lines.refresh(state)
        if not prompts:
            self._about.setText("the first ones come with the first measurement")
        elif len(prompts) == 1:
            self._about.setText("prompt in gray")
        else:
            self._about.setText(f"prompt {self._prompt + 1} of {len(prompts)}, prompt in gray")
        newest = {s.who: s for s in state.samples if prompts and s.prompt == prompts[self._prompt]}
        target = newest.get("target")
        self._when.setText(f"step {target.step:,}, greedy" if target else "")
        for who, line in self.rows.items():
            line.show_sample(newest.get(who))

    def _turn(self, by: int) -> None:
        if self._state is not None:
            prompts = len({sample.prompt for sample in self._state.samples})
            self._prompt = (self._prompt + by) % max(1, prompts)
            self.refresh(self._state)


def _scroll(line: SampleRow) -> QScrollArea:
    """Each text has half of the card: a long one must not push the other out of sight."""
    area = QScrollArea()
    area.setFrameShape(QFrame.NoFrame)
    area.setWidgetResizable(True)
    area.setMinimumHeight(24)
    area.setWidget(line)
    area.setAccessibleName(line.chips.accessibleName())
    for part in (area.viewport(), line):
        part.setAutoFillBackground(False)
    return area
