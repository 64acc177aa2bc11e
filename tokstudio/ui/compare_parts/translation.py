"""A translation on the screen: the ids read directly, the tokens through text, the losses; all three linked."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from tokstudio.tokens.translate_service import Shown
from tokstudio.ui.compare_parts.direct import DirectView
from tokstudio.ui.compare_parts.grid import Cell, Column, Grid
from tokstudio.ui.widgets.basic import Card, label
from tokstudio.ui.widgets.token_text import glyphs
from tokstudio.ui.widgets.token_view import TokenView

HINT = "Point at an id to see why it reads as it does."
COLUMNS = (
    Column("What changes", width=150),
    Column("Bytes", right=True, width=92),
    Column("Before", mono=True),
    Column("After", mono=True),
    Column("By", width=132),
)
LONGEST = 200  # characters of one cell


class TranslationBoard(QWidget):
    """Places are bytes of the text that was given; -1, -1 means nothing."""

    lit = Signal(int, int)  # the bytes under the pointer somewhere
    placed = Signal(int, int)  # the place of the loss that was chosen

    def __init__(self):
        super().__init__()
        self.shown: Shown | None = None
        self.direct, self.losses = DirectView(), Grid("Losses")
        self.through = TokenView("Tokens through text")
        self.through.set_mode("every")
        self.through.set_show("ids")
        self.why = label(HINT, "small", "muted", wrap=True)
        self.why.setContentsMargins(11, 0, 11, 0)
        self.old = label("old", "caption", "muted")
        self.old.setProperty("frame", "tag")
        self.old.hide()
        self.direct_card = _card("Direct", self.direct, self.why)
        self.through_card = _card("Through text", self.through, actions=[self.old])
        self.loss_card = _card("Losses", self.losses)
        parts = QSplitter(Qt.Vertical)
        parts.setHandleWidth(8)
        parts.setChildrenCollapsible(False)
        parts.setFrameShape(QFrame.NoFrame)
        for part in (self.direct_card, self.through_card, self.loss_card):
            parts.addWidget(part)
        parts.setSizes([210, 190, 300])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(parts)
        self.direct.hovered.connect(lambda start, stop: self.light(start, stop, self.direct))
        self.direct.explained.connect(lambda why: self.why.setText(why or HINT))
        self.through.hovered.connect(self._from_through)
        self.losses.chosen.connect(lambda at, _: self.choose(at))

    # ---- what is shown

    def fill(self, shown: Shown) -> None:
        self.shown, facts = shown, shown.facts
        self.old.hide()
        tokens, total = facts["direct_tokens"], facts["source_tokens"]
        self.direct.set_tokens(tokens)
        self.why.setText(HINT)
        right = sum(token["kind"] == "same" for token in tokens)
        note = f"{total:,} ids of {facts['source']} read by {facts['target']}: {right:,} of {len(tokens):,} are right"
        more = "" if total == len(tokens) else f" (the first {len(tokens):,})"
        self.direct_card.subtitle.setText(note + more)
        self.through.set_encoding(shown.encoding, _Names(shown.specials))
        self.through_card.subtitle.setText(facts["returned"].replace("\n", "↵")[: 2 * LONGEST])
        self._fill_losses(facts)

    def _fill_losses(self, facts: dict) -> None:
        names = {"source": facts["source"], "target": facts["target"]}
        self.losses.set(COLUMNS, [_row(loss, names) for loss in facts["losses"]])
        self.losses.clearSelection()
        counts = [f"{kind} {count:,}" for kind, count in facts["summary"].items() if kind != "special added"]
        words = "The text comes back unchanged" if facts["lossless"] else ", ".join(counts)
        if facts["loss_count"] > len(facts["losses"]):
            words += f"; the first {len(facts['losses']):,} are listed"
        if framed := facts["summary"].get("special added", 0):
            words += f"; {framed:,} special token{'s' if framed != 1 else ''} added"
        self.loss_card.subtitle.setText(words)

    # ---- links

    def light(self, start: int, stop: int, origin: QWidget | None = None) -> None:
        """Outlines these bytes in the parts that are not their `origin`."""
        self.lit.emit(start, stop)
        if origin is not self.direct:
            self.direct.highlight(start, stop)
        if origin is not self.through:
            self.through.highlight(*self._decoded(start, stop))

    def light_at(self, start: int) -> None:
        """The token that came from this byte; below 0: none."""
        if self.shown is None or start < 0:
            self.light(-1, -1)
            return
        places = self.shown.places
        found = ((places[:, 0] <= start) & (places[:, 1] > start)).nonzero()[0]
        self.light(*(places[found[0]].tolist() if len(found) else (start, start + 1)))

    def _from_through(self, start: int, stop: int) -> None:
        """A place in what the source decoded."""
        if self.shown is None or start < 0:
            self.light(-1, -1, self.through)
        else:
            self.light(*_covering(self.shown.encoding.spans, self.shown.places, start, stop), self.through)

    def _decoded(self, start: int, stop: int) -> tuple[int, int]:
        if self.shown is None or start < 0:
            return -1, -1
        return _covering(self.shown.places, self.shown.encoding.spans, start, stop)

    def choose(self, at: int) -> None:
        """The place of a loss, everywhere."""
        loss = self.shown.facts["losses"][at]
        start, stop = loss["start"], loss["stop"]
        near = (start, stop) if stop > start else (max(0, start - 1), max(1, start))
        self.placed.emit(start, stop)
        self.light(*near)
        decoded = self._decoded(*near)
        self.through.select(*decoded)
        if decoded[0] >= 0:
            self.through.reveal(*decoded)


class _Names:
    """What a token view asks of a tokenizer."""

    def __init__(self, specials: dict[str, int]):
        self.special_tokens = specials
        names = (name for name in ("[UNK]", "<unk>") if name in specials)
        self.unknown_id = next((specials[name] for name in names), None)

    @staticmethod
    def token_bytes(_token: int) -> bytes | None:
        """Not known here: long texts are translated in a process of their own."""
        return None


def _card(title: str, *parts: QWidget, actions: list[QWidget] | None = None) -> Card:
    made = Card(title, "", actions or [])
    made.body.setSpacing(4)
    made.layout().setContentsMargins(1, 10, 1, 8)
    made.header_layout.setContentsMargins(11, 0, 11, 0)
    for at, part in enumerate(parts):
        made.body.addWidget(part, 0 if at else 1)
    return made


def _covering(ranges, others, start: int, stop: int) -> tuple[int, int]:
    """From the first to the last of `others` whose `ranges` share bytes with start:stop; -1, -1: none."""
    found = ((ranges[:, 0] < stop) & (ranges[:, 1] > start)).nonzero()[0]
    return (int(others[found, 0].min()), int(others[found, 1].max())) if len(found) else (-1, -1)


def _row(loss: dict, names: dict[str, str]) -> list[Cell]:
    return [
        Cell(loss["kind"].capitalize(), role="muted" if loss["kind"] == "special added" else "text"),
        Cell(f"{loss['start']:,}\u2013{loss['stop']:,}", role="muted"),
        Cell(glyphs(loss["before"][:LONGEST], True), told=repr(loss["before"])),
        Cell(glyphs(loss["after"][:LONGEST], True), told=repr(loss["after"])),
        Cell(names[loss["side"]], role="muted"),
    ]
