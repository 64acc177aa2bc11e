"""Runs that were thrown away and can come back: `.trash` in the runs folder."""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tokstudio.errors import InputError, RunError
from tokstudio.runs.files import folder_error
from tokstudio.runs.store import RunStore

PATIENCE = 5.0  # seconds in which the process of a run that is thrown away goes


@dataclass(frozen=True)
class Thrown:
    name: str
    folder: Path
    at: float  # seconds since the epoch


class Trash:
    def __init__(self, store: RunStore):
        self.store = store
        self.folder = store.folder / ".trash"

    def throw(self, name: str) -> Thrown:
        """Ends the run where it goes, and takes its folder out of the list. Blocks up to `PATIENCE`. Raises
        RunError."""
        run = self.store.open(name)
        if run.alive():
            run.kill()
            if not run.wait(PATIENCE):
                raise RunError(f"The process of {name} does not end.", hint="Try again in a moment.")
        at = time.time()
        place = self.folder / f"{name}@{at:.6f}"
        try:
            self.folder.mkdir(exist_ok=True)
            run.folder.rename(place)
        except OSError as error:
            raise folder_error(self.store.folder, error) from None
        return Thrown(name, place, at)

    def runs(self) -> list[Thrown]:
        """Newest first."""
        if not self.folder.is_dir():
            return []
        found = [(re.fullmatch(r"(.+)@([\d.]+)", path.name), path) for path in self.folder.iterdir()]
        return sorted((Thrown(m[1], p, float(m[2])) for m, p in found if m), key=lambda t: -t.at)

    def restore(self, name: str) -> str:
        """Brings back the one of this name that was thrown away last; returns its name. Raises InputError."""
        thrown = next((one for one in self.runs() if one.name == name), None)
        if thrown is None:
            known = ", ".join(one.name for one in self.runs()[:5])
            raise InputError(f"The trash holds no run {name}.", hint=f"It holds: {known}." if known else "")
        place = self.store.folder / name
        if place.exists():
            raise InputError(f"There is a run {name} already.", hint="Rename or remove that one first.")
        try:
            thrown.folder.rename(place)
        except OSError as error:
            raise folder_error(self.store.folder, error) from None
        return name

    def empty(self) -> int:
        """Deletes all for good; returns how many."""
        gone = self.runs()
        for one in gone:
            shutil.rmtree(one.folder, ignore_errors=True)
        return len(gone)
