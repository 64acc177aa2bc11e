"""The run that a model came from: its plan, how rows moved over its checkpoints, and the model before."""

from itertools import islice
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from tokstudio.embed.known import matrix_path
from tokstudio.embed.run_folder import checkpoints, run_models
from tokstudio.errors import InputError, TokstudioError
from tokstudio.runs.store import RunStore
from tokstudio.ui.embeddings_course import CourseView
from tokstudio.ui.embeddings_engine import Side
from tokstudio.ui.run_cards.plan import PlanCard
from tokstudio.ui.run_cards.plan_data import START
from tokstudio.ui.widgets.basic import button, eliding, row, segmented

PLAN, COURSE = range(2)
LISTED = 15  # runs in the menu


def run_of(model: Path) -> Path | None:
    """The folder of the run that made `model`, where it kept its plan or checkpoints: `model` is that folder, its
    export, or one of its checkpoints."""
    for place in (model, *model.parents[:3]):
        try:
            run_models(place)
        except InputError:
            continue
        return place if (place / START).is_file() or checkpoints(place) else None
    return None


def runs_to_look_into() -> list[Path]:
    """Folders of the newest runs, going on or ended, that keep a checkpoint or an export."""
    try:
        known = RunStore().runs()
    except TokstudioError:
        return []
    folders = (info.folder for info in known)
    kept = (
        folder for folder in folders if checkpoints(folder) or (folder / "export" / "config.json").is_file()
    )
    return list(islice(kept, LISTED))


class TransferView(QWidget):
    before_wanted = Signal(str)  # path of the model before the transfer

    def __init__(self) -> None:
        super().__init__()
        self.plan, self.course = PlanCard(), CourseView()
        self.plan.grow()
        self.words = eliding("", "small", "muted")
        self.which = segmented(["Plan", "Checkpoints"], name="What of the run")
        self.which.button(PLAN).setToolTip("Every token of the new vocabulary as a mixture of old ones")
        self.which.button(COURSE).setToolTip("How the rows moved from one checkpoint to the next")
        self.before = button("Model before as B", "plus")
        self.before.setToolTip("Neighbors before and after beside each other")
        self.before.clicked.connect(lambda: self.before_wanted.emit(self._source))
        self._source = ""
        self._stack = QStackedWidget()
        self._stack.addWidget(self.plan)
        self._stack.addWidget(self.course)
        self.which.changed.connect(self._stack.setCurrentIndex)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(row((self.words, 1), self.which, self.before))
        layout.addWidget(self._stack, 1)

    def show_model(self, model: Path, side: Side | None = None) -> bool:
        """Whether `model` is of a run with a plan or with checkpoints. `side` names its rows."""
        folder = run_of(model)
        if folder is None:
            self.plan.leave()
            self.course.follow(None, None)
            return False
        self._source = ""
        try:
            self._source = str(matrix_path(run_models(folder).model))
            self.words.setText(folder.name)
        except TokstudioError as error:
            self.words.setText(str(error))
        self.before.setEnabled(bool(self._source))
        planned, kept = (folder / START).is_file(), bool(checkpoints(folder))
        if folder != self.course.folder:
            self.which.set_index(PLAN if planned else COURSE)
        self.which.setVisible(planned and kept)
        self._stack.setCurrentIndex(self.which.index())
        self.plan.show_run(folder) if planned else self.plan.leave()
        self.course.follow(folder, side)
        return True

    def close_down(self) -> None:
        self.plan.close_down()
        self.course.follow(None, None)
