"""Chat templates to choose from, and the thread that renders with them."""

import json
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tokstudio.errors import InputError, TokstudioError
from tokstudio.tokens.chat import Rendered, Renderer, specials_of, template_of
from tokstudio.tokens.families import families, family
from tokstudio.ui.background import Worker

CHATML_TEXT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Template:
    name: str
    text: str
    reference: str = ""  # the tokenizer whose special tokens it may name
    family: str = ""  # or the model family


CHATML = Template("ChatML", CHATML_TEXT)


class ChatRenderer(QObject):
    """Renders in a thread, which asks a process that can be ended."""

    done = Signal(object)  # Rendered or TokstudioError

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._worker = Worker(self)
        self._worker.done.connect(self._arrived)
        self._renderer: Renderer | None = None
        self._number = 0

    def ask(self, template: Template, messages: list[dict[str, str]], prompt: bool) -> None:
        self._number += 1
        number = self._number

        def work() -> Rendered | None:
            if number != self._number:
                return None
            if self._renderer is None:
                self._renderer = Renderer()
            specials = specials_for(template)
            return self._renderer.render(
                template.text, messages, special_tokens=specials, add_generation_prompt=prompt
            )

        self._worker.submit(number, work)

    def _arrived(self, number: int, result: object) -> None:
        if number == self._number and result is not None:
            self.done.emit(result)

    def close(self) -> None:
        self._worker.close()
        if self._renderer is not None:
            self._renderer.close()


def specials_for(template: Template) -> dict:
    """What the template may name."""
    if template.reference:
        return specials_of(template.reference)
    if template.family:
        found = family(template.family)
        return {**found.named, "special_tokens": list(found.special)}
    return {}


def of_families() -> list[Template]:
    """Those of the model families that have a chat; none where a family's file is damaged."""
    try:
        known = families()
    except TokstudioError:
        return []
    return [Template(name, one.template, family=name) for name, one in known.items() if one.template]


def template_or_none(reference: str) -> str | None:
    try:
        return template_of(reference)
    except TokstudioError:
        return None


def read_template(path: Path) -> str:
    """A template file, or the template inside a tokenizer_config.json."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return text
        found = json.loads(text).get("chat_template")
    except (OSError, ValueError, AttributeError):
        found = None
    if isinstance(found, list):
        found = next((entry.get("template") for entry in found if isinstance(entry, dict)), None)
    if not isinstance(found, str):
        raise InputError(
            f"{path.name} holds no chat template.", hint="Choose a .jinja file or a tokenizer_config.json."
        )
    return found
