"""A switch between both models, for views that show one at a time. Hidden while there is one."""

from PySide6.QtCore import QSignalBlocker

from tokstudio.ui.lab_cards.lab import SIDES, Lab
from tokstudio.ui.widgets.basic import Segmented


class Which(Segmented):
    def __init__(self, lab: Lab):
        super().__init__(list(SIDES), name="Which model is shown")
        self._lab = lab
        self.refresh()

    @property
    def side(self) -> str:
        """B only where it is chosen and there."""
        return SIDES[self.index()] if SIDES[self.index()] in self._lab.present() else SIDES[0]

    def refresh(self) -> None:
        """The models have changed."""
        present = self._lab.present()
        self.setVisible(len(present) == len(SIDES))
        if self.index() and SIDES[self.index()] not in present:
            with QSignalBlocker(self):  # the page runs the view in front by itself
                self.set_index(0)
        for place, side in enumerate(SIDES):
            self.button(place).setToolTip(self._lab.sides[side].name)
