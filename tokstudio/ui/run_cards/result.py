"""The verdict of a finished transfer."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout

from tokstudio.transfer.gap import gap_of
from tokstudio.ui import theme
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import button, eliding, row, stat

PAGES = (("layers", "Model"), ("compare", "Compare"), ("embeddings", "Embeddings"))
BITS = "bits per byte"


class ResultCard(QFrame):
    """Hidden until there is a report."""

    opened = Signal(
        str
    )  # "model", "compare" or "embeddings": the page that shall show the export; "folder", "copy"

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("frame", "card")
        self.setAccessibleName("Result")
        self.path = ""
        self.source = stat("Original model", "")
        self.initialized = stat("After initialization", "")
        self.trained = stat("After training", "")
        self.gap = stat("Gap closed", "")
        self._mark = icon_label("check", "success", 16)
        self.check = eliding("", "small", "text2")
        self.where = eliding("", "small", "muted")
        self.folder, self.copy = button("Show in folder", "folder"), button("Copy path", "copy")
        self.folder.setAccessibleName("Show the export in its folder")
        self.folder.clicked.connect(lambda: self.opened.emit("folder"))
        self.copy.clicked.connect(lambda: self.opened.emit("copy"))
        self.ways = [button(f"Open in {title}", name, "plain") for name, title in PAGES]
        for part, (_, page) in zip(self.ways, PAGES, strict=True):
            part.clicked.connect(lambda _checked=False, page=page: self.opened.emit(page.lower()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 12, 10)
        layout.setSpacing(8)
        numbers = (self.source, self.initialized, self.trained, self.gap)
        layout.addWidget(row(*numbers, None, self.folder, self.copy, spacing=24))
        layout.addWidget(row(self._mark, self.check, (self.where, 1), *self.ways, spacing=8))
        self.hide()

    def refresh(self, report: dict[str, Any]) -> None:
        """Reads what is there: a report of another kind of run has other entries."""
        self.setVisible(bool(report))
        if not report:
            return
        for part, key in (
            (self.source, "source"),
            (self.initialized, "initialized"),
            (self.trained, "trained"),
        ):
            value = report.get(key, {}).get("bits_per_byte")
            part.setVisible(value is not None)
            if value is not None:
                part.set(f"{value:.3f}", BITS if key == "source" else "")
        gap = gap_of(report)
        self.gap.setVisible(gap is not None)
        self.gap.set(gap.value if gap else "", gap.words if gap else "")
        self._show_export(report.get("export", {}))

    def _show_export(self, export: dict[str, Any]) -> None:
        self.path = str(export.get("path", ""))
        for part in (self.folder, self.copy, self.check, self.where, self._mark, *self.ways):
            part.setVisible(bool(self.path))
        self.where.setText(self.path)
        checked, difference = bool(export.get("checked")), export.get("max_abs_logit_difference")
        self._mark.set("check", "success") if checked else self._mark.set("alert", "warning")
        said = "Export reloaded in a fresh process" if checked else "Export not checked"
        same = "" if difference is None else f", largest difference of a logit {difference:.2g}"
        self.check.setText(said + same)
        theme.set_role(self.check, "text2" if checked else "warning")
