"""Every setting there is, drawn from the dataclass that holds them: title, help, unit, range, default."""

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from tokstudio.errors import ConfigError
from tokstudio.train.config import TransferConfig
from tokstudio.train.settings import apply_overrides, to_dict
from tokstudio.ui import numbers, theme
from tokstudio.ui.in_turns import Soon
from tokstudio.ui.transfer_cards.parts import Field
from tokstudio.ui.widgets.basic import button, check, col, combo, label, row

COLUMNS = 3
GENERAL = "General"


def settings(
    cls: type, path: str = "", section: str = GENERAL
) -> Iterator[tuple[str, str, dataclasses.Field, Any]]:
    """(section, dotted name, field, type) of every setting of `cls`; sections are its nested dataclasses."""
    hints, nested = typing.get_type_hints(cls), []
    for field in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[field.name]):
            nested.append((field.name, hints[field.name]))
        else:
            yield section, path + field.name, field, hints[field.name]
    for name, inner in nested:
        title = (inner.__doc__ or name).splitlines()[0].rstrip(".")
        yield from settings(
            inner, f"{path}{name}.", f"{name}: {title}" if inner.__doc__ and "(" not in title else name
        )


def words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


class SettingLine(QWidget):
    """One setting. `edited` carries its new value; what is wrong with it is said in place."""

    edited = Signal(str, object)

    def __init__(self, name: str, field: dataclasses.Field, kind: Any):
        super().__init__()
        self.name, self.kind, self.meta = name, kind, field.metadata
        self.default = field.default if field.default is not dataclasses.MISSING else None
        title = self.meta.get("title", name) + (f", {self.meta['unit']}" if self.meta.get("unit") else "")
        self.tip = "\n".join(
            filter(None, (self.meta.get("help", ""), self._range(), f"{name} = {words(self.default)}"))
        )
        self.field: Field | None = None
        if kind is bool:
            self.part = check(title)
            self.part.toggled.connect(lambda on: self.edited.emit(name, on))
            inside: QWidget = self.part
        elif self.meta.get("choices") and kind is str:
            self.part = combo(self.meta["choices"], title)
            self.part.textActivated.connect(lambda text: self.edited.emit(name, text))
            inside = col(label(title, "caption", "muted"), self.part, spacing=4)
        else:
            self.field = Field(title, "", self.tip)
            self.part = self.field.line
            self.field.edited.connect(self._typed)
            inside = self.field
        self.part.setToolTip(self.tip)
        self.part.setAccessibleName(title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(inside)
        layout.addStretch(1)

    def _range(self) -> str:
        low, high = self.meta.get("low"), self.meta.get("high")
        if low is None and high is None:
            return ""
        return f"at least {low:g}" if high is None else f"{low if low is not None else '…'} to {high:g}"

    def _typed(self, text: str) -> None:
        if typing.get_origin(self.kind) is tuple:
            parts = numbers.several(text)
            number = typing.get_args(self.kind)[0] is float
            try:
                self.edited.emit(self.name, [numbers.decimal(part) for part in parts] if number else parts)
            except ValueError:
                self.say("Write numbers with commas between them, for example 1, 3.")
            return
        if self.kind in (int, float):
            try:
                self.edited.emit(self.name, (numbers.whole if self.kind is int else numbers.decimal)(text))
            except ValueError:
                whole = (
                    "a whole number, for example 100." if self.kind is int else "a number, for example 0.001."
                )
                self.say(f"Write {whole}")
            return
        self.edited.emit(self.name, text)

    def say(self, problem: str) -> None:
        if self.field is not None:
            self.field.set_problem(problem)

    def show_value(self, value: Any) -> None:
        """Leaves alone what somebody types."""
        theme.set_font(self.part, "strong" if value != _plain(self.default) else "body")
        if self.kind is bool:
            self.part.blockSignals(True)
            self.part.setChecked(value)
            self.part.blockSignals(False)
        elif isinstance(self.part, QLineEdit):
            if not self.part.hasFocus() and self.part.text() != words(value):
                self.part.setText(words(value))
                self.say("")
        else:
            self.part.setCurrentText(value)

    def matches(self, query: str) -> bool:
        return query in f"{self.name} {self.tip} {self.meta.get('title', '')}".lower()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class SettingsForm(QFrame):
    """Folded until it is opened; its lines are made a section at a time, so that the window never waits."""

    edited = Signal(dict)
    save_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("All settings")
        self.lines: dict[str, SettingLine] = {}
        self._sections: list[tuple[QWidget, list[SettingLine]]] = []
        self._config: TransferConfig | None = None
        self._coming: list[tuple[str, list]] = []
        self.fold = button("All settings", "chevron-right", "quiet")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._folded)
        self.save = button("Save as TOML\N{HORIZONTAL ELLIPSIS}", "export", "link")
        self.save.clicked.connect(self.save_asked)
        self.find = QLineEdit()
        self.find.setPlaceholderText("Find a setting")
        self.find.setAccessibleName("Find a setting")
        self.find.setMaximumWidth(260)
        self.find.textChanged.connect(lambda _: self._filter())
        self.count = label("", "small", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 16, 10)
        layout.addWidget(row(self.fold, self.count, None, self.find, self.save))
        self._inside = QVBoxLayout()
        self._inside.setSpacing(6)
        layout.addLayout(self._inside)
        self._making = Soon(self, self._make_section)
        self.find.hide()

    def show_config(self, config: TransferConfig) -> None:
        self._config = config
        changed = 0
        values = flat(to_dict(config))
        for _, name, field, _kind in settings(TransferConfig):
            changed += values[name] != _plain(field.default)
        self.count.setText(f"{len(values)} in all, {changed} differ from the defaults")
        for name, line in self.lines.items():
            line.show_value(values[name])

    def _folded(self, open_: bool) -> None:
        self.fold.set_icon("chevron-down" if open_ else "chevron-right")
        self.find.setVisible(open_)
        if open_ and not self.lines and not self._coming:
            sections: dict[str, list] = {}
            for section, *rest in settings(TransferConfig):
                sections.setdefault(section, []).append(rest)
            self._coming = list(sections.items())
            self._making.start()
        self._filter()

    def _make_section(self) -> None:
        title, entries = self._coming.pop(0)
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(8, 4, 0, 8)
        grid.setHorizontalSpacing(16)
        grid.addWidget(label(title[:1].upper() + title[1:], "h2"), 0, 0, 1, COLUMNS)
        made = []
        for place, (name, field, kind) in enumerate(entries):
            line = SettingLine(name, field, kind)
            line.edited.connect(self._edited)
            grid.addWidget(line, 1 + place // COLUMNS, place % COLUMNS)
            self.lines[name] = line
            made.append(line)
        for column in range(COLUMNS):
            grid.setColumnStretch(column, 1)
        self._sections.append((box, made))
        self._inside.addWidget(box)
        if self._coming:
            self._making.start()
        if self._config is not None:
            values = flat(to_dict(self._config))
            for line in made:
                line.show_value(values[line.name])
        self._filter()

    def _filter(self) -> None:
        query = self.find.text().strip().lower()
        for box, lines in self._sections:
            for line in lines:
                line.setVisible(not query or line.matches(query))
            box.setVisible(self.fold.isChecked() and any(not line.isHidden() for line in lines))

    def _edited(self, name: str, value: Any) -> None:
        line = self.lines[name]
        try:
            checked(self._config, name, value)
        except ConfigError as error:
            line.say(f"{error} {error.hint}".strip())
            self.edited.emit({})
            return
        line.say("")
        self.edited.emit({name: value})

    @property
    def valid(self) -> bool:
        return all(
            line.field is None or not line.part.accessibleDescription() for line in self.lines.values()
        )


def checked(config: TransferConfig, name: str, value: Any) -> None:
    """Raises ConfigError where `value` is out of range."""
    import json

    apply_overrides(config, [f"{name}={json.dumps(value)}"])


def flat(data: dict[str, Any], path: str = "") -> dict[str, Any]:
    """By dotted names."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        found |= flat(value, f"{path}{name}.") if isinstance(value, dict) else {path + name: value}
    return found
