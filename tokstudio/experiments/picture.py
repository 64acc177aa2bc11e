"""Curves of an experiment as an SVG file: one line an arm, the mean over its seeds; references are dashed."""

import math
import statistics
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 1060, 520, 64, 24, 410, 44
COLORS = (
    "#0969da", "#cf222e", "#1a7f37", "#9a6700", "#8250df", "#bf3989",
    "#1b7c83", "#bc4c00", "#57606a", "#a475f9", "#4ac26b", "#d4a72c",
)  # fmt: skip
DASHES = ("6 3", "2 3", "8 3 2 3", "1 4", "12 4", "8 3 2 3 2 3")


def curves_svg(result: dict[str, Any]) -> str:
    curves = {arm["title"]: _mean_curve(arm["runs"]) for arm in result["arms"].values()}
    points = [value for curve in curves.values() for value in curve.values()]
    lines = {name: v for name, v in result["references"].items() if min(points) - 1 < v < max(points)}
    low = min([*points, *lines.values()])
    high = max(_upper(points), low + 1e-3)
    steps = max(max(curve) for curve in curves.values())

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / max(steps, 1)

    def y(value: float) -> float:
        share = (min(value, high) - low) / max(high - low, 1e-9)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [*_axes(x, y, steps, low, high)]
    for i, (name, value) in enumerate(sorted(lines.items(), key=lambda line: -line[1])):
        at, dash = TOP + 14 + 18 * (len(curves) + 1 + i), DASHES[i % len(DASHES)]
        if value <= high:
            parts.append(_line([(LEFT, y(value)), (WIDTH - RIGHT, y(value))], "#8c959f", dash))
        parts.append(_line([(WIDTH - RIGHT + 14, at - 4), (WIDTH - RIGHT + 38, at - 4)], "#8c959f", dash))
        parts.append(_text(WIDTH - RIGHT + 44, at, f"{name}: {value:.3f}", "start", "#57606a"))
    for i, (title, curve) in enumerate(curves.items()):
        color = COLORS[i % len(COLORS)]
        parts.append(_line([(x(s), y(v)) for s, v in sorted(curve.items())], color))
        at = TOP + 14 + 18 * i
        parts.append(_line([(WIDTH - RIGHT + 14, at - 4), (WIDTH - RIGHT + 38, at - 4)], color))
        parts.append(_text(WIDTH - RIGHT + 44, at, f"{title}: {curve[max(curve)]:.3f}", "start", "#1f2328"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(parts)}</svg>\n'
    )


def _mean_curve(runs: list[dict[str, Any]]) -> dict[int, float]:
    steps = set.intersection(*(set(run["curve"]) for run in runs))
    return {int(s): statistics.fmean(run["curve"][s]["bits_per_byte"] for run in runs) for s in steps}


def _upper(points: list[float]) -> float:
    """Starts far above the rest would press all curves together: they are cut at the top edge."""
    ordered = sorted(points)
    return min(ordered[-1], ordered[len(ordered) * 3 // 4] * 1.25)


def _axes(x, y, steps: int, low: float, high: float):
    size = 10 ** math.floor(math.log10(max(high - low, 1e-6)))
    tick = next(t for t in (size / 5, size / 2, size, 2 * size) if (high - low) / t <= 8)
    value = math.ceil(low / tick) * tick
    while value <= high:
        yield _line([(LEFT, y(value)), (WIDTH - RIGHT, y(value))], "#eaeef2")
        yield _text(LEFT - 8, y(value) + 4, f"{value:.2f}", "end", "#57606a")
        value += tick
    for step in sorted({round(steps * share) for share in (0, 0.25, 0.5, 0.75, 1)}):
        yield _text(x(step), HEIGHT - BOTTOM + 18, f"{step:,}", "middle", "#57606a")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "steps", "middle", "#57606a")
    yield _text(LEFT, TOP - 8, "bits per byte, held-out", "start", "#57606a")


def _line(points: list[tuple[float, float]], color: str, dash: str = "") -> str:
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"{dashes}/>'


def _text(x: float, y: float, text: str, anchor: str, color: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'
