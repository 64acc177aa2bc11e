"""From the Start button to the run: what is checked first, what puts a failed check right."""

from tokstudio.errors import RunError, TokstudioError
from tokstudio.models.device import ANYWHERE
from tokstudio.runs.trash import Trash
from tokstudio.ui.run_cards.create import create_transfer
from tokstudio.ui.transfer_cards import checks
from tokstudio.ui.widgets.ask import Ask
from tokstudio.ui.words import counted

SURE = ("model", "round", "corpus")  # checks without whose answer no run starts
FOR_GOOD = "Nothing brings them back."


class Starting:
    """Part of `pages.transfer.TransferPage`, whose attributes it works on."""

    def fix(self, key: str) -> None:
        """What puts a failed check right."""
        state = self.preflight.lines[key].check.state
        if key == "folder" and state == "bad":
            self._free_space()
        elif key == "device" and self.preflight.lines[key].check.fix:
            self._change({"train.device": "auto"})
        elif key in ("device", "runtime") and state == "bad":
            self._again()
        elif key == "others":
            self.start(queue=True)
        elif key == "special":
            self.preview.fold.setChecked(True)
            self.preview.fold.setFocus()
        else:
            self._change(checks.cure(key, self.config))

    def _free_space(self) -> None:
        trash = Trash(self.store)
        self._change(checks.cure("folder", self.config))
        if not (held := len(trash.runs())):
            self.context.say("The trash is empty: free space by hand")
            return
        gone = lambda: self.context.say(f"{counted(trash.empty(), 'run')} deleted for good")  # noqa: E731
        Ask(self, f"Delete {counted(held, 'run')} in the trash for good?", FOR_GOOD, "Delete", gone)

    def start(self, queue: bool = False) -> None:
        """The button answers at once; the page of the runs is built after that."""
        self._queue = queue
        self.estimate.go.set_busy("Preparing\N{HORIZONTAL ELLIPSIS}")
        self._starting.start()

    def _start(self) -> None:
        """Freezes the settings into a run folder and goes to where it is followed. What is not known to be good yet is
        waited for: a run that cannot work leaves no folder."""
        if self._soon.isActive() or not self._generation:  # what is set now was not looked at
            self._soon.stop()
            self._measure()
        if self.preflight.running(SURE if self.config.train.device in ANYWHERE else (*SURE, "device")):
            self._waits = True
            return
        if self.preflight.failed():
            self._refuse()
            return
        if not self.may_stream():
            return
        try:
            run = create_transfer(self.store, self.config, self.estimate.run_on.launch())
        except TokstudioError as error:
            self.estimate.problem.show_error(error)
        else:
            self.context.go("runs", **{"queue" if self._queue else "start": run.folder.name})
        self.estimate.go.set_busy(None)
        self._permit()

    def _refuse(self) -> None:
        """Says what the failed check says, where the button is."""
        line = next(line for line in self.preflight.lines.values() if line.check.state == "bad")
        self.estimate.problem.show_error(RunError(f"{line.name}: {line.check.text}"))
        self.estimate.go.set_busy(None)
        self._permit()

    def _go_on(self) -> None:
        """An answer has come."""
        if self._waits:
            self._waits = False
            self._start()

    def _wait_no_more(self) -> None:
        """Other settings than those that were to be started."""
        if self._waits:
            self._waits = False
            self.estimate.go.set_busy(None)
