"""Rows of chats and of prompts with their answers, as marked texts.

    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    {"prompt": "2 + 2 =", "completion": " 4"}

Chats are written by the model's chat template, which runs in a sandbox. What is learnt is what an assistant says and
the token that ends it; of a pair it is the completion and the token that ends a text.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokstudio.errors import InputError, TokenizerError
from tokstudio.tokens.base import SPECIAL_ROLES
from tokstudio.tokens.chat import Renderer, specials_of, template_of
from tokstudio.tokens.families import family
from tokstudio.train.marked import Marked, Ranges, marked

PATIENCE = 60.0  # seconds for a chat: a busy machine must not end a run
CHATS = ("messages", "conversations", "conversation")
PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("instruction", "output"),
    ("instruction", "response"),
)
ROLES = {
    "human": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
}  # of ShareGPT's "from"


def fields_of(names: Sequence[str]) -> tuple[str, ...]:
    """The fields of a row that make it a chat or a pair; () where it is neither."""
    for name in CHATS:
        if name in names:
            return (name,)
    return next((pair for pair in PAIRS if set(pair) <= set(names)), ())


class ChatRows:
    """Keeps the template's process between two chats; close it."""

    def __init__(self, model: str, template: str = "", learn: str = "answers"):
        """`model`: whose template and special tokens are used; `template`: a file or a model family instead."""
        self.model, self.named, self.learn = model, template, learn
        self._renderer: Renderer | None = None
        self._template: str | None = None
        self._specials: dict[str, Any] | None = None

    def close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()

    def text(self, row: Mapping[str, Any], fields: Sequence[str], where: str) -> Marked:
        """Raises InputError, which begins with `where`: "Line 3 of chats.jsonl"."""
        if len(fields) == 1:
            return self._chat(_messages(row[fields[0]], where), where)
        prompt, answer = (row.get(name) for name in fields)
        if not isinstance(prompt, str) or not isinstance(answer, str):
            raise InputError(
                f'{where}: "{fields[0]}" and "{fields[1]}" must be texts.',
                hint=f'A row looks like {{"{fields[0]}": "…", "{fields[1]}": "…"}}.',
            )
        return self._pair(prompt, answer)

    def _pair(self, prompt: str, answer: str) -> Marked:
        end = self._end()
        text, start = prompt + answer + end, len(prompt.encode())
        stop = len(text.encode())
        verbatim: Ranges = ((0, stop - len(end.encode())),) if self._names_specials(prompt + answer) else ()
        return marked(text, ((0 if self.learn == "all" else start, stop),), verbatim)

    def _chat(self, messages: list[dict[str, Any]], where: str) -> Marked:
        try:
            specials = self._known()
            renderer = self._renderer = self._renderer or Renderer()
            found = renderer.render(self._written(), messages, special_tokens=specials, seconds=PATIENCE)
        except TokenizerError as error:
            raise InputError(f"{where}: {error}", hint=error.hint) from None
        trained = tuple((s.start, s.end) for s in found.segments if s.trained)
        if not trained:
            raise InputError(
                f"{where}: nobody answers in this chat.",
                hint='A chat needs a message with the role "assistant".',
            )
        size = len(found.text.encode())
        if self.learn == "all":
            trained = ((0, size),)
        verbatim: Ranges = ()
        if any(self._names_specials(str(m.get("content"))) for m in messages):
            verbatim = _places(found.text, messages)
        return _without_begin(marked(found.text, trained, verbatim), specials.get("bos_token"))

    def _written(self) -> str:
        """The template. Raises TokenizerError where there is none."""
        if self._template is None:
            self._template = _template(self.model, self.named)
        return self._template

    def _known(self) -> dict[str, Any]:
        if self._specials is None:
            self._specials = specials_of(self.model)
        return self._specials

    def _names_specials(self, text: str) -> bool:
        return any(special in text for special in self._known()["special_tokens"])

    def _end(self) -> str:
        """The token that ends a text, written out; nothing where there is none."""
        known = self._known()
        if isinstance(end := known.get("eos_token"), str) and end in known["special_tokens"]:
            return end
        return next((name for name in SPECIAL_ROLES["end"] if name in known["special_tokens"]), "")


def _template(model: str, named: str) -> str:
    if not named:
        if (found := template_of(model)) is not None:
            return found
        raise TokenizerError(
            f"{model} has no chat template.",
            hint="Set data.chat_template to a Jinja file, or to a model family such as Llama3 or Qwen2.",
        )
    path = Path(named).expanduser()
    if path.is_file():
        return path.read_text("utf-8", "replace")
    if (found := family(named).template) is None:
        raise TokenizerError(
            f"The family {named} has no chat template.", hint="Name another one, or a Jinja file."
        )
    return found


def _messages(value: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(m, Mapping) for m in value):
        raise InputError(
            f"{where}: the chat is no list of messages.",
            hint='It looks like {"messages": [{"role": "user", "content": "…"}, …]}.',
        )
    found = []
    for number, message in enumerate(value, 1):
        role = message.get("role", message.get("from"))
        content = message.get("content", message.get("value"))
        if not isinstance(role, str) or not isinstance(content, str | list):
            raise InputError(
                f"{where}: message {number} has no role or no content.",
                hint='A message is an object such as {"role": "user", "content": "Hello"}.',
            )
        found.append({**message, "role": ROLES.get(role, role), "content": content})
    return found


def _places(text: str, messages: Sequence[Mapping[str, Any]]) -> Ranges:
    """Where what was written stands in the rendered text, in the order of the messages."""
    found, at = [], 0
    for message in messages:
        content = message.get("content")
        content = content.strip() if isinstance(content, str) else ""
        if content and (place := text.find(content, at)) >= 0:
            at = place + len(content)
            found.append((len(text[:place].encode()), len(text[:at].encode())))
    return tuple(found)


def _without_begin(text: Marked, begin: Any) -> Marked:
    """Every window is given its begin token anyway."""
    if not isinstance(begin, str) or not begin or not text.startswith(begin):
        return text
    gone = len(begin.encode())
    moved = [
        tuple((max(0, a - gone), b - gone) for a, b in part if b > gone)
        for part in (text.trained, text.verbatim)
    ]
    return marked(text[len(begin) :], *moved)
