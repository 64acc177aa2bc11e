"""Bits per byte on held-out text: comparable across tokenizers, where loss per token is not."""

from tokstudio.runs.state import Column, RunState
from tokstudio.ui.panels.base import NOTHING, Panel


class BitsPerBytePanel(Panel):
    title = "Bits per byte"
    order = 2

    def refresh(self, state: RunState) -> None:
        column = state.columns.get("bits_per_byte") or Column()
        self.chart.set_series("this run", self.x(column.steps), column.values, series=1, width=2, points=True)
        level = state.reference("bits_per_byte")
        self.chart.set_reference("source", level.value if level else None)
        entries: list[tuple[str, int | str, str]] = [("this run", 1, "line")]
        if level is not None:
            entries.append((f"{level.label} {level.value:.3f}", "muted", "dash"))
        self.legend.set_entries(entries)
        self.frame(state)
        if len(column):
            self.say(f"{column.values[-1]:.3f}", f"held-out, step {int(column.steps[-1]):,}")
        else:
            self.say(NOTHING, "measured on held-out text")
