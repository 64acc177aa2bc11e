"""What all charts of a run are told at once: the axis, the scale, the whole again."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tokstudio.runs.axes import AXES
from tokstudio.ui import theme
from tokstudio.ui.transfer_cards.parts import fill
from tokstudio.ui.widgets.basic import button, check, eliding, row, segmented

ABOUT = "Drag to zoom, click to pin a value, double click for all"


class ChartTools(QWidget):
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.by = segmented([name.capitalize() for name in AXES], name="Charts by")
        self.log = check("Log scale")
        self.clip = check("Hide peaks")
        self.clip.setToolTip("The axes end at the 99th percentile; what is above is drawn at their upper end")
        self.whole = button("Show all", "undo", "quiet")
        self.whole.setEnabled(False)
        self._about = eliding(ABOUT, "small", "muted")
        self.by.changed.connect(lambda _: self.changed.emit())
        self.clip.toggled.connect(lambda _: self.changed.emit())
        self.log.toggled.connect(lambda _: self.changed.emit())
        self.whole.clicked.connect(lambda: self.changed.emit())
        fill(self, row(self.by, self.log, self.clip, (self._about, 1), self.whole))

    def tell_axis(self, used: str) -> None:
        """`used`: the axis that the charts have; another one than was asked for where the run does not tell it."""
        known = used == self.axis
        self._about.setText(
            ABOUT if known else f"This run does not tell its {self.axis}: the charts are by {used}"
        )
        theme.set_role(self._about, "muted" if known else "warning")

    @property
    def axis(self) -> str:
        return AXES[self.by.index()]
