"""The look: facts of the token table, no color outside it, and a switch that leaves nothing behind."""

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QImage
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

import tokstudio.ui
from tokstudio.ui import icons, theme
from tokstudio.ui.tokens_table import SMALLEST, TABLES, TYPE, contrast
from tokstudio.ui.widgets.basic import button, card, check, combo, label, row, segmented, stat, tool
from tokstudio.ui.widgets.pill import STATES, Pill

TEXTS = [
    *[
        (fg, bg)
        for fg in ("text", "text2")
        for bg in ("bg", "surface", "raised", "neutral_tok", "accent_soft")
    ],
    *[("muted", bg) for bg in ("bg", "surface", "raised", "hover", "neutral_tok", "accent_soft")],
    *[("accent", bg) for bg in ("bg", "surface", "accent_soft")],
    *[("on_accent", bg) for bg in ("accent_fill", "accent_hover", "accent_pressed")],
    *[(name, ground) for name in ("success", "warning", "danger") for ground in ("surface", f"{name}_soft")],
]
MARKS = [("control", bg) for bg in ("surface", "bg", "neutral_tok")]


@pytest.fixture(autouse=True)
def light(qapp):
    theme.apply(qapp, "light")
    yield
    theme.load_scale(1.0)
    theme.apply(qapp, "light")


@pytest.fixture(params=list(TABLES))
def table(request):
    return TABLES[request.param]


@pytest.mark.parametrize(("fg", "bg"), TEXTS)
def test_text_reads_on_its_ground(table, fg, bg):
    assert contrast(table[fg], table[bg]) >= 4.5


@pytest.mark.parametrize(("fg", "bg"), MARKS)
def test_marks_are_seen(table, fg, bg):
    assert contrast(table[fg], table[bg]) >= 3


def test_every_token_hue_reads_and_parts(table):
    assert len(table["tok"]) == 8
    for hue in table["tok"]:
        assert contrast(hue["fg"], hue["bg"]) >= 7
        assert contrast(hue["edge"], hue["bg"]) >= 3
        assert contrast(hue["edge"], table["surface"]) >= 3
        assert contrast(table["accent"], hue["bg"]) >= 3  # the selection outline
    assert all(contrast(series, table["surface"]) >= 3 for series in table["series"])


def test_contrast_is_the_one_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_both_tables_have_the_same_roles():
    assert set(TABLES["light"]) == set(TABLES["dark"])


def test_no_color_is_written_outside_the_table():
    found = []
    for path in sorted(Path(tokstudio.ui.__file__).parent.rglob("*.py")):
        if path.name.startswith(("tokens_table", "theme_maps")):
            continue
        source = path.read_text(encoding="utf-8")
        found += [(path.name, hit) for hit in re.findall(r"""["']#[0-9a-fA-F]{3,8}["']""", source)]
        found += [
            (path.name, hit) for hit in re.findall(r"Qt\.(?:black|white|red|green|blue|gray)\b", source)
        ]
        found += [(path.name, hit) for hit in re.findall(r"QColor\(\s*\d+\s*,", source)]
        found += [(path.name, hit) for hit in re.findall(r"setStyleSheet\(.*(?:color|background)", source)]
    assert found == []


def test_the_style_sheet_holds_no_color_of_its_own():
    from tokstudio.paths import resource

    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", resource("themes/window.qss").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", list(TYPE))
def test_sizes_come_from_the_scale(kind):
    font = theme.font(kind)
    assert font.pixelSize() == TYPE[kind][0] >= SMALLEST
    tag = QFont.Tag.fromString("liga" if kind.startswith("mono") else "tnum")
    assert font.featureValue(tag) == (0 if kind.startswith("mono") else 1)


def test_figures_stay_tabular_under_the_style_sheet(qtbot):
    shown = row(label("1234"), stat("Tokens", "110"), button("Start"))
    qtbot.addWidget(shown)
    shown.show()
    tag = QFont.Tag.fromString("tnum")
    for widget in [*shown.findChildren(QLabel), *shown.findChildren(QPushButton)]:
        assert widget.font().isFeatureSet(tag), widget
        assert widget.font().featureValue(tag) == 1


def sample():
    """One of everything that has a color."""
    made = card("Title", "subtitle", [tool("folder", "Open")])
    made.body.addWidget(row(*[Pill(state) for state in STATES]))
    made.body.addWidget(
        row(button("Start", "play", "primary"), button("Stop…", "stop", "danger"), button("Plain"))
    )
    made.body.addWidget(
        row(check("On", True), check("Ring", True, radio=True), segmented(["A", "B"]), combo(["x"]))
    )
    made.body.addWidget(row(stat("Tokens", "110", "reference"), label("muted", "small", "muted")))
    off = button("Off")
    off.setEnabled(False)
    made.body.addWidget(off)
    made.resize(760, 300)
    return made


def picture(widget) -> QImage:
    widget.show()
    QApplication.processEvents()  # layouts ask their parents in turn
    return widget.grab().toImage()


def test_a_live_switch_equals_a_fresh_start(qtbot, qapp):
    lived = sample()
    qtbot.addWidget(lived)
    before = picture(lived)
    theme.apply(qapp, "dark")
    switched = picture(lived)
    fresh = sample()
    qtbot.addWidget(fresh)
    assert switched == picture(fresh)
    assert switched != before


def test_switching_back_restores_every_pixel(qtbot, qapp):
    shown = sample()
    qtbot.addWidget(shown)
    before = picture(shown)
    theme.apply(qapp, "dark")
    theme.apply(qapp, "light")
    assert picture(shown) == before


def test_larger_text_reaches_every_label(qtbot, qapp):
    shown = sample()
    qtbot.addWidget(shown)
    words = shown.findChildren(QLabel)
    sizes = [word.font().pixelSize() for word in words]
    theme.set_scale(qapp, 1.5)
    assert [word.font().pixelSize() for word in words] == [round(size * 1.5) for size in sizes]
    theme.set_scale(qapp, 1.0)
    assert [word.font().pixelSize() for word in words] == sizes


def test_icons_take_the_color_of_now_and_the_sharpness_of_the_screen(qapp):
    icon = icons.icon("play", "text")
    light = icon.pixmap(16, 16).toImage()
    theme.apply(qapp, "dark")
    assert icon.pixmap(16, 16).toImage() != light
    sharp = icon.pixmap(icons.QSize(16, 16), 2.0)
    assert (sharp.width(), sharp.devicePixelRatio()) == (32, 2.0)
    assert icon.pixmap(16, 16, icons.QIcon.Disabled).toImage() != icon.pixmap(16, 16).toImage()


def test_a_wrong_icon_name_fails_where_it_is_asked_for():
    with pytest.raises(FileNotFoundError):
        icons.icon("no-such-icon")


def test_maps_fade_into_the_panel_at_zero(qapp):
    for name in TABLES:
        theme.apply(qapp, name)
        table = theme.diverging()
        assert table.shape == (256, 3)
        surface = theme.color("surface")
        middle = table[127].astype(int) - [surface.red(), surface.green(), surface.blue()]
        assert abs(middle).max() < 24
        assert table[0, 2] > table[0, 0]  # negative is blue
        assert table[255, 0] > table[255, 2]  # positive is orange
        assert tuple(theme.ramp()[0]) == (surface.red(), surface.green(), surface.blue())
