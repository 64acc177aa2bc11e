"""Bits: how hard a text is for each model, byte by byte, so that models with different tokenizers compare."""

from functools import partial

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.embed.service import Reply
from tokstudio.ui.embeddings_header import Badge
from tokstudio.ui.lab_cards.flow import Flow, Piece, scrolled
from tokstudio.ui.lab_cards.lab import SIDES, Lab
from tokstudio.ui.widgets.basic import Card, Segmented, eliding, row, stat

NONE = "\u2013"


class Read(Card):
    def __init__(self, side: str):
        super().__init__()
        self.name = eliding("", "h2")
        self.figure = stat("Bits per byte", "…")
        self.count = stat("Tokens", "…")
        self.flow = Flow(f"Text read by model {side}")
        self.values: tuple[str, dict] | None = None
        head = row(Badge(side, SIDES.index(side)), (self.name, 1), self.figure, 12, self.count)
        self.body.addWidget(head)
        self.body.addWidget(scrolled(self.flow), 1)

    def show_bits(self, text: str, reply: Reply, by_byte: bool) -> None:
        self.values = text, {**reply.values, **reply.arrays}
        self.figure.set(f"{reply.values['bits_per_byte']:.3f}", "lower is better")
        self.count.set(f"{reply.values['tokens']:,}", f"of {reply.values['bytes']:,} bytes")
        self.draw(by_byte)

    def clear(self) -> None:
        self.values = None
        for part in (self.figure, self.count):
            part.set(NONE)
        self.flow.set_pieces([])

    def draw(self, by_byte: bool) -> None:
        if self.values is not None:
            text, found = self.values
            self.flow.set_pieces(_characters(text, found) if by_byte else _tokens(text, found))


def _tokens(text: str, found: dict) -> list[Piece]:
    data, pieces = text.encode(), []
    for (start, stop), bits in zip(found["spans"].tolist(), found["bits"].tolist(), strict=True):
        shown = data[start:stop].decode(errors="replace")
        pieces.append(Piece(shown, bits, f"{shown!r}: {bits:.2f} bits, {stop - start} bytes"))
    return pieces


def _characters(text: str, found: dict) -> list[Piece]:
    """One piece a character, with the bits of a byte on the same scale as a token's: eight are the most."""
    bits, pieces, at = found["byte_bits"], [], 0
    for character in text:
        size = len(character.encode())
        share = float(np.nansum(bits[at : at + size]))
        pieces.append(Piece(character, 2 * share / size, f"{character!r}: {share:.2f} bits in {size} bytes"))
        at += size
    return pieces


class BitsView(QWidget):
    name, title, order = "bits", "Bits per byte", 2

    def __init__(self, lab: Lab):
        super().__init__()
        self.lab = lab
        self.cards = {side: Read(side) for side in SIDES}
        self.unit = Segmented(["Tokens", "Bytes"], name="What the color is of")
        self.unit.changed.connect(lambda unit: [c.draw(unit == 1) for c in self.cards.values()])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        words = eliding(
            "The stronger the fill, the less the model expected it. Point at a piece for its figure.",
            "small",
            "muted",
        )
        layout.addWidget(row(self.unit, (words, 1)))
        for made in self.cards.values():
            layout.addWidget(made, 1)
        lab.opening_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        present = self.lab.present()
        for side, made in self.cards.items():
            made.setVisible(side == "A" or side in present)
            made.name.setText(self.lab.called(side))

    def run(self) -> None:
        for side in self.lab.present():
            if self.lab.text:
                done = partial(self._show, side, self.lab.text)
                self.lab.ask("Reading", side, "bits", done, text=self.lab.text)
            else:
                self.lab.maths.cancel(f"Reading {side}")
                self.cards[side].clear()

    def _show(self, side: str, text: str, reply: Reply) -> None:
        self.cards[side].show_bits(text, reply, self.unit.index() == 1)

    def failed(self) -> None:
        """Figures of another text than the one at the left go."""
        for made in self.cards.values():
            if made.values is not None and made.values[0] != self.lab.text:
                made.clear()
