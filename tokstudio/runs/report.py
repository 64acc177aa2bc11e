"""What came of a run, for people who were not there: Markdown, or one web page with its pictures in it."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np

from tokstudio import __version__
from tokstudio.errors import InputError
from tokstudio.runs import notes
from tokstudio.runs.clock import duration
from tokstudio.runs.configs import flat
from tokstudio.runs.files import read_json
from tokstudio.runs.state import Column, RunState
from tokstudio.runs.tail import Tail
from tokstudio.transfer.gap import gap_of

WIDTH, HEIGHT, LEFT, FOOT = 640, 200, 56, 22
POINTS = 600  # of a curve: minima and maxima of as many parts
CURVES = (
    ("loss", "Training loss", False),
    ("bits_per_byte", "Bits per byte on held-out text", False),
    ("tokens_per_second", "Tokens per second", True),
)


def read(folder: Path) -> RunState:
    """All events of a run, folded."""
    state = RunState()
    for batch in Tail(folder / "events.jsonl").read():
        for event in batch:
            state.apply(event)
    return state


def write(folder: Path, path: Path) -> Path:
    """Web page or Markdown by the ending of `path`; Markdown's pictures lie beside it. Raises InputError."""
    made = markdown(folder, path) if path.suffix.lower() == ".md" else html(folder)
    try:
        path.write_text(made, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None
    return path


def _verdict(folder: Path) -> Iterator[tuple[str, str]]:
    report = read_json(folder / "report.json")
    for key, title in (("source", "Original model"), ("initialized", "Initialized"), ("trained", "Trained")):
        part = report.get(key)
        if isinstance(part, dict) and isinstance(part.get("bits_per_byte"), int | float):
            yield title, f"{part['bits_per_byte']:.4f} bits per byte"
    if gap := gap_of(report):
        yield "Gap closed", gap.sentence()
    if "tokens_source" in report:
        yield (
            "Tokens of the held-out text",
            f"{report['tokens_source']:,} before, {report['tokens_target']:,} after",
        )
    export = report.get("export")
    if isinstance(export, dict) and export.get("path"):
        yield "Export", str(export["path"]).replace(str(Path.home()), "~")
        checked = "reloaded in a fresh process" if export.get("checked") else "not checked"
        difference = export.get("max_abs_logit_difference")
        yield (
            "Check",
            checked + (f", largest difference of a logit {difference:.1e}" if difference is not None else ""),
        )


def _facts(folder: Path, state: RunState) -> Iterator[tuple[str, str]]:
    passport, written = read_json(folder / "run.json"), notes.read(folder)
    yield "State", state.ended.kind if state.ended else "no end recorded"
    yield "Steps", f"{state.step:,} of {state.total_steps:,}"
    if state.clock.elapsed:
        yield "Working time", duration(state.clock.worked)
        yield "Elapsed, with pauses and parks", duration(state.clock.elapsed)
    yield "Device", state.device
    yield (
        "Made by",
        f"Tokstudio {passport.get('tokstudio', __version__)}, Python {passport.get('python', '')}",
    )
    if written.tags:
        yield "Tags", ", ".join(written.tags)
    if written.note:
        yield "Note", written.note
    for step, words in state.marks:
        yield f"Step {step:,}", words


def _curves(state: RunState) -> Iterator[tuple[str, str, str]]:
    """(metric, title, picture)."""
    for metric, title, zero in CURVES:
        if column := state.columns.get(metric):
            level = state.reference(metric)
            yield metric, title, picture(column, title, level.value if level else None, zero=zero)


def markdown(folder: Path, beside: Path | None = None) -> str:
    """`beside`: the file it will be, whose pictures are written next to it; None: without pictures."""
    state = read(folder)
    lines = [f"# {folder.name}", ""]
    lines += [f"- {name}: {value}" for name, value in _verdict(folder)]
    lines += ["", "## Run", "", *(f"- {name}: {value}" for name, value in _facts(folder, state)), ""]
    if beside is not None:
        for metric, title, made in _curves(state):
            name = f"{beside.stem}-{metric.replace('/', '-')}.svg"
            (beside.parent / name).write_text(made, encoding="utf-8")
            lines += [f"![{title}]({name})", ""]
    for sample in _last_samples(state):
        lines += [f"> {sample[0]}: {sample[1]!r}", ""]
    for rank, mean, text in _held_out(state):
        lines += [f"- {rank} held-out line, {mean} bits per byte: {text!r}"]
    lines += ["", "## Settings", "", "| setting | value |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in flat(folder).items()]
    return "\n".join(lines) + "\n"


def html(folder: Path) -> str:
    """One file; nothing in it is loaded from elsewhere."""
    state = read(folder)
    table = lambda rows: "".join(f"<tr><th>{escape(n)}</th><td>{escape(str(v))}</td></tr>" for n, v in rows)  # noqa: E731
    pictures = "".join(
        f"<figure><figcaption>{t}</figcaption>{made}</figure>" for _, t, made in _curves(state)
    )
    samples = "".join(
        f"<p><b>{escape(who)}</b> <code>{escape(text)}</code></p>" for who, text in _last_samples(state)
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(folder.name)}</title><style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.5 Inter, system-ui, sans-serif; max-width: 720px; margin: 40px auto; padding: 0 16px }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: 3px 12px 3px 0; vertical-align: top; font-weight: 400 }}
th {{ color: GrayText; white-space: nowrap }}
figure {{ margin: 24px 0 }} figcaption {{ font-weight: 600 }} svg {{ width: 100%; height: auto }}
code {{ white-space: pre-wrap }}
</style></head><body><h1>{escape(folder.name)}</h1>
<table>{table(_verdict(folder))}</table><h2>Run</h2><table>{table(_facts(folder, state))}</table>
{pictures}{samples}{_held_out_table(state)}<h2>Settings</h2><table>{table(flat(folder).items())}</table></body></html>
"""


def _held_out(state: RunState) -> list[tuple[str, str, str]]:
    """(rank, bits per byte, text) of the newest worst and best lines."""
    found = state.held_out.lines if state.held_out is not None else []
    return [
        (str(one.get("rank", "")).capitalize(), one.get("mean", ""), one.get("text", "")) for one in found
    ]


def _held_out_table(state: RunState) -> str:
    rows = "".join(
        f"<tr><th>{escape(rank)}</th><td>{escape(mean)}</td><td><code>{escape(text)}</code></td></tr>"
        for rank, mean, text in _held_out(state)
    )
    return f"<h2>Held-out lines, bits per byte</h2><table>{rows}</table>" if rows else ""


def _last_samples(state: RunState) -> list[tuple[str, str]]:
    """The newest of each model, for the first prompt."""
    prompts = [sample.prompt for sample in state.samples][:1]
    newest = {sample.who: sample for sample in state.samples if sample.prompt in prompts}
    words = {"source": "Original", "target": "This run"}
    return [(words.get(who, who), sample.prompt + sample.text) for who, sample in newest.items()]


def picture(column: Column, title: str, level: float | None = None, *, zero: bool = False) -> str:
    """One curve as SVG; `level` is drawn dashed. Minima and maxima are kept however long the run was."""
    keep = np.isfinite(column.values)
    x, y = column.steps[keep].astype(float), column.values[keep]
    if not len(x):
        return ""
    if len(x) > 2 * POINTS:
        starts = np.unique(np.linspace(0, len(x), POINTS, endpoint=False).astype(int))
        y = np.stack([np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)], 1).ravel()
        x = np.repeat(x[starts], 2)
    known = [*y, *([level] if level is not None else []), *([0.0] if zero else [])]
    low, high = float(min(known)), float(max(known))
    high = high if high > low else low + 1.0
    across = max(float(x[-1]), 1.0)
    place = lambda a, b: (  # noqa: E731
        LEFT + (WIDTH - LEFT - 8) * a / across,
        8 + (HEIGHT - FOOT - 8) * (high - b) / (high - low),
    )
    points = " ".join("{:.1f},{:.1f}".format(*place(a, b)) for a, b in zip(x, y, strict=True))
    text = 'fill="currentColor" opacity=".65" font-size="11"'
    parts = [f'<polyline points="{points}" fill="none" stroke="#4650cf" stroke-width="1.5"/>']
    for value in (low, high):
        parts.append(
            f'<text x="{LEFT - 6}" y="{place(0, value)[1] + 4:.1f}" text-anchor="end" {text}>{value:.4g}</text>'
        )
    parts.append(f'<text x="{WIDTH - 8}" y="{HEIGHT - 4}" text-anchor="end" {text}>step {across:,.0f}</text>')
    if level is not None:
        line = place(0, level)[1]
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - 8}" y1="{line:.1f}" y2="{line:.1f}" stroke="currentColor" '
            f'opacity=".5" stroke-dasharray="4 4"/>'
        )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
    return f'{head} aria-label="{escape(title)}">{"".join(parts)}</svg>'
