"""The card with what becomes of each vocabulary's tokens in the other one, both ways."""

from PySide6.QtCore import Signal

from tokstudio.ui.vocabulary_cards.engine import VocabularyEngine
from tokstudio.ui.vocabulary_cards.flow import FlowPicture
from tokstudio.ui.widgets.basic import Card, eliding, label

TIP = "Each token's text is cut by the other tokenizer. A band lists its tokens."
WAITS = "Cutting every token with the other tokenizer…"
ALONE = "Choose another vocabulary under “Differences” to see what becomes of the tokens there."


class FlowCard(Card):
    listed = Signal(str)  # words of a query: tokens of this vocabulary
    crossed = Signal(str, str)  # reference of the other one, words of a query there

    def __init__(self):
        super().__init__("Tokens in the other vocabulary", "")
        self.setToolTip(TIP)
        self.layout().setContentsMargins(12, 8, 12, 8)
        self.layout().setSpacing(4)
        self.body.setSpacing(4)
        self.here, self.there = FlowPicture("Tokens there"), FlowPicture("Tokens of the other one here")
        self.pictures = (self.here, self.there)
        self._reference = ""
        self._waits = label("", "small", "muted", wrap=True)
        self._names = eliding("", "caption", "text2"), eliding("", "caption", "text2")
        self.body.addWidget(self._waits)
        for name, picture in zip(self._names, self.pictures, strict=True):
            self.body.addWidget(name)
            self.body.addWidget(picture, 1)
        self.body.addStretch(0)
        self.here.chosen.connect(lambda n: self.listed.emit(self.here.bands[n].term))
        self.there.chosen.connect(lambda n: self.crossed.emit(self._reference, self.there.bands[n].term))

    def show_facts(self, engine: VocabularyEngine) -> None:
        known = bool(engine.flow)
        self._waits.setVisible(not known)
        self._waits.setText(WAITS if engine.shared else ALONE)
        for part in (*self._names, *self.pictures):
            part.setVisible(known)
        if not known:
            return
        other = engine.flow["other"]
        self._reference = other["reference"]
        own = engine.vocabulary.name
        for (source, target), name, picture, key in zip(
            ((own, other["name"]), (other["name"], own)), self._names, self.pictures, ("here", "there"), strict=True
        ):  # fmt: skip
            name.setText(f"Tokens of {source} in {target}")
            picture.name = f"Tokens of {source} in {target}"
            picture.setAccessibleName(picture.name)
            picture.set_flow(engine.flow[key])
