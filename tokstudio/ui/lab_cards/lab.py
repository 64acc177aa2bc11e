"""What the views of the Model page share: both models, the text, and the process that holds the models."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from tokstudio.embed.service import Reply
from tokstudio.errors import ModelError, TokstudioError
from tokstudio.ui.context import Context
from tokstudio.ui.embeddings_maths import Maths

SIDES = ("A", "B")


@dataclass
class Side:
    reference: str = ""  # "": nothing chosen
    name: str = ""
    about: dict | None = None  # what `open` answered


class Lab(QObject):
    """Asks the lab's process. Slots are named by view and side, so that a newer request replaces an older one."""

    opened = Signal(str)  # side
    opening_changed = Signal()
    failed = Signal(str, object)  # slot, TokstudioError

    def __init__(self, context: Context, parent: QObject | None = None):
        super().__init__(parent)
        self.context = context
        self.sides = {side: Side() for side in SIDES}
        self.opening: dict[str, tuple[str, float]] = {}  # by side: name, share done
        self.text = ""
        self.maths = Maths(self, command=("lab-worker",))
        self.maths.failed.connect(self._failed)
        self.maths.progressed.connect(self._progressed)

    def present(self) -> list[str]:
        """Sides with a model, A first."""
        return [side for side in SIDES if self.sides[side].about is not None]

    def open(self, side: str, reference: str, name: str) -> None:
        """An empty reference clears the side."""
        self.maths.cancel(f"open {side}")
        if not reference:
            self.sides[side] = Side()
            self._not_opening(side)
            self.opened.emit(side)
            return

        def done(reply: Reply) -> None:
            self.sides[side] = Side(reference, name, reply.values)
            self._not_opening(side)
            self.opened.emit(side)

        self.opening[side] = (name, 0.0)
        self.maths.ask(f"open {side}", "open", done, title=f"Opening {name}", model=reference)
        self.opening_changed.emit()

    def called(self, side: str) -> str:
        """Its name, or what it is waiting for."""
        if name := self.sides[side].name:
            return name
        return f"Opening {self.opening[side][0]}…" if side in self.opening else "No model"

    def stop_opening(self, side: str) -> None:
        """What is open stays."""
        self.maths.cancel(f"open {side}")
        self._not_opening(side)

    def _not_opening(self, side: str) -> None:
        if self.opening.pop(side, None) is not None:
            self.opening_changed.emit()

    def ask(
        self,
        slot: str,
        side: str,
        job: str,
        done: Callable[[Reply], None],
        part: Callable[[Reply], None] | None = None,
        **arguments,
    ) -> None:
        """`job` on the model of `side`."""
        reference = self.sides[side].reference
        self.maths.ask(f"{slot} {side}", job, done, part=part, title=slot, model=reference, **arguments)

    def cancel(self, slot: str) -> None:
        for side in SIDES:
            self.maths.cancel(f"{slot} {side}")

    def busy(self, slot: str) -> bool:
        return any(self.maths.busy(f"{slot} {side}") for side in SIDES)

    def close(self) -> None:
        self.maths.close(0.2)

    def _failed(self, slot: str, error: TokstudioError) -> None:
        for side in SIDES:
            if slot in ("process", f"open {side}"):
                self._not_opening(side)
        if slot == "process":
            for side in self.sides.values():
                side.about = None
            error = ModelError(
                "The process that holds the models has ended.",
                hint="The system may have stopped it for its memory. Open the models again.",
            )
        self.failed.emit(slot, error)

    def _progressed(self, slot: str, title: str, share: float) -> None:
        verb, _, side = slot.rpartition(" ")
        if share < 0:
            self.context.job_done(f"lab.{slot}")
            return
        if verb == "open" and side in self.opening:
            self.opening[side] = (self.opening[side][0], share)
            self.opening_changed.emit()
            self.context.job(f"lab.{slot}", title, share, lambda: self.stop_opening(side))
        else:
            self.context.job(f"lab.{slot}", title, share, lambda: self.maths.cancel(slot))
