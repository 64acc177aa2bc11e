"""Lines in a pane: what its spec says about it; does decoding give the text again, and what the normalizer
changed."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from tokstudio.tokens.trace.roundtrip import RoundTrip
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import eliding, label, tool
from tokstudio.ui.widgets.token_text import glyphs

SHOWN = 10  # characters of each side


class SpecNotes(QFrame):
    """What a person should know about the spec of a pane, in whole sentences, until it is closed."""

    def __init__(self):
        super().__init__()
        self._notes: tuple[str, ...] = ()
        self.words = label("", "small", "text2", wrap=True)
        self.shut = tool("close", "Close this note", 24)
        self.shut.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(11, 2, 8, 2)
        layout.setSpacing(6)
        layout.addWidget(icon_label("alert", "warning", 14), 0, Qt.AlignTop)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.shut, 0, Qt.AlignTop)
        self.hide()

    def show_notes(self, notes: tuple[str, ...]) -> None:
        """The same notes again stay closed."""
        if notes != self._notes:
            self._notes = notes
            self.words.setText(" ".join(notes))
            self.words.setAccessibleName(self.words.text())
            self.setVisible(bool(notes))


class Notice(QFrame):
    """Hidden where the text comes back as it was."""

    asked = Signal(int)  # byte

    def __init__(self):
        super().__init__()
        self._at: int | None = None
        self.words = eliding("", "small", "text2")
        self.go = tool("search", "Show the first difference", 24)
        self.go.clicked.connect(lambda: self.asked.emit(self._at) if self._at is not None else None)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(11, 2, 8, 2)
        layout.setSpacing(6)
        layout.addWidget(icon_label("info", "warning", 14))
        layout.addWidget(self.words, 1)
        layout.addWidget(self.go)
        self.hide()

    def show_round_trip(self, found: RoundTrip | None) -> None:
        words = said(found) if found is not None else ""
        self._at = found.at if found is not None else None
        self.words.setText(words)
        self.words.setAccessibleName(words)
        self.go.setVisible(self._at is not None)
        self.setVisible(bool(words))


def said(found: RoundTrip) -> str:
    """Empty where nothing was lost or changed."""
    if found.problem:
        return f"These ids cannot be decoded: {found.problem}"
    if found.at is None:
        return "Normalizer changed the text, decoding restores it" if found.normalized else ""
    before, after = (glyphs(part[:SHOWN], True) or "nothing" for part in (found.text, found.decoded))
    how = "Normalizer reads" if found.normalized else "Decoding gives"
    what = f"{before} as {after}" if found.normalized else f"{after}, not {before}"
    return f"{how} {what} (byte {found.at:,})"
