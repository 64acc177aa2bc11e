"""How sparse a translation is: source tokens that a target token draws on."""

from tokstudio.ui.panels.base import SinglePanel


class PlanEntriesPanel(SinglePanel):
    title = "Plan: entries a row"
    order = 2.1  # beside the curves: what a translation is looked at for
    metric = "plan/entries_per_row"
    series = 2
    remark_text = "source tokens a target token draws on"
