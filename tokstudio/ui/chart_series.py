"""One line of a chart: its numbers, how it looks, and what draws it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyqtgraph as pg

from tokstudio.ui.chart_data import Peaks


@dataclass(eq=False)
class Series:
    name: str
    x: np.ndarray
    y: np.ndarray
    look: dict[str, Any]
    item: pg.PlotCurveItem
    dots: pg.ScatterPlotItem | None = None
    peaks: Peaks = field(default_factory=Peaks)
