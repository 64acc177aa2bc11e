"""Which models are on their way, and how far."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.ui.embeddings_header import Badge
from tokstudio.ui.lab_cards.lab import SIDES, Lab
from tokstudio.ui.widgets.bar import StackedBar
from tokstudio.ui.widgets.basic import button, eliding, label, row


class OpeningRows(QWidget):
    """One row for each model that is being opened; nothing where there is none."""

    def __init__(self, lab: Lab):
        super().__init__()
        self.lab = lab
        self.rows = {side: _Row(lab, side) for side in SIDES}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for made in self.rows.values():
            layout.addWidget(made)
        lab.opening_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        for side, made in self.rows.items():
            made.show_state(self.lab.opening.get(side))
        self.setVisible(bool(self.lab.opening))


class _Row(QWidget):
    def __init__(self, lab: Lab, side: str):
        super().__init__()
        self.words = eliding("", "body", "text2")
        self.bar = StackedBar((), 4, f"Model {side}: how far it is opened")
        self.bar.setFixedWidth(160)
        self.share = label("", "small", "muted")
        stop = button("Cancel", kind="quiet")
        stop.setAccessibleName(f"Do not open model {side}")
        stop.clicked.connect(lambda: lab.stop_opening(side))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        badge = Badge(side, SIDES.index(side))
        layout.addWidget(row(badge, (self.words, 1), self.bar, self.share, stop, spacing=8))

    def show_state(self, state: tuple[str, float] | None) -> None:
        self.setVisible(state is not None)
        if state is not None:
            name, share = state
            self.words.setText(f"Opening {name}…")
            self.bar.set_parts([(share, "accent_fill")])
            self.share.setText(f"{share:.0%}".replace("%", " %"))
