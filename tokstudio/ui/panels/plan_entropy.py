"""How evenly a translation spreads a target token over source tokens."""

from tokstudio.ui.panels.base import SinglePanel


class PlanEntropyPanel(SinglePanel):
    title = "Plan: entropy of a row"
    order = 2.2
    metric = "plan/row_entropy"
    series = 3
    remark_text = "0: one source token each"
