"""Size of the gradient before it is clipped."""

from tokstudio.ui.panels.base import SinglePanel


class GradientNormPanel(SinglePanel):
    title = "Gradient norm"
    order = 5
    metric = "gradient_norm"
    series = 4
    remark_text = "before clipping"
