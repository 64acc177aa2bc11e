"""The menu in which a person says what other programs' records new runs keep."""

from dataclasses import replace

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.ui.context import Context

WORDS = {
    "wandb": (
        ("off", "No record for Weights & Biases"),
        ("offline", "Weights & Biases, in the folder of the run"),
        ("online", "Weights & Biases, sent over the network"),
    ),
    "trackio": (("off", "No record for Trackio"), ("local", "Trackio, on this machine")),
}


class TrackingMenu(QMenu):
    """Reads the file when it is opened: it can be edited by hand, and a start does not wait for it."""

    def __init__(self, context: Context, parent: QWidget | None = None):
        super().__init__("Also record new runs for", parent)
        self._context = context
        self.choices: dict[tuple[str, str], QAction] = {}
        for place, (name, entries) in enumerate(WORDS.items()):
            if place:
                self.addSeparator()
            group = QActionGroup(self)
            for value, words in entries:
                action = self.addAction(words.replace("&", "&&"))
                action.setCheckable(True)
                action.triggered.connect(lambda _on, name=name, value=value: self.choose(name, value))
                group.addAction(action)
                self.choices[name, value] = action
        self.aboutToShow.connect(self.mark)

    def mark(self) -> None:
        from tokstudio.runs import tracking

        try:
            now = tracking.load(tracking.settings_file())
        except TokstudioError as error:
            self._context.fail(error)
            now = tracking.Tracking()
        for (name, value), action in self.choices.items():
            action.setChecked(getattr(now, name) == value)

    def choose(self, name: str, value: str) -> None:
        from tokstudio.runs import tracking

        try:
            now = replace(tracking.load(tracking.settings_file()), **{name: value})
            tracking.save(now, tracking.settings_file())
        except TokstudioError as error:
            self._context.fail(error)
            return
        title = self.choices[name, value].text().replace("&&", "&")
        self._context.say(f"New runs: {title}")
