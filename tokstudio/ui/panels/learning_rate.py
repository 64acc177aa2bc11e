"""The body's rate, step by step."""

from tokstudio.ui.panels.base import SinglePanel


class LearningRatePanel(SinglePanel):
    title = "Learning rate"
    order = 6
    metric = "learning_rate"
    series = 0
