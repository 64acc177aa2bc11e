"""Card 1: how the new rows begin, what is minimized, and what is trained."""

from PySide6.QtCore import Signal

from tokstudio.train.config import TransferConfig
from tokstudio.ui.transfer_cards.parts import Flow, Numbered, Option
from tokstudio.ui.widgets.basic import label

METHOD = (
    "Tokens that both vocabularies have keep their rows; a new one starts as the mean of its old pieces. "
    "Then the model learns the text, and chunk by chunk the probabilities of the original (ALM)."
)
MODES = {
    "full": (
        "Train all weights",
        "Best result. The optimizer keeps two numbers for every weight.",
        "recommended",
    ),
    "lora": (
        "Train adapters (LoRA)",
        "Token rows, and thin matrices beside the frozen body. Less memory.",
        "",
    ),
}


class MethodCard(Numbered):
    edited = Signal(dict)

    def __init__(self) -> None:
        super().__init__(1, "Method")
        self.body.addWidget(label("Mean of pieces, then distillation", "strong"))
        self.body.addWidget(label(METHOD, "small", "text2", wrap=True))
        self.options = {mode: Option(*words) for mode, words in MODES.items()}
        for mode, option in self.options.items():
            option.chosen.connect(lambda mode=mode: self.edited.emit({"mode": mode}))
            self.body.addWidget(option)
        self.flow = Flow()
        self.body.addStretch(1)
        self.body.addWidget(self.flow)

    def show_config(self, config: TransferConfig, rows: int) -> None:
        """`rows`: size of the target vocabulary, 0 while it is not known."""
        for mode, option in self.options.items():
            option.set_on(mode == config.mode)
        full = config.mode == "full"
        self.flow.set_boxes(
            [
                ("New ids", f"{rows:,}" if rows else "target", "new"),
                ("Token rows", "trained", "trained"),
                ("Body", "trained" if full else "adapters", "trained" if full else "frozen"),
                ("Original", "teacher", "frozen"),
            ]
        )
