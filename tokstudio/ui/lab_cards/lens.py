"""Logit lens: what the model would say after each layer."""

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tokstudio.embed.service import Reply
from tokstudio.ui.lab_cards.grid import Grid
from tokstudio.ui.lab_cards.lab import Lab
from tokstudio.ui.lab_cards.which import Which
from tokstudio.ui.widgets.basic import card


class LensView(QWidget):
    name, title, order = "lens", "Logit lens", 4

    def __init__(self, lab: Lab):
        super().__init__()
        self.lab = lab
        self.grid = Grid("Logit lens: layers by tokens", side=124)
        self.which = Which(lab)
        self.which.changed.connect(lambda _: self.run())
        made = card(
            "Logit lens",
            "The most likely next token after each layer; the fill is its probability. Columns are what was read.",
            [self.which],
        )
        made.body.addWidget(self.grid, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(made, 1)

    def refresh(self) -> None:
        self.which.refresh()

    def run(self) -> None:
        self.lab.cancel("Looking through the layers")
        if (side := self.which.side) in self.lab.present():
            self.lab.ask("Looking through the layers", side, "lens", self._show, text=self.lab.text)

    def _show(self, reply: Reply) -> None:
        ids, p, entropy = (reply.arrays[k] for k in ("ids", "probabilities", "entropy"))
        names, tokens = reply.values["names"], reply.values["tokens"]
        layers = len(ids)
        rows = ["Embedding", *(f"Layer {i}" for i in range(1, layers - 1)), f"Layer {layers - 1}, answer"]

        def text(row: int, column: int) -> str:
            return names[str(int(ids[row, column, 0]))]

        def about(row: int, column: int) -> str:
            options = "\n".join(
                f"{100 * float(share):6.2f} %  {names[str(int(i))]!r}"
                for i, share in zip(ids[row, column], p[row, column], strict=True)
            )
            return (
                f"{rows[row]}, after {tokens[column]!r}\n{options}\nentropy {entropy[row, column]:.2f} bits"
            )

        self.grid.set_cells(rows, tokens, np.asarray(p[:, :, 0], float), text, about)

    def failed(self) -> None:
        pass
