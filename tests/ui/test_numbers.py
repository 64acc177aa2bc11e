"""Numbers as people write them, in the window of a person whose decimal sign is a comma."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QLocale, Qt

from tokstudio.ui import numbers
from tokstudio.ui.numbers import Decimal, Whole, decimal, several, whole
from tokstudio.ui.transfer_cards.budget import read_number

GERMAN, ENGLISH = QLocale(QLocale.German, QLocale.Germany), QLocale(QLocale.English, QLocale.UnitedStates)


@pytest.fixture(params=["de", "en"])
def language(request):
    before = QLocale()
    QLocale.setDefault(GERMAN if request.param == "de" else ENGLISH)
    yield request.param
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("text", "value"),
    [("6000", 6000), ("6,000", 6000), ("6.000", 6000), ("6 000", 6000), ("1.234.567", 1_234_567), ("-5", -5)],
)
def test_whole_numbers_in_every_language(language, text, value):
    assert whole(text) == value


@pytest.mark.parametrize("text", ["", "6,5", "6.5", "60,00", "1,000.000", "six", "1e3", "0x10"])
def test_what_is_no_whole_number(language, text):
    with pytest.raises(ValueError, match=r"\S"):
        whole(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("0.5", 0.5), ("0,5", 0.5), ("0,001", 0.001), ("0.001", 0.001), ("3e-4", 3e-4), ("3,5e-4", 3.5e-4)],
        *[("1,500.25", 1500.25), ("1.500,25", 1500.25), ("1 500,25", 1500.25), ("1,234,567", 1_234_567)],
        *[("-2,5", -2.5), (".5", 0.5), ("1.500", 1.5)],
    ],
)
def test_decimal_numbers_in_every_language(language, text, value):
    assert decimal(text) == value


@pytest.mark.parametrize("text", ["", "a", "1,2,3", "1.2.3", "1,23.4.5", "12,34.5", "--1"])
def test_what_is_no_decimal_number(language, text):
    with pytest.raises(ValueError, match=r"\S"):
        decimal(text)


def test_one_comma_before_three_digits_means_what_the_language_means(language):
    assert decimal("1,500") == (1.5 if language == "de" else 1500)


def test_lists(language):
    assert several("1, 3") == ["1", "3"]
    assert several("0,5; 1,5") == ["0,5", "1,5"]
    assert several("") == []
    assert several("0,5, 1") == (["0,5", "1"] if language == "de" else ["0", "5", "1"])


@given(st.floats(-1e6, 1e6, allow_nan=False), st.integers(3, 6))
def test_what_the_window_writes_is_read_again(value, digits):
    for form in (f"{value:.{digits}f}", f"{value:,.{digits + 1}f}", f"{value:g}"):
        assert decimal(form) == float(form.replace(",", ""))


@given(st.integers(-(10**9), 10**9))
def test_whole_numbers_are_read_as_written(value):
    assert whole(f"{value:,}") == whole(f"{value:,}".replace(",", ".")) == value


@pytest.mark.parametrize("typed", ["0.8", "0,8"])
def test_a_field_for_decimals(qtbot, language, typed):
    box = Decimal()
    qtbot.addWidget(box)
    box.setRange(0, 5)
    box.selectAll()
    qtbot.keyClicks(box, typed)
    qtbot.keyClick(box, Qt.Key_Return)
    assert (box.value(), box.text()) == (0.8, "0.80")
    box.stepUp()
    assert box.value() == 1.8


@pytest.mark.parametrize("typed", ["12000", "12,000", "12.000"])
def test_a_field_for_whole_numbers(qtbot, language, typed):
    box = Whole()
    qtbot.addWidget(box)
    box.setRange(0, 100_000)
    box.selectAll()
    qtbot.keyClicks(box, typed)
    qtbot.keyClick(box, Qt.Key_Return)
    assert (box.value(), box.text()) == (12_000, "12,000")
    box.selectAll()
    qtbot.keyClicks(box, "7x")  # a letter does not go in
    assert box.value() == 7


def test_fields_of_a_transfer(language):
    assert read_number("0,0003", float, 0)[0] == 0.0003
    assert read_number("1.000", int, 1)[0] == 1000
    assert read_number("1,5", int, 1)[0] is None


def test_the_transfer_page_takes_a_decimal_comma(qtbot, language, tmp_path):
    from tokstudio.ui.context import Context, Settings
    from tokstudio.ui.pages.transfer import TransferPage

    page = TransferPage(Context(Settings(tmp_path / "window.ini")))
    qtbot.addWidget(page)
    page.show()
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow, timeout=10_000)
    for key, typed in (("optimizer.learning_rate", "0,002"), ("train.steps", "1.200")):
        line = page.budget.fields[key].line
        line.setFocus()  # what has no focus shows the value at once
        line.selectAll()
        qtbot.keyClicks(line, typed)
    config = page.config
    assert (config.optimizer.learning_rate, config.train.steps) == (0.002, 1200)
    page.close_down()


def test_the_locale_of_the_window_is_the_one_of_the_system(language):
    assert numbers.decimal_comma() == (language == "de")
