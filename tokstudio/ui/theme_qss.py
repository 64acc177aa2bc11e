"""The style sheet: resources/themes/window.qss filled from the token table, and one rule per label role."""

from collections.abc import Callable
from functools import cache

from tokstudio.paths import resource

ROLES = ("text", "text2", "muted", "disabled", "accent", "on_accent", "success", "warning", "danger")


@cache
def _template() -> str:
    return resource("themes/window.qss").read_text(encoding="utf-8")


def style_sheet(table: dict, px: Callable[[int], int]) -> str:
    """`px` maps a size of the type scale to device-independent pixels."""
    values = {key: value for key, value in table.items() if isinstance(value, str)}
    return _template() % {**values, "caption_px": px(11)} + "\n".join(
        _label_rule(table, role) for role in ROLES
    )


def _label_rule(table: dict, role: str) -> str:
    off = table["disabled"]
    on = f'QLabel[role="{role}"] {{ color: {table[role]}; }}'
    return f'{on} QLabel[role="{role}"]:disabled {{ color: {off}; }}'
