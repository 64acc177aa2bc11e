"""Alt+Left and Alt+Right: what was shown before."""

from typing import Any

MOST = 100
Place = tuple[str, dict[str, Any]]  # page name, what it was asked to show
ACTS = {"start", "demo", "queue", "like", "trainer"}  # going back to a page must not begin a run again


class History:
    def __init__(self) -> None:
        self._places: list[Place] = []
        self._at = -1

    def visit(self, page: str, what: dict[str, Any]) -> None:
        """What came after where one is now is forgotten, as in a browser."""
        place = (page, {key: value for key, value in what.items() if key not in ACTS})
        if self._at >= 0 and self._places[self._at] == place:
            return
        self._places = [*self._places[: self._at + 1], place][-MOST:]
        self._at = len(self._places) - 1

    def go(self, step: int) -> Place | None:
        """The place before (-1) or after (1); None at the end."""
        if not 0 <= self._at + step < len(self._places):
            return None
        self._at += step
        return self._places[self._at]
