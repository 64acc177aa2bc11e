"""Bytes of UTF-8 against positions in Qt's text, which counts UTF-16 units."""

from collections.abc import Callable

import numpy as np


class Offsets:
    """Both ways for one text; arrays are made at the first use, and never for ASCII."""

    def __init__(self, text: str, units: Callable[[np.ndarray], np.ndarray] | None = None):
        """`units`: from the text's code points, the UTF-16 units that each takes in the editor; 0 for a CR that is
        shown with its LF, four for the character of "\\x41". None: as many as it has."""
        self._text, self._units = text, units
        self._plain = units is None and text.isascii()
        self._tables: tuple[np.ndarray, np.ndarray] | None = None

    def _both(self) -> tuple[np.ndarray, np.ndarray]:
        """Byte and UTF-16 position of each character, with the end of the text as a last entry."""
        if self._tables is None:
            points = np.frombuffer(self._text.encode("utf-32-le", "surrogatepass"), np.uint32)
            widths = 1 + (points > 0x7F) + (points > 0x7FF) + (points > 0xFFFF)
            units = 1 + (points > 0xFFFF) if self._units is None else self._units(points)
            self._tables = (np.append(0, np.cumsum(widths)), np.append(0, np.cumsum(units)))
        return self._tables

    def position(self, offset: int) -> int:
        """Qt's position of the character that byte `offset` lies in."""
        if self._plain:
            return min(offset, len(self._text))
        in_bytes, in_units = self._both()
        return int(in_units[np.searchsorted(in_bytes, offset, side="right") - 1])

    def end_position(self, offset: int) -> int:
        """Qt's position behind the character that the byte before `offset` lies in."""
        if self._plain:
            return min(offset, len(self._text))
        in_bytes, in_units = self._both()
        at = min(int(np.searchsorted(in_bytes, offset, side="left")), len(in_units) - 1)
        return int(in_units[at])

    def offset(self, position: int) -> int:
        """Byte offset of the character that Qt's `position` lies in."""
        if self._plain:
            return position
        in_bytes, in_units = self._both()
        at = min(int(np.searchsorted(in_units, position, side="left")), len(in_units) - 1)
        return int(in_bytes[at - 1 if in_units[at] > position else at])

    def end_offset(self, position: int) -> int:
        """Byte offset behind the character that the unit before `position` lies in."""
        if self._plain:
            return position
        in_bytes, in_units = self._both()
        return int(in_bytes[min(int(np.searchsorted(in_units, position, side="left")), len(in_bytes) - 1)])
