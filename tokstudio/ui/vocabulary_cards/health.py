"""What the check of a vocabulary found, each with its tokens one click away."""

from PySide6.QtCore import Signal

from tokstudio.ui.vocabulary_cards.engine import VocabularyEngine
from tokstudio.ui.vocabulary_facets import FINDINGS
from tokstudio.ui.widgets.basic import Card, button, eliding, label, row

SENTENCES = {
    "unreachable": "no text that was tried gives them, alone or in surroundings",
    "duplicate": "another id stands for the same bytes",
    "alike": "the same letters, composed another way (NFC)",
    "not-utf-8": "bytes that no text in UTF-8 has",
    "under-trained": "the norm of their row is far below the middle; a sign, no proof",
    "partial-utf-8": "parts of characters; normal in byte-level vocabularies",
}
NAMES = FINDINGS | {"partial-utf-8": "Partial UTF-8"}


class HealthCard(Card):
    check_wanted = Signal()
    shown = Signal(str)  # key of the finding whose tokens are to be listed

    def __init__(self):
        self.check = button("Check every token", "check")
        super().__init__("Health", "", (self.check,))
        self.layout().setContentsMargins(12, 8, 12, 8)
        self.body.setSpacing(0)
        self._rows = {}
        for key, name in NAMES.items():
            count, words = label("", "strong"), eliding(SENTENCES[key], "small", "text2")
            count.setFixedWidth(70)
            title = label(name, "small")
            title.setFixedWidth(150)
            show = button("Show", kind="link")
            show.setAccessibleName(f"Show {name.lower()} tokens")
            show.clicked.connect(lambda _=False, key=key: self.shown.emit(key))
            made = row(count, title, (words, 1), show)
            made.setFixedHeight(26)
            made.hide()
            self._rows[key] = (made, count, show)
            self.body.addWidget(made)
        self._more = eliding("", "small", "text2")
        self.body.addWidget(self._more)
        self.check.clicked.connect(self.check_wanted)

    def set_busy(self, busy: bool) -> None:
        self.check.set_busy("Checking…" if busy else None)

    def show_facts(self, engine: VocabularyEngine) -> None:
        counts = dict(engine.health.get("counts", {}))
        if engine.health:
            counts["partial-utf-8"] = engine.health["partial"]
        if engine.low is not None:
            counts["under-trained"] = int(engine.low.sum())
        for key, (made, count, show) in self._rows.items():
            made.setVisible(key in counts)
            count.setText(f"{counts.get(key, 0):,}")
            show.setEnabled(bool(counts.get(key)))
        if not engine.health:
            self.subtitle.setText("Every token is encoded again, alone and in surroundings")
            self._more.setText("")
            return
        self.subtitle.setText(f"{engine.health['tried']:,} tokens tried")
        self._more.setText(_more(engine))


def _more(engine: VocabularyEngine) -> str:
    missing, clashes = engine.health["missing_bytes"], engine.health["clashes"]
    parts = [f"{engine.health['unused']:,} ids unused"] if engine.health["unused"] else []
    if missing:
        shown = " ".join(f"{byte:02X}" for byte in missing[:8]) + (" …" if len(missing) > 8 else "")
        parts.append(f"{len(missing)} bytes without a token of their own: {shown}")
    if clashes:
        parts.append(f"special tokens that are also text: {' '.join(clashes[:4])}")
    if not parts and engine.health["unknown"] and not engine.health["partial"]:
        return "What has no token becomes the unknown one. No special token clashes with text."
    return "   ·   ".join(parts) or "Every byte has a token, no special token clashes with text."
