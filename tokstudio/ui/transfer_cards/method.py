"""Card 1: how the new rows begin, what is minimized, and what is trained."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu

from tokstudio.train.config import TransferConfig, demo
from tokstudio.train.kinds import PURPOSES, purpose_of
from tokstudio.train.objectives.base import OBJECTIVES
from tokstudio.train.recipes import recipes
from tokstudio.train.settings import to_dict
from tokstudio.transfer.base import METHODS
from tokstudio.ui import numbers
from tokstudio.ui.transfer_cards.parts import Field, Flow, Numbered, Option
from tokstudio.ui.transfer_cards.s2t2 import S2t2Choice
from tokstudio.ui.widgets.basic import button, col, combo, label, row, segmented

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
OWN = "As set below"


class MethodCard(Numbered):
    edited = Signal(dict)
    recipe_picked = Signal(
        object, str
    )  # a whole TransferConfig as a dict, model and tokenizer left out; its name
    purpose_picked = Signal(str)

    def __init__(self) -> None:
        super().__init__(1, "Method")
        self.purpose = segmented([p.title for p in PURPOSES.values()], name="What the run does")
        for number, purpose in enumerate(PURPOSES.values()):
            self.purpose.button(number).setToolTip(purpose.about)
        self.purpose.changed.connect(self._pick_purpose)
        self._purpose = "transfer"
        self.recipes = list(recipes())
        self.recipe = combo((), "Recipe")
        self.recipe.addItem(OWN)
        for entry in self.recipes:
            self.recipe.addItem(entry.title)
            self.recipe.setItemData(self.recipe.count() - 1, entry.about, Qt.ToolTipRole)
        self.recipe.activated.connect(self._take_recipe)
        self.start = combo((), "New token rows")
        for name in METHODS:
            self.start.addItem(METHODS[name].title, name)
        self.start.activated.connect(lambda place: self.edited.emit({"method": self.start.itemData(place)}))
        self.help = label("", "small", "muted", wrap=True)
        self.objectives = button("", "layers")
        self.objectives.setAccessibleName("Objectives")
        self.menu = QMenu(self.objectives)
        self.objectives.clicked.connect(
            lambda: self.menu.popup(self.objectives.mapToGlobal(self.objectives.rect().bottomLeft()))
        )
        self._actions = {name: self.menu.addAction(OBJECTIVES[name].title) for name in OBJECTIVES}
        for name, action in self._actions.items():
            action.setCheckable(True)
            action.triggered.connect(lambda on, name=name: self._switch(name, on))
        self.weights = Field("Weights", "", "One factor for each objective, in their order.")
        self.weights.edited.connect(self._weigh)
        self._model = ""
        self._objectives: list[str] = []
        self._weights: list[float] = []
        choose = lambda name, part: col(label(name, "caption", "muted"), part, spacing=4)  # noqa: E731
        self._start = choose("New token rows", self.start)
        self.body.addWidget(row(self.purpose, None))
        self.body.addWidget(row((choose("Recipe", self.recipe), 1), (self._start, 1)))
        self.body.addWidget(self.help)
        self.body.addWidget(row((choose("Objectives", self.objectives), 3), (self.weights, 2)))
        self.s2t2 = S2t2Choice()
        self.s2t2.edited.connect(self.edited)
        self.body.addWidget(self.s2t2)
        self.options = {mode: Option(*words) for mode, words in MODES.items()}
        for mode, option in self.options.items():
            option.chosen.connect(lambda mode=mode: self.edited.emit({"mode": mode}))
            self.body.addWidget(option)
        self.flow = Flow()
        self.body.addStretch(1)
        self.body.addWidget(self.flow)

    def show_config(self, config: TransferConfig, rows: int) -> None:
        """`rows`: size of the target vocabulary, 0 while it is not known."""
        self._model = config.model
        self._objectives, self._weights = list(config.objectives), list(config.weights)
        self._show_purpose(purpose_of(config))
        self.start.setCurrentIndex(self.start.findData(config.method))
        moved = self._purpose == "transfer"
        about = METHODS[config.method].help if config.method in list(METHODS) else ""
        self.help.setText(about if moved else PURPOSES[self._purpose].about)
        known = {name: OBJECTIVES[name] for name in config.objectives if name in list(OBJECTIVES)}
        titles = [known[name].title if name in known else name for name in config.objectives]
        labels = [known[name].label if name in known else name for name in config.objectives]
        self.objectives.setText(" + ".join(labels) or "none")
        self.objectives.setToolTip("\n".join(titles))
        for name, action in self._actions.items():
            action.setChecked(name in config.objectives)
        if not self.weights.line.hasFocus():
            self.weights.line.setText(", ".join(f"{weight:g}" for weight in config.weights))
            self.weights.set_problem("")
        self.s2t2.show_config(config)
        for mode, option in self.options.items():
            option.set_on(mode == config.mode)
        self._draw(config, rows)

    def _show_purpose(self, name: str) -> None:
        self._purpose = name
        self.purpose.set_index(list(PURPOSES).index(name))
        for part in (self._start, self.s2t2):  # rows that stay what they are need no start
            part.setVisible(name == "transfer")

    def _pick_purpose(self, number: int) -> None:
        if (name := list(PURPOSES)[number]) != self._purpose:
            self.purpose_picked.emit(name)

    def _draw(self, config: TransferConfig, rows: int) -> None:
        full, staged = config.mode == "full", config.s2t2.steps > 0
        boxes = [("New ids", f"{rows:,}" if rows else "target", "new")]
        if self._purpose != "transfer":
            boxes = [("Text", "is read", "new")]
        if staged:
            boxes.append(("Translation", "learnt first", "trained"))
        boxes.append(("Token rows", "trained", "trained"))
        boxes.append(("Body", "trained" if full else "adapters", "trained" if full else "frozen"))
        if any(name in list(OBJECTIVES) and OBJECTIVES[name].needs_teacher for name in config.objectives):
            boxes.append(("Teacher" if config.teacher else "Original", "teacher", "frozen"))
        self.flow.set_boxes(boxes)

    def _switch(self, name: str, on: bool) -> None:
        pairs = [(n, w) for n, w in zip(self._objectives, self._weights, strict=False) if n != name]
        pairs += [(name, 1.0)] if on else []
        self.edited.emit({"objectives": [n for n, _ in pairs], "weights": [w for _, w in pairs]})

    def _weigh(self, text: str) -> None:
        try:
            weights = [numbers.decimal(part) for part in numbers.several(text)]
        except ValueError:
            weights = []
        wanted = len(self._objectives)
        example = ", ".join(["1"] * wanted)
        self.weights.set_problem(
            "" if len(weights) == wanted else f"Write {wanted} numbers, for example {example}."
        )
        self.edited.emit({"weights": weights} if len(weights) == wanted else {})

    @property
    def valid(self) -> bool:
        return bool(self._objectives) and not self.weights.line.accessibleDescription()

    def _take_recipe(self, place: int) -> None:
        if place == 0:
            return
        values = to_dict(self.recipes[place - 1].config)
        values.pop("model")
        if values["tokenizer"] != "bytes":  # a recipe for bytes is for nothing else
            values.pop("tokenizer")
        if self.recipes[place - 1].kind != "transfer":  # the model keeps the tokenizer it has
            values["tokenizer"] = self._model
        elif self._purpose != "transfer" and "tokenizer" not in values:
            values["tokenizer"] = demo().tokenizer
        self.recipe_picked.emit(values, self.recipes[place - 1].title)
        self.recipe.setToolTip(self.recipes[place - 1].about)
