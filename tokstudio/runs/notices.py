"""What a person away from the window wants to be told of a run: it ended, or it raised an alarm. Each thing once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokstudio.runs.alarms import Alarm
from tokstudio.runs.store import RunInfo

ENDED = {"finished": "has finished", "failed": "has failed", "lost": "was lost"}


@dataclass(frozen=True)
class Notice:
    run: str
    kind: str  # "finished", "failed", "lost", or "alarm"
    title: str
    text: str

    @property
    def urgent(self) -> bool:
        return self.kind != "finished"


class Notices:
    """Compares what it is shown with what it was shown before. The first look tells nothing: what had ended by
    then is history."""

    def __init__(self) -> None:
        self._before: dict[str, str] | None = None
        self._alarmed: set[tuple[str, str]] = set()

    def see(
        self, infos: Sequence[RunInfo], alarms: Mapping[str, Sequence[Alarm]] | None = None
    ) -> list[Notice]:
        """`alarms`: what is wrong with each run that goes. An alarm is told again once it was over in between."""
        found = [] if self._before is None else [notice for info in infos for notice in self._ended(info)]
        self._before = {info.name: info.state for info in infos}
        now = {(run, alarm.kind) for run, raised in (alarms or {}).items() for alarm in raised}
        for run, raised in (alarms or {}).items():
            found += [
                Notice(run, "alarm", f"{run} wants attention", f"{alarm.message} {alarm.hint}".strip())
                for alarm in raised
                if (run, alarm.kind) not in self._alarmed
            ]
        self._alarmed = now
        return found

    def _ended(self, info: RunInfo) -> list[Notice]:
        before = (self._before or {}).get(info.name)
        if before is None or before in ENDED or info.state not in ENDED:
            return []
        return [Notice(info.name, info.state, f"{info.name} {ENDED[info.state]}", _how(info))]


def _how(info: RunInfo) -> str:
    if info.state != "finished":
        return info.message or "Its page says more."
    if info.bits_per_byte is not None:
        return f"{info.bits_per_byte:.3f} bits per byte after {info.total_steps:,} steps."
    return f"{info.total_steps:,} steps."
