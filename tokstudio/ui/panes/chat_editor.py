"""The text as a chat: a table of roles and messages, rendered by a template."""

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from tokstudio.errors import TokstudioError
from tokstudio.tokens.chat import Rendered
from tokstudio.ui import theme
from tokstudio.ui.panes.chat_templates import (
    CHATML,
    ChatRenderer,
    Template,
    of_families,
    read_template,
    template_or_none,
)
from tokstudio.ui.widgets.basic import button, check, combo, row, tool
from tokstudio.ui.widgets.problem import Problem

ROLES = ("system", "user", "assistant", "tool")
START = (("user", "What is a token?"), ("assistant", "A piece of text that a model reads at once."))
PAUSE = 120  # milliseconds after the last key


class Message(QFrame):
    changed = Signal()
    removed = Signal()
    moved = Signal(int)

    def __init__(self, role: str, content: str):
        super().__init__()
        self.setProperty("frame", "inset")
        self.role = combo(ROLES, "Role")
        if role not in ROLES:
            self.role.addItem(role)
        self.role.setCurrentText(role)
        self.content = QPlainTextEdit(content)
        self.content.setProperty("bare", "1")
        self.content.setFrameShape(QFrame.NoFrame)
        self.content.setAccessibleName("Message")
        self.content.setPlaceholderText("What is said")
        self.content.setTabChangesFocus(True)
        self.content.setFixedHeight(theme.px(54))
        theme.set_font(self.content, "mono")
        up, down = tool("chevron-up", "Move up", 24), tool("chevron-down", "Move down", 24)
        drop = tool("trash", "Remove message", 24)
        up.clicked.connect(lambda: self.moved.emit(-1))
        down.clicked.connect(lambda: self.moved.emit(1))
        drop.clicked.connect(self.removed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(2)
        layout.addWidget(row((self.role, 1), up, down, drop, spacing=0))
        layout.addWidget(self.content)
        self.role.currentIndexChanged.connect(self.changed)
        self.content.textChanged.connect(self.changed)

    def value(self) -> dict[str, str]:
        return {"role": self.role.currentText(), "content": self.content.toPlainText()}


class ChatEditor(QWidget):
    """Emits `rendered` with Rendered, or `refused` with why the template does not take the messages."""

    rendered = Signal(object)
    edited = Signal()
    dropped = Signal(int, dict)  # by a person: the place of a message, and what it said
    shifted = Signal(int, int)  # by a person: from one place to another

    def __init__(self):
        super().__init__()
        self._templates: list[Template] = [CHATML]
        self._own: list[Template] = []
        self.template = combo(["ChatML"], "Chat template")
        self.prompt = check("Generation prompt")
        self.prompt.setToolTip("End with what makes the model answer (add_generation_prompt)")
        self.mask = check("Loss mask", True)
        self.mask.setToolTip("Underline the tokens that a training on the answers learns: the assistant's")
        opener, add = (
            tool("folder", "Open a template file (.jinja, tokenizer_config.json)"),
            button("Add message", "plus", "quiet"),
        )
        opener.clicked.connect(self._open)
        self.problem = Problem()
        self.problem.setProperty("frame", "plain")
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        inner, area = QWidget(), QScrollArea()
        inner_layout = QVBoxLayout(inner)
        inner_layout.setContentsMargins(0, 0, 4, 0)
        inner_layout.addLayout(self._list)
        inner_layout.addWidget(row(add, None))
        inner_layout.addStretch(1)
        area.setProperty("bare", "1")
        area.setFrameShape(QFrame.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.NoFocus)
        area.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(11, 8, 8, 4)
        layout.setSpacing(6)
        layout.addWidget(row((self.template, 1), opener, spacing=4))
        layout.addWidget(row(self.prompt, self.mask, None))
        layout.addWidget(self.problem)
        layout.addWidget(area, 1)
        self._renderer = ChatRenderer(self)
        self._renderer.done.connect(self._done)
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(self.render_now)
        self.last: Rendered | None = None
        add.clicked.connect(lambda: self.add("user", "", focus=True))
        self.template.currentIndexChanged.connect(self._changed)
        self.prompt.toggled.connect(self._changed)
        self.mask.toggled.connect(lambda _: self.rendered.emit(self.last) if self.last else None)
        self._quiet = False
        self.set_messages([{"role": role, "content": content} for role, content in START])

    # ---- messages

    def _rows(self) -> list[Message]:
        return [self._list.itemAt(at).widget() for at in range(self._list.count())]

    def messages(self) -> list[dict[str, str]]:
        return [made.value() for made in self._rows()]

    def set_messages(self, messages: list[dict[str, str]]) -> None:
        self._quiet = True
        for old in self._rows():
            self._drop(old)
        for message in messages:
            self.add(str(message.get("role", "user")), str(message.get("content", "")))
        self._quiet = False

    def add(self, role: str, content: str, focus: bool = False) -> None:
        if focus and (rows := self._rows()):
            role = "assistant" if rows[-1].role.currentText() == "user" else "user"
        made = Message(role, content)
        made.changed.connect(self._changed)
        made.removed.connect(lambda: self._remove(made))
        made.moved.connect(lambda by: self._move(made, by))
        self._list.addWidget(made)
        if focus:
            made.content.setFocus()
            self._changed()

    def _drop(self, made: Message) -> None:
        self._list.removeWidget(made)
        made.hide()
        made.deleteLater()

    def _remove(self, made: Message) -> None:
        at, message = self._list.indexOf(made), made.value()
        self.take(at)
        self.dropped.emit(at, message)

    def _move(self, made: Message, by: int) -> None:
        at = self._list.indexOf(made)
        if 0 <= at + by < self._list.count():
            self.shift(at, at + by)
            self.shifted.emit(at, at + by)

    def take(self, at: int) -> None:
        """Away with the message at this place, where there is one."""
        if at < self._list.count():
            self._drop(self._list.itemAt(at).widget())
            self._changed()

    def put(self, at: int, message: dict[str, str]) -> None:
        """A message before the one at this place."""
        last = self._list.count()
        self.add(message["role"], message["content"])
        self.shift(last, min(at, last))

    def shift(self, at: int, to: int) -> None:
        if max(at, to) < self._list.count():
            self._list.insertWidget(to, self._list.takeAt(at).widget())
            self._changed()

    # ---- templates

    def offer(self, references: list[tuple[str, str]]) -> None:
        """(name, reference) of the panes: those that bring a template can be chosen."""
        found = [
            Template(name, text, reference)
            for name, reference in references
            if (text := template_or_none(reference)) is not None
        ]
        chosen = self.template.currentText()
        self._templates = [*found, *self._own, *of_families(), CHATML]
        names = [made.name for made in self._templates]
        if [self.template.itemText(at) for at in range(self.template.count())] != names:
            self.template.blockSignals(True)
            self.template.clear()
            self.template.addItems(names)
            self.template.setCurrentIndex(names.index(chosen) if chosen in names else 0)
            self.template.blockSignals(False)

    def _open(self) -> None:
        kinds = "Templates (*.jinja *.jinja2 *.json *.txt);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self, "Open a chat template", "", kinds)
        if path:
            self.open_template(Path(path))

    def open_template(self, path: Path) -> None:
        try:
            text = read_template(path)
        except TokstudioError as error:
            self.problem.show_error(error)
            return
        self._own.insert(0, Template(path.name, text))
        self._templates.insert(0, self._own[0])
        self.template.insertItem(0, path.name)
        self.template.setCurrentIndex(0)
        self._changed()

    # ---- rendering

    def _changed(self, *_args) -> None:
        if not self._quiet:
            self.edited.emit()
            self._pause.start()

    def render_now(self) -> None:
        chosen = self._templates[max(0, self.template.currentIndex())]
        self._renderer.ask(chosen, self.messages(), self.prompt.isChecked())

    def _done(self, result: object) -> None:
        if isinstance(result, TokstudioError):
            self.problem.show_error(result)
            return
        self.problem.clear()
        self.last = result
        self.rendered.emit(result)

    def trained(self) -> tuple[tuple[int, int], ...] | None:
        """Byte ranges that a training learns; None with the layer off."""
        if not self.mask.isChecked() or self.last is None:
            return None
        return tuple((part.start, part.end) for part in self.last.segments if part.trained)

    def state(self) -> dict:
        return {
            "messages": self.messages(),
            "template": self.template.currentText(),
            "prompt": self.prompt.isChecked(),
        }

    def restore(self, state: dict) -> None:
        messages = state.get("messages")
        if isinstance(messages, list) and all(isinstance(message, dict) for message in messages):
            self.set_messages(messages)
        self.prompt.blockSignals(True)
        self.prompt.setChecked(bool(state.get("prompt", False)))
        self.prompt.blockSignals(False)

    def close_down(self) -> None:
        self._pause.stop()
        self._renderer.close()
