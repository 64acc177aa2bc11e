"""How far a translation is from the source marginal that it was asked to hold."""

from tokstudio.ui.panels.base import SinglePanel


class PlanColumnsPanel(SinglePanel):
    title = "Plan: error of the columns"
    order = 2.3
    metric = "plan/column_error"
    series = 4
    remark_text = "mass missing or too much, as a share of all"
