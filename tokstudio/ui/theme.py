"""Colors, fonts, palette and style sheet from one table, and the live switch between schemes.

Nothing keeps a color: widgets carry role properties that the style sheet reads, painters call `color()` while
they paint, and owners of plots connect to `changed` and read again.
"""

from collections.abc import Iterator
from functools import lru_cache

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from tokstudio.paths import resource
from tokstudio.ui import dressing
from tokstudio.ui.theme_qss import style_sheet
from tokstudio.ui.tokens_table import SMALLEST, TABLES, TYPE

UI, MONO = "Inter", "JetBrains Mono"
FONT_FILES = (
    "Inter-Regular.otf",
    "Inter-Medium.otf",
    "Inter-SemiBold.otf",
    "JetBrainsMono-Regular.ttf",
    "JetBrainsMono-Medium.ttf",
)
FEATURES = {
    UI: {"tnum": 1, "cv05": 0},
    MONO: {"liga": 0, "calt": 0},
}  # "->" must stay two glyphs in a token view
# named, because the system's own choice for a script may be a bold or serif face
FALLBACKS = (
    "Noto Sans Mono CJK JP",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "Yu Gothic UI",
    "Microsoft YaHei UI",
    "PingFang SC",
)
SCALES = (0.85, 1.0, 1.15, 1.3, 1.5)


class _Notifier(QObject):
    changed = Signal()


class _State:
    """What is applied now; only this module writes it."""

    mode = "system"
    name = "light"
    scale = 1.0


_notifier = _Notifier()
changed = _notifier.changed  # after a live switch of scheme or scale


def current() -> str:
    """ "light", "dark" or "contrast"."""
    return _State.name


def is_dark() -> bool:
    """Light words on a dark ground."""
    return _State.name != "light"


def mode() -> str:
    """What was asked for: "light", "dark", "contrast" or "system"."""
    return _State.mode


def scale() -> float:
    return _State.scale


def table() -> dict:
    """The current token table: hex by role, "tok" 8 dicts (name, bg, fg, edge), "series" list of hex."""
    return TABLES[_State.name]


@lru_cache(maxsize=512)
def _color(value: str, alpha: float | None) -> QColor:
    found = QColor(value)
    if alpha is not None:
        found.setAlphaF(alpha)
    return found


def color(role: str, alpha: float | None = None) -> QColor:
    """A role of the table, or any value that came out of the table. Shared: do not change it."""
    return _color(table().get(role, role), alpha)


def px(size: int) -> int:
    """A size of the type scale after Ctrl +/-, never under 10."""
    return max(SMALLEST, round(size * _State.scale))


@lru_cache(maxsize=1)
def _fallbacks() -> list[str]:
    return [family for family in FALLBACKS if QFontDatabase.hasFamily(family)]


@lru_cache(maxsize=128)
def _font(kind: str, family: str, size: int) -> QFont:
    made = QFont([family, *_fallbacks()])
    made.setPixelSize(size)
    made.setWeight(QFont.Weight(TYPE[kind][1]))
    for tag, value in FEATURES[family].items():
        made.setFeature(QFont.Tag.fromString(tag), value)
    made.setHintingPreference(QFont.PreferNoHinting if family == UI else QFont.PreferVerticalHinting)
    return made


def font(kind: str = "body", mono: bool = False) -> QFont:
    """Kinds: display title h2 body strong small caption axis rail mono monos monoid."""
    family = MONO if mono or kind.startswith("mono") else UI
    return QFont(_font(kind, family, px(TYPE[kind][0])))


def set_font(widget: QWidget, kind: str, mono: bool = False) -> None:
    """Gives `widget` a font of the scale that follows Ctrl +/-."""
    widget.setProperty("fontKind", kind)
    widget.setProperty("fontMono", mono)
    widget.setFont(font(kind, mono))


def diverging():
    """uint8 [256, 3]: blue - panel color - orange of the current theme."""
    from tokstudio.ui import theme_maps

    return theme_maps.diverging(_State.name)


def ramp():
    """uint8 [256, 3]: surface to accent, for unsigned data."""
    from tokstudio.ui import theme_maps

    return theme_maps.ramp(table()["surface"], table()["accent"])


def load_fonts() -> None:
    """Adds the bundled fonts to the application."""
    for name in FONT_FILES:
        QFontDatabase.addApplicationFont(str(resource(f"fonts/{name}")))


def apply(app: QApplication, mode: str = "system") -> None:
    """Switches the whole application to "light", "dark", "contrast" or the system's choice, windows open or not."""
    if not app.property("tokstudioLook"):  # once per application
        load_fonts()
        app.setStyle(QStyleFactory.create("Fusion"))
        app.setProperty("tokstudioLook", True)
        hints = app.styleHints()
        hints.colorSchemeChanged.connect(_system_changed)
        hints.accessibility().contrastPreferenceChanged.connect(_system_changed)
    _State.mode = mode
    _State.name = _resolve(mode)
    _restyle(app)


def switch(app: QApplication, mode: str) -> None:
    """`apply` for windows at work: in several turns of the event loop, each short. They are painted again behind the
    last one, never half way. `current` is the new scheme at once."""
    _State.mode, _State.name = mode, _resolve(mode)
    # held at once: what paints itself has the new look from here on
    _turns().start(_restyling(app), now=True)


@lru_cache(maxsize=1)
def _turns():
    from tokstudio.ui.in_turns import InTurns

    return InTurns(_notifier)


def load_scale(value: float) -> None:
    """Only remembered; `apply` shows it."""
    _State.scale = min(SCALES[-1], max(SCALES[0], float(value)))


def set_scale(app: QApplication, value: float) -> None:
    """Scales the whole type scale."""
    load_scale(value)
    _restyle(app)


def zoom(app: QApplication, value: float) -> None:
    """`set_scale` for windows at work (Ctrl +/-), as `switch` is `apply` for them."""
    load_scale(value)
    # held at once: what paints itself has the new look from here on
    _turns().start(_restyling(app), now=True)


def set_role(widget: QWidget, role: str, name: str = "role") -> None:
    """Changes a property that the style sheet reads, and asks the style to look again."""
    if widget.property(name) == role:
        return
    widget.setProperty(name, role)
    if not widget.testAttribute(dressing.POLISHED):  # the style looks when it is shown, or wakes
        return
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    if (own := _font_of(widget)) is not None:  # the style gives it back one of an earlier scale
        widget.setFont(own)
    widget.update()


def changing() -> bool:
    """Whether `switch` or `zoom` is under way."""
    return _turns().busy


def settle(page: QWidget) -> None:
    """A page that is about to be shown: what a change in turns has not reached yet in it, now."""
    if _turns().busy:
        dressing.settle(page, _look())


def _restyle(app: QApplication) -> None:
    """At once, also where a switch is under way."""
    _turns().stop()
    for _ in _restyling(app):
        pass


def _restyling(app: QApplication) -> Iterator[None]:
    return dressing.dressed(app, _look(), changed.emit)


def _look() -> dressing.Look:
    return dressing.Look(style_sheet(table(), px), _palette(), font(), _font_of)


def _font_of(widget: QWidget) -> QFont | None:
    kind = widget.property("fontKind")
    return font(kind, bool(widget.property("fontMono"))) if kind else None


def _resolve(mode: str) -> str:
    if mode in TABLES:
        return mode
    if _system_wants_contrast():
        return "contrast"
    dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return "dark" if dark else "light"


def _system_wants_contrast() -> bool:
    hints = QGuiApplication.styleHints()  # held: what belongs to it dies with it
    wishes = hints.accessibility()
    return wishes.contrastPreference() == Qt.ContrastPreference.HighContrast


def _system_changed(_scheme) -> None:
    app = QApplication.instance()
    if _State.mode == "system" and _resolve("system") != _State.name:
        switch(app, "system")


def _palette() -> QPalette:
    made, group = QPalette(), QPalette.ColorGroup
    for role, token in _ROLES.items():
        made.setColor(role, color(token))
    for role in (QPalette.Text, QPalette.ButtonText, QPalette.WindowText):
        made.setColor(group.Disabled, role, color("disabled"))
    return made


_ROLES = {
    QPalette.Window: "bg",
    QPalette.WindowText: "text",
    QPalette.Base: "surface",
    QPalette.AlternateBase: "raised",
    QPalette.Text: "text",
    QPalette.Button: "surface",
    QPalette.ButtonText: "text",
    QPalette.BrightText: "danger",
    QPalette.Highlight: "accent_fill",
    QPalette.HighlightedText: "on_accent",
    QPalette.ToolTipBase: "raised",
    QPalette.ToolTipText: "text",
    QPalette.PlaceholderText: "muted",
    QPalette.Link: "accent",
    QPalette.LinkVisited: "accent",
    QPalette.Light: "raised",
    QPalette.Midlight: "border",
    QPalette.Mid: "border_strong",
    QPalette.Dark: "border_strong",
    QPalette.Shadow: "bg",
    QPalette.Accent: "accent_fill",
}
