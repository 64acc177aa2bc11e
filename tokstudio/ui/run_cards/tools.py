"""What all charts of a run are told at once: the axis, the scale, the whole again."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from tokstudio.runs.axes import AXES
from tokstudio.ui.transfer_cards.parts import fill
from tokstudio.ui.widgets.basic import button, check, eliding, row, segmented


class ChartTools(QWidget):
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.by = segmented([name.capitalize() for name in AXES], name="Charts by")
        self.log = check("Log scale")
        self.whole = button("Show all", "undo", "quiet")
        self.whole.setEnabled(False)
        about = eliding("Drag over a chart to zoom; a double click shows all", "small", "muted")
        self.by.changed.connect(lambda _: self.changed.emit())
        self.log.toggled.connect(lambda _: self.changed.emit())
        self.whole.clicked.connect(lambda: self.changed.emit())
        fill(self, row(self.by, self.log, (about, 1), self.whole))

    @property
    def axis(self) -> str:
        return AXES[self.by.index()]
