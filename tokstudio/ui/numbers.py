"""Numbers that people type: with a decimal point or comma, with or without separators of thousands.

The window writes figures with a decimal point in every language; what is typed is read as the system's language
writes it, too. One that could mean two things ("1,500") is read as the system's language means it.
"""

import re

from PySide6.QtCore import QLocale
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

SPACES = re.compile(r"[\s'\N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]")
MARGINS = (8, 0, 4, 0)  # of a number in its field; the style sheet does not reach inside
GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")


def decimal_comma() -> bool:
    """Whether the system's language writes 0,5 for one half."""
    return QLocale().decimalPoint() == ","


def whole(text: str) -> int:
    """Raises ValueError for anything but a whole number: 6000, 6,000, 6.000 or 6 000."""
    plain = SPACES.sub("", text)
    return int(re.sub("[.,]", "", plain) if GROUPED.fullmatch(plain) else plain)


def decimal(text: str) -> float:
    """Raises ValueError for what is no number: 0.5, 0,5, 1,500.25, 1.500,25, 3e-4."""
    plain = SPACES.sub("", text)
    mantissa, mark, power = plain.lower().partition("e")
    points, commas = mantissa.count("."), mantissa.count(",")
    if points and commas:
        point = max(".,", key=mantissa.rfind)
        groups, _, rest = mantissa.rpartition(point)
        if not GROUPED.fullmatch(groups):
            raise ValueError(f"{text!r} is no number")
        mantissa = re.sub("[.,]", "", groups) + "." + rest
    elif points > 1 or commas > 1:
        if not GROUPED.fullmatch(mantissa):
            raise ValueError(f"{text!r} is no number")
        mantissa = re.sub("[.,]", "", mantissa)
    elif commas:
        thousands = GROUPED.fullmatch(mantissa) and mantissa.lstrip("+-")[0] != "0" and not decimal_comma()
        mantissa = mantissa.replace(",", "" if thousands else ".")
    return float(mantissa + mark + power)


def several(text: str) -> list[str]:
    """The parts of a list: between semicolons; else between commas, which are followed by a space where a comma
    is the decimal sign."""
    if ";" in text:
        parts = text.split(";")
    else:
        parts = re.split(r",\s+" if decimal_comma() and re.search(r",\s", text) else ",", text)
    return [part.strip() for part in parts if part.strip()]


class Whole(QSpinBox):
    """Takes whole numbers as people write them, shows them with commas between thousands."""

    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(*MARGINS)

    def textFromValue(self, value: int) -> str:
        return f"{value:,}"

    def valueFromText(self, text: str) -> int:
        return whole(text)

    def validate(self, text: str, place: int):
        return _judged(self, whole, text, place)


class Decimal(QDoubleSpinBox):
    """Takes 0.5 and 0,5 in every language. Qt's own reads the point as a separator of thousands where the comma is
    the decimal sign, so that 0.5 becomes 5."""

    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(*MARGINS)

    def textFromValue(self, value: float) -> str:
        return f"{value:.{self.decimals()}f}"

    def valueFromText(self, text: str) -> float:
        return decimal(text)

    def validate(self, text: str, place: int):
        return _judged(self, decimal, text, place)


def _judged(box: QSpinBox | QDoubleSpinBox, read, text: str, place: int):
    try:
        value = read(text)
    except ValueError:
        state = QValidator.Invalid if re.search(r"[^\d\s.,'+\-eE]", text) else QValidator.Intermediate
        return state, text, place
    inside = box.minimum() <= value <= box.maximum()
    return (QValidator.Acceptable if inside else QValidator.Intermediate), text, place
