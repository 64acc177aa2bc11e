"""The one table of colors, sizes and weights. Palette, style sheet, painters and charts read only this.

Contrast facts (text 4.5 and more, marks 3 and more) are asserted by tests/ui/test_theme.py.
"""

SPACE = {"xs": 4, "s": 8, "m": 12, "l": 16, "xl": 24, "xxl": 32}
RADIUS = {"chip": 3, "control": 6, "segmented": 7, "card": 8, "pill": 10}

# kind -> (pixels, weight); axis is also the size of rail labels and of ids under chips
TYPE = {
    "display": (20, 600),
    "title": (15, 600),
    "h2": (13, 600),
    "body": (13, 400),
    "strong": (13, 500),
    "small": (12, 400),
    "caption": (11, 500),
    "axis": (10, 400),
    "rail": (10, 500),
    "mono": (13, 400),
    "monos": (11, 400),
    "monoid": (10, 400),
}
SMALLEST = 10  # pixels; no text is ever drawn smaller

HUES = ("rose", "orange", "amber", "green", "teal", "blue", "violet", "pink")


def _hues(*rows: str) -> list[dict[str, str]]:
    """Rows of "background foreground edge": OKLCH of equal lightness, so no hue shouts."""
    return [
        dict(zip(("name", "bg", "fg", "edge"), (name, *row.split()), strict=True))
        for name, row in zip(HUES, rows, strict=True)
    ]


LIGHT = {
    "name": "light",
    "bg": "#f5f6f8",
    "surface": "#ffffff",
    "raised": "#f0f1f5",
    "hover": "#e9ebf0",
    "pressed": "#dcdee4",
    "border": "#e3e5ea",
    "border_strong": "#cdd1d9",
    "control": "#808795",
    "text": "#191c22",
    "text2": "#454b58",
    "muted": "#636a79",
    "disabled": "#a2a8b4",
    "accent": "#4650cf",
    "accent_fill": "#4c57d8",
    "accent_hover": "#3f49bf",
    "accent_pressed": "#383fa2",
    "accent_soft": "#ecedfc",
    "on_accent": "#ffffff",
    "success": "#177245",
    "success_soft": "#e2f4e9",
    "warning": "#8a5a00",
    "warning_soft": "#fdf0d3",
    "danger": "#b3261e",
    "danger_soft": "#fde9e7",
    "neutral_tok": "#eef0f3",
    "shadow": "#14000000",
    "scrim": "#66191c22",
    "tok": _hues(
        "#fedfe2 #6a1d2d #bc5f6d",
        "#ffe1d0 #612c01 #b76935",
        "#f6e7c1 #4d3a02 #9e7b0b",
        "#d5f1d1 #104a0b #53924d",
        "#c1f4ee #014743 #02948c",
        "#d5ebff #014069 #3786c3",
        "#e8e4ff #402f71 #8271c2",
        "#ffdbf6 #5e2154 #ab639c",
    ),
    # lightness is staggered on purpose: pairs stay apart under protan, deutan and tritan vision
    "series": ["#4650cf", "#d27844", "#035a61", "#7b0340", "#646102", "#2d8eb4"],
}

DARK = {
    "name": "dark",
    "bg": "#0f1115",
    "surface": "#16181d",
    "raised": "#1f2229",
    "hover": "#262a32",
    "pressed": "#353840",
    "border": "#272b33",
    "border_strong": "#3a404b",
    "control": "#727a89",
    "text": "#e9ebf0",
    "text2": "#bcc1cb",
    "muted": "#8f96a4",
    "disabled": "#555c69",
    "accent": "#9aa3ff",
    "accent_fill": "#5661e3",
    "accent_hover": "#5c67e6",
    "accent_pressed": "#4e58c1",
    "accent_soft": "#23264a",
    "on_accent": "#ffffff",
    "success": "#5fcb8f",
    "success_soft": "#143023",
    "warning": "#e6b450",
    "warning_soft": "#33280f",
    "danger": "#ff8a80",
    "danger_soft": "#3b1a1a",
    "neutral_tok": "#23262d",
    "shadow": "#66000000",
    "scrim": "#99000000",
    "tok": _hues(
        "#492328 #fed3d7 #bc6a75",
        "#472712 #ffd6be #b87347",
        "#3c2e06 #f0deb3 #a18231",
        "#1e381b #caeac6 #60965a",
        "#003935 #b2ede7 #129a92",
        "#13334c #c6e4fe #4a8cc1",
        "#312a4b #e0daff #887ac0",
        "#42243c #fad1f0 #ad6d9f",
    ),
    "series": ["#9aa3ff", "#eb8662", "#87eff3", "#be5b77", "#ecd48e", "#558abf"],
}

CONTRAST = {
    **DARK,
    "name": "contrast",
    "bg": "#000000",
    "surface": "#000000",
    "raised": "#141414",
    "hover": "#2b2b2b",
    "pressed": "#3d3d3d",
    "border": "#b8b8b8",
    "border_strong": "#e6e6e6",
    "control": "#e6e6e6",
    "text": "#ffffff",
    "text2": "#ffffff",
    "muted": "#e0e0e0",
    "disabled": "#949494",
    "accent": "#ffe14d",
    "accent_fill": "#ffd400",
    "accent_hover": "#ffe14d",
    "accent_pressed": "#d9b400",
    "accent_soft": "#332b00",
    "on_accent": "#000000",
    "success": "#6dff9c",
    "success_soft": "#002b10",
    "warning": "#ffc266",
    "warning_soft": "#2e1c00",
    "danger": "#ff9d96",
    "danger_soft": "#380400",
    "neutral_tok": "#000000",
    "scrim": "#cc000000",
    "tok": _hues(
        "#2e0008 #ffd9df #ff8fa3",
        "#2b1200 #ffdcc2 #ff9a57",
        "#241b00 #ffe9ad #e0b52e",
        "#04210a #cdf7cf #6fcf73",
        "#00211f #baf7f0 #3fd0c5",
        "#001a33 #cfe8ff #6db8ff",
        "#170f38 #e6dfff #ab98ff",
        "#2b0425 #ffd6f6 #f08ce0",
    ),
    "series": ["#ffe14d", "#5ec8ff", "#ff8fa3", "#6dff9c", "#ffffff", "#c9a6ff"],
}

TABLES = {"light": LIGHT, "dark": DARK, "contrast": CONTRAST}


def luminance(color: str) -> float:
    """Relative luminance (WCAG) of "#rrggbb"."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """WCAG contrast ratio, 1 to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)
