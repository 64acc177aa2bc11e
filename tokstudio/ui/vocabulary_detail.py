"""The lowest card of the Vocabulary page: everything known about one token."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from tokstudio.embed.vocabulary import BYTE, PARTIAL, SPECIAL, UNUSED, Vocabulary
from tokstudio.ui.vocabulary_chip import Chip, chip_text
from tokstudio.ui.widgets.basic import Card, button, col, eliding, label, row, vline

NAME_WIDTH = 92
LEFT, RIGHT = ("Bytes", "Hex", "Code points", "Count"), ("Built from", "Alone", "Held by", "Norm")
MONO = ("Hex", "Held by", "Built from")


class TokenDetail(Card):
    neighbors_wanted = Signal(int)
    merges_wanted = Signal(int)

    def __init__(self):
        super().__init__()
        self.layout().setContentsMargins(12, 8, 12, 10)
        self.body.setSpacing(6)
        self._chip, self._id = Chip(), eliding("", "small", "muted")
        self._copy = button("Copy", "copy")
        self._copy.setToolTip("Copy the token's text, or its bytes where it is no text")
        self.neighbors = button("Neighbors", "embeddings")
        self.neighbors.setToolTip("Nearest rows of the model's embedding matrix")
        self.neighbors.hide()
        self.merges = button("Merges", "transfer")
        self.merges.setToolTip("Watch how this token is merged, and what had to exist before it")
        self._fields = {name: eliding("", "small", mono=name in MONO) for name in (*LEFT, *RIGHT)}
        self.body.addWidget(row(self._chip, (self._id, 1), self.merges, self.neighbors, self._copy))
        columns = (self._column(*LEFT), 1), vline(), (self._column(*RIGHT), 1)
        self.body.addWidget(row(*columns, spacing=16))
        self._what: tuple[Vocabulary, int] | None = None
        self._copy.clicked.connect(self.copy_token)
        self.merges.clicked.connect(lambda: self.merges_wanted.emit(self._what[1]))
        self.neighbors.clicked.connect(lambda: self.neighbors_wanted.emit(self._what[1]))

    def _column(self, *names: str) -> QWidget:
        rows = []
        for name in names:
            caption = label(name, "small", "muted")
            caption.setMinimumWidth(NAME_WIDTH)
            rows.append(row(caption, (self._fields[name], 1), spacing=4))
        return col(*rows, spacing=3)

    def show_token(self, vocabulary: Vocabulary, token: int) -> None:
        self._what = vocabulary, token
        raw, kind = vocabulary.bytes_of(token), int(vocabulary.kinds[token])
        self._chip.set_token(vocabulary, token)
        self._id.setText(f"id {token:,}")
        self._copy.setEnabled(kind != UNUSED)
        text = raw.decode() if kind not in (PARTIAL, BYTE, UNUSED) else ""
        self._set("Bytes", _counted(raw, text))
        self._set("Hex", raw.hex(" ").upper())
        self._set(
            "Code points", " ".join(f"U+{ord(c):04X}" for c in text[:12]) + (" …" if len(text) > 12 else "")
        )
        for name in ("Built from", "Alone", "Held by"):
            self._set(name, "")
        self.merges.setVisible("BPE" in vocabulary.algorithm)
        self.merges.setEnabled(kind not in (SPECIAL, UNUSED))

    def show_facts(
        self, count: int | None, rank: int | None, norm: float | None, percentile: int | None
    ) -> None:
        """None: not known."""
        self._set("Count", "" if count is None else f"{count:,}, rank {rank:,}" if count else "0")
        self._set("Norm", "" if norm is None else f"{norm:.3f}, percentile {percentile}")

    def show_inspection(self, values: dict) -> None:
        """`pieces`: what the token's own text is cut into; `longer`: how many tokens hold it."""
        if self._what is None or values["token"] != self._what[1]:
            return
        vocabulary, token = self._what
        if values["parts"]:
            self._set("Built from", " + ".join(chip_text(vocabulary, part) for part in values["parts"]))
        elif "merged" in values:
            alone = values["merged"] or vocabulary.lengths[token] == 1
            self._set("Built from", "nothing else" if alone else "no merge makes it")
        pieces = values["pieces"]
        if pieces == [token]:
            self._set("Alone", "its text gives this token again")
        elif pieces:
            self._set(
                "Alone",
                "its text is cut into " + " ".join(chip_text(vocabulary, piece) for piece in pieces[:6]),
            )
        if vocabulary.kinds[token] not in (SPECIAL, UNUSED, PARTIAL, BYTE):
            shown = " ".join(chip_text(vocabulary, other) for other in values["examples"])
            more = f"{values['longer']:,} longer tokens" if values["longer"] else "no longer token"
            self._set("Held by", f"{more}  {shown}".strip())

    def _set(self, name: str, text: str) -> None:
        self._fields[name].setText(text or "\u2013")
        self._fields[name].setAccessibleName(f"{name}: {text or 'none'}")

    def copy_token(self) -> None:
        if self._what is not None:
            raw = self._what[0].bytes_of(self._what[1])
            hexed = self._what[0].kinds[self._what[1]] in (PARTIAL, BYTE)
            QGuiApplication.clipboard().setText(raw.hex(" ").upper() if hexed else raw.decode())


def _counted(raw: bytes, text: str) -> str:
    """`21, 10 characters + space`"""
    if not text:
        return f"{len(raw):,}"
    letters = len(text.lstrip(" "))
    spaces = len(text) - letters
    if not letters:
        return f"{len(raw):,}, {spaces} space{'' if spaces == 1 else 's'}"
    ending = "" if not spaces else " + space" if spaces == 1 else f" + {spaces} spaces"
    return f"{len(raw):,}, {letters} character{'' if letters == 1 else 's'}{ending}"
