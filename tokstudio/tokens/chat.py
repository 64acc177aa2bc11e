"""Chat templates: find the one of a tokenizer, and render messages with it.

    template = template_of("Qwen/Qwen3-0.6B")
    chat = render(template, [{"role": "user", "content": "Hi"}], special_tokens=specials_of("Qwen/Qwen3-0.6B"))
    for segment in chat.segments: ...    # start, end, role, trained

A template is a program from somewhere else. It runs in a sandbox, in a process of its own that is ended when
it takes too long or too much memory (0.1 s to start one: who renders at each keystroke keeps a `Renderer`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import utf8
from tokstudio.tokens.bounded import BoundedWorker
from tokstudio.tokens.gguf_file import read_settings
from tokstudio.tokens.reference import file_of
from tokstudio.tokens.sidecar import settings_file

SECONDS = 3.0
LARGEST = 1 << 20  # characters of a template; the longest known ones have 20 thousand
NAMED = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")
HINT = "Use another template, or put this one right."


class Segment(NamedTuple):
    """A half-open byte range of the text. `role` is a message's, or "template" for what no message wrote.
    `trained`: what an assistant wrote, and the token that ends it."""

    start: int
    end: int
    role: str
    trained: bool


@dataclass(frozen=True, slots=True)
class Rendered:
    text: str
    segments: tuple[Segment, ...]  # in order; they tile the text


class Renderer:
    """Keeps its process between two chats. For one thread; close it."""

    def __init__(self):
        self._worker = BoundedWorker()

    def render(
        self,
        template: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        special_tokens: Mapping[str, Any] | None = None,
        add_generation_prompt: bool = False,
        seconds: float = SECONDS,
        **variables: Any,
    ) -> Rendered:
        """`special_tokens`: what the template may name (`bos_token`, ...) and, under any other key, lists of
        further ones, which end an answer as well. `variables`: what else the template may ask for.

        Raises TokenizerError for a template that cannot be read, refuses the messages, reaches for Python,
        or takes too long.
        """
        _check(template, messages)
        specials = dict(special_tokens or {})
        named = {key: value for key, value in specials.items() if isinstance(value, str)}
        request = {
            "template": template,
            "messages": [dict(message) for message in messages],
            "variables": {**named, **variables},
            "add_generation_prompt": add_generation_prompt,
            "special_tokens": specials,
        }
        answer = self._worker.run(
            "chat", request, seconds=seconds, stopped="The chat template was stopped: it takes", hint=HINT
        )
        return Rendered(answer["text"], tuple(Segment(*found) for found in answer["segments"]))

    def close(self) -> None:
        self._worker.close()

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def render(template: str, messages: Sequence[Mapping[str, Any]], **settings: Any) -> Rendered:
    """`Renderer.render` in a process for this one chat."""
    with Renderer() as renderer:
        return renderer.render(template, messages, **settings)


def _check(template: str, messages: Sequence[Mapping[str, Any]]) -> None:
    if len(template) > LARGEST:
        raise TokenizerError("The chat template is longer than a million characters.", hint=HINT)
    utf8(template)
    for i, message in enumerate(messages, 1):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise TokenizerError(
                f"Message {i} has no role.",
                hint='A message is an object such as {"role": "user", "content": "Hello"}.',
            )
        if isinstance(content := message.get("content"), str):
            utf8(content)


def template_of(reference: str) -> str | None:
    """The chat template that comes with a tokenizer, or None where none does."""
    file = file_of(reference)
    if file is None:
        return None
    if file.suffix == ".gguf":
        return _one(read_settings(file).get("tokenizer.chat_template"))
    folder = file.parent
    if (alone := folder / "chat_template.jinja").is_file() and alone.stat().st_size <= LARGEST:
        return alone.read_text("utf-8", "replace")
    for name in ("tokenizer_config.json", "chat_template.json"):
        if template := _one(settings_file(folder, name).get("chat_template")):
            return template
    return None


def _one(found: Any) -> str | None:
    """A template, or the one called "default" (else the first) of several."""
    if isinstance(found, list):
        several = {e.get("name"): e.get("template") for e in found if isinstance(e, dict)}
        found = several.get("default", next(iter(several.values()), None))
    return found if isinstance(found, str) and found else None


def specials_of(reference: str) -> dict[str, Any]:
    """What a chat template may ask for: `bos_token` and the like, and all special tokens under
    `special_tokens`."""
    from tokstudio.tokens.reference import load_tokenizer

    found: dict[str, Any] = {"special_tokens": list(load_tokenizer(reference).special_tokens)}
    folder = _folder(reference)
    for name in ("special_tokens_map.json", "tokenizer_config.json") if folder else ():
        for key, value in settings_file(folder, name).items():
            content = value.get("content") if isinstance(value, dict) else value
            if key in NAMED and isinstance(content, str):
                found[key] = content
    return found


def _folder(reference: str) -> Path | None:
    file = file_of(reference)
    return file.parent if file else None
