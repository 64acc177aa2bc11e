"""Generate: one prompt, one or two models, every token with its odds."""

from functools import partial
from math import log2

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from tokstudio.embed.service import Reply
from tokstudio.ui import numbers
from tokstudio.ui.embeddings_header import Badge
from tokstudio.ui.lab_cards.flow import Flow, Piece, scrolled
from tokstudio.ui.lab_cards.lab import SIDES, Lab
from tokstudio.ui.widgets.basic import Card, button, eliding, label, row

FIELDS = (  # setting, caption, lowest, highest, step, decimals, start, help
    ("temperature", "Temperature", 0.0, 5.0, 0.1, 2, 0.0, "0 always takes the most likely token."),
    ("top_k", "Top k", 0, 100_000, 1, 0, 0, "Draw among this many; 0 means all."),
    ("top_p", "Top p", 0.0, 1.0, 0.05, 2, 1.0, "Draw among the likeliest tokens up to this share."),
    ("repetition_penalty", "Repetition", 0.5, 3.0, 0.1, 2, 1.0, "Above 1 makes used tokens less likely."),
    ("seed", "Seed", 0, 2**31 - 1, 1, 0, 17, "The same seed draws the same tokens."),
    ("max_new_tokens", "New tokens", 1, 100_000, 16, 0, 96, "Where to stop, if the model does not."),
)


class Written(Card):
    """What one model wrote."""

    def __init__(self, side: str):
        super().__init__()
        self.name = eliding("", "h2")
        self.stats = eliding("Write lets it go on from the text", "small", "muted")
        self.flow = Flow(f"Text written by model {side}")
        self.body.addWidget(row(Badge(side, SIDES.index(side)), self.name, (self.stats, 1)))
        self.body.addWidget(scrolled(self.flow), 1)
        self._bits: list[float] = []
        self.writing = False

    def begin(self, name: str, prompt: str) -> None:
        self.name.setText(name)
        self._bits, self.writing = [], True
        self.stats.setText("writing…")
        self.flow.set_pieces([Piece(line, quiet=True) for line in prompt.splitlines(keepends=True)])

    def add(self, values: dict) -> None:
        bits = -log2(max(values["probability"], 1e-30))
        self._bits.append(bits)
        options = "\n".join(f"{100 * p:6.2f} %  {name!r}" for name, p in values["alternatives"])
        share = f"{100 * values['probability']:.2f} %"
        about = f"{values['name']!r}: {share}, {bits:.1f} bits\nMost likely here:\n{options}"
        self.flow.add(Piece(values["name"], bits, about))
        self.stats.setText(f"{len(self._bits)} tokens, {sum(self._bits) / len(self._bits):.2f} bits a token")

    def end(self, why: str) -> None:
        self.writing = False
        count = len(self._bits)
        mean = f", {sum(self._bits) / count:.2f} bits a token" if count else ""
        self.stats.setText(f"{count} tokens{mean}, {why}")


class GenerateView(QWidget):
    name, title, order = "generate", "Generate", 1

    def __init__(self, lab: Lab):
        super().__init__()
        self.lab = lab
        self.fields: dict[str, numbers.Whole | numbers.Decimal] = {}
        self.cards = {side: Written(side) for side in SIDES}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._settings())
        sides = QHBoxLayout()
        sides.setSpacing(8)
        for made in self.cards.values():
            sides.addWidget(made, 1)
        layout.addLayout(sides, 1)
        lab.opening_changed.connect(self.refresh)
        self.refresh()

    def _settings(self) -> Card:
        made = Card()
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        for column, (key, caption, low, high, step, decimals, start, help_text) in enumerate(FIELDS):
            field = numbers.Decimal() if decimals else numbers.Whole()
            if decimals:
                field.setDecimals(decimals)
            field.setRange(low, high)
            field.setSingleStep(step)
            field.setValue(start)
            field.setToolTip(help_text)
            field.setAccessibleName(caption)
            field.setMinimumWidth(76)
            grid.addWidget(label(caption, "caption", "muted"), 0, column)
            grid.addWidget(field, 1, column)
            self.fields[key] = field
        self.go = button("Write", "play", "primary")
        self.go.clicked.connect(self.toggle)
        grid.setColumnStretch(len(FIELDS), 1)
        grid.addWidget(self.go, 1, len(FIELDS) + 1)
        made.body.addLayout(grid)
        return made

    def refresh(self) -> None:
        """The models have changed."""
        present = self.lab.present()
        self.go.setEnabled(bool(present))
        wait = "It is being opened." if self.lab.opening else "Choose a model first."
        self.go.setToolTip("" if present else wait)
        for side, made in self.cards.items():
            made.setVisible(side == "A" or side in present)
            made.name.setText(self.lab.called(side))
        self._show_state()

    def run(self) -> None:
        """Nothing by itself: writing is asked for."""

    def toggle(self) -> None:
        if self.lab.busy("Writing"):
            self.lab.cancel("Writing")
            for made in self.cards.values():
                if made.writing:
                    made.end("stopped")
        else:
            settings = {key: field.value() for key, field in self.fields.items()}
            for side in self.lab.present():
                made = self.cards[side]
                made.begin(self.lab.sides[side].name, self.lab.text)
                self.lab.ask(
                    "Writing",
                    side,
                    "generate",
                    partial(self._done, made),
                    part=lambda reply, made=made: made.add(reply.values),
                    prompt=self.lab.text,
                    **settings,
                )
        self._show_state()

    def _done(self, made: Written, reply: Reply) -> None:
        limit = self.fields["max_new_tokens"].value()
        made.end("at the limit" if len(reply.values["ids"]) >= limit else "ended by the model")
        self._show_state()

    def _show_state(self) -> None:
        busy = self.lab.busy("Writing")
        self.go.setText("Stop" if busy else "Write")
        self.go.set_icon("stop" if busy else "play")

    def failed(self) -> None:
        """Something failed, and not by need what is written here."""
        for side, made in self.cards.items():
            if made.writing and not self.lab.maths.busy(f"Writing {side}"):
                made.end("stopped")
        self._show_state()
