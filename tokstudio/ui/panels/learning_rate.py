"""The body's rate, step by step."""

from tokstudio.ui.charts import LineChart
from tokstudio.ui.panels.base import SinglePanel


class LearningRatePanel(SinglePanel):
    title = "Learning rate"
    order = 6
    metric = "learning_rate"
    series = 0

    def make_chart(self) -> LineChart:
        return LineChart(self.title, zero=True, x_label="step", whole=True, y_words=rate)

    def words(self, value: float) -> str:
        return rate(value)


def rate(value: float) -> str:
    """3e-4 rather than 0.0003."""
    return f"{value:.3g}" if value >= 0.01 or not value else f"{value:.1e}".replace("e-0", "e-")
