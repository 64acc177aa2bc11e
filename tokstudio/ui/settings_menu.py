"""The menu behind the cogwheel: undo, colors, text size, what happens to runs, help."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from tokstudio.ui import theme
from tokstudio.ui.tracking_menu import TrackingMenu

if TYPE_CHECKING:
    from tokstudio.ui.main_window import MainWindow

SCHEMES = (  # mode, in the menu, in the palette, icon
    ("light", "Light", "Light colors", "sun"),
    ("dark", "Dark", "Dark colors", "moon"),
    ("contrast", "High contrast", "High contrast", "settings"),
    ("system", "Same as the system", "Colors of the system", "settings"),
)
SWITCHES = (  # text, setting, otherwise
    ("Tell on the desktop when a run ends or needs attention", "runs/notify", True),
    ("Park a run that raises an alarm", "runs/park_on_alarm", False),
)


class SettingsMenu(QMenu):
    def __init__(self, window: "MainWindow"):
        super().__init__(window)
        self._settings = window.context.settings
        self._changes = changes = window.context.changes
        self.undo, self.redo = self.addAction(""), self.addAction("")
        self.undo.triggered.connect(lambda: changes.undo())
        self.redo.triggered.connect(lambda: changes.redo())
        self.addSeparator()
        self._schemes = QActionGroup(self)
        for mode, text, _, _ in SCHEMES:
            action = self.addAction(text)
            action.setCheckable(True)
            action.triggered.connect(lambda _checked, mode=mode: window.set_scheme(mode))
            action.setData(mode)
            self._schemes.addAction(action)
        self.addSeparator()
        for text, keys, step in (("Larger text", "Ctrl++", 1), ("Smaller text", "Ctrl+-", -1)):
            self.addAction(f"{text}\t{keys}").triggered.connect(lambda _checked, step=step: window.zoom(step))
        self.addAction("Normal text size\tCtrl+0").triggered.connect(lambda: window.zoom(0))
        self.addSeparator()
        self.switches = {self.addAction(text): (key, otherwise) for text, key, otherwise in SWITCHES}
        for action, (key, _) in self.switches.items():
            action.setCheckable(True)
            action.toggled.connect(lambda on, key=key: self._settings.set(key, on))
        self.addMenu(TrackingMenu(window.context, self))
        self.addSeparator()
        self.addAction("Help\tF1").triggered.connect(lambda: window.open_help())
        self.addAction("Show the first steps").triggered.connect(lambda: window.show_first_steps())
        self.aboutToShow.connect(self.mark)

    def mark(self) -> None:
        """What holds now."""
        for action, way, name, keys in (
            (self.undo, -1, "Undo", "Ctrl+Z"),
            (self.redo, 1, "Redo", "Ctrl+Shift+Z"),
        ):
            words = self._changes.words(way).replace("&", "&&")
            action.setText(f"{name}: {words}\t{keys}" if words else f"{name}\t{keys}")
            action.setEnabled(bool(words))
        for action in self._schemes.actions():
            action.setChecked(action.data() == theme.mode())
        for action, (key, otherwise) in self.switches.items():
            action.blockSignals(True)
            action.setChecked(bool(self._settings.get(key, otherwise)))
            action.blockSignals(False)
