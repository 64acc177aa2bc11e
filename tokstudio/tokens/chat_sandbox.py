"""Chat templates, rendered where they can do no harm: jinja2's immutable sandbox, inside a bounded process.

What transformers gives a template is there: `messages`, `tools`, `documents`, the special tokens,
`raise_exception`, `strftime_now`, `tojson`, the loop controls and `{% generation %}`.

To know which part of the text came from which message, the template is rendered a second time with marks in
it: one before each turn of a loop over the messages, one around each message's content. Marks are characters
from a private-use plane, and count only where the text without them is the text of the first rendering.
"""

import json
import re
from datetime import datetime
from typing import Any

from jinja2 import Environment, TemplateError, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError, TemplateSyntaxError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tokstudio.errors import TokenizerError
from tokstudio.tokens.chat_segments import Marked, segments_of
from tokstudio.tokens.native import short

OPEN, CLOSE = "\U00100000", "\U00100001"  # a mark is OPEN, a letter, a number, CLOSE
MARK = re.compile(f"{OPEN}([a-z])(\\d*){CLOSE}")
LONGEST = 4 << 20  # characters of rendered text
FIX = "Use another template, or put this one right."


def rendered(request: dict) -> dict:
    """The job: `template`, `messages`, `variables`, `add_generation_prompt` to `text` and `segments`."""
    template, messages = request["template"], request["messages"]
    variables, prompt = request["variables"], request["add_generation_prompt"]
    text = _text(template, messages, variables, prompt)
    _check_text(text)
    without = _text(template, messages, variables, False) if prompt else text
    generation = _generation_prompt(template, messages, variables, text, without)
    marked = _marked(template, messages, variables, prompt, text)
    ends = [v for v in _flat(request["special_tokens"]) if v]
    return {"text": text, "segments": segments_of(text, messages, marked, generation, prompt, ends)}


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TokenizerError("The chat template writes half a character.", hint=FIX) from None


def _flat(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [found for one in value.values() for found in _flat(one)]
    if isinstance(value, list):
        return [found for one in value for found in _flat(one)]
    return [value] if isinstance(value, str) else []


def _generation_prompt(template: str, messages: list, variables: dict, text: str, without: str) -> str:
    """What the template writes where an answer begins; empty where it does not say."""
    if text != without:
        return _added(text, without)
    try:
        return _added(_text(template, messages, variables, True), text)
    except TokenizerError:
        return ""


def _added(longer: str, text: str) -> str:
    """What `longer` ends with and `text` does not, from the start of a special token on: some templates write an
    end token in the place of a prompt."""
    shorter = min(len(longer), len(text))
    same = next((i for i in range(shorter) if longer[i] != text[i]), shorter)
    while same < len(text) and same and longer[same - 1] in "<|[":
        same -= 1
    return longer[same:]


def _text(template: str, messages: list, variables: dict, prompt: bool) -> str:
    return _run(_environment(), template, messages, variables, prompt)


def _marked(template: str, messages: list, variables: dict, prompt: bool, text: str) -> Marked:
    """Where blocks and contents are in `text`; without the contents where marks in them change the text."""
    for contents in (True, False):
        copies = [
            _with_marks(message, i) if contents else dict(message) for i, message in enumerate(messages)
        ]
        numbers = {id(message): i for i, message in enumerate(copies)}
        environment = _environment(numbers)
        try:
            found = _run(environment, template, copies, variables, prompt)
        except TokenizerError:  # it looks into the content
            continue
        if MARK.sub("", found) == text:
            return _places(found)
    return Marked([], {}, [])


def _with_marks(message: dict, i: int) -> dict:
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        return dict(message)
    inner = content.strip()  # white space stays outside: templates trim
    before, after = content[: content.index(inner)], content[content.index(inner) + len(inner) :]
    return {**message, "content": f"{before}{OPEN}c{i}{CLOSE}{inner}{OPEN}d{i}{CLOSE}{after}"}


def _places(found: str) -> Marked:
    marked, size, at, opened = Marked([], {}, []), 0, 0, {}
    for mark in MARK.finditer(found):
        size += mark.start() - at
        at = mark.end()
        kind, number = mark[1], int(mark[2] or 0)
        if kind == "m":
            marked.blocks.append((size, number))
        elif kind == "e":
            marked.blocks.append((size, -1))
        elif kind == "c":
            opened[number] = size
        elif kind == "d" and number in opened:
            marked.contents.setdefault(number, []).append((opened.pop(number), size))
        elif kind == "g":
            opened["g"] = size
        elif kind == "h" and "g" in opened:
            marked.generated.append((opened.pop("g"), size))
    return marked


def _run(environment: Environment, template: str, messages: list, variables: dict, prompt: bool) -> str:
    values = {"tools": None, "documents": None, **variables}
    parts, size = [], 0
    try:
        compiled = environment.from_string(template)
        for part in compiled.generate(messages=messages, add_generation_prompt=prompt, **values):
            parts.append(part)
            size += len(part)
            if size > LONGEST:
                raise TokenizerError("The chat template writes more than 4 MB.", hint=FIX)
    except TemplateSyntaxError as error:
        where = f"line {error.lineno}"
        raise TokenizerError(
            f"The chat template cannot be read ({where}): {short(error.message)}.", hint=FIX
        ) from None
    except SecurityError as error:
        raise TokenizerError(
            f"The chat template reaches for Python and is refused: {short(error)}.",
            hint="Templates only see the messages. Do not use files from whoever wrote this one.",
        ) from None
    except TemplateError as error:
        raise TokenizerError(f"The chat template refuses these messages: {short(error)}.", hint=FIX) from None
    except (MemoryError, RecursionError):
        raise TokenizerError("The chat template needs too much memory.", hint=FIX) from None
    except TokenizerError:
        raise
    except Exception as error:  # a filter or operator met a value that it cannot take
        raise TokenizerError(f"The chat template fails: {short(error)}.", hint=FIX) from None
    return "".join(parts)


class Sandbox(ImmutableSandboxedEnvironment):
    """Says no aloud: in jinja2's own sandbox a forbidden attribute is only undefined."""

    def unsafe_undefined(self, obj: object, attribute: str):
        raise SecurityError(f"it asks for {attribute!r} of {type(obj).__name__}")


class Generation(Extension):
    """`{% generation %}`: what an assistant writes."""

    tags = {"generation"}  # noqa: RUF012  jinja2's own form

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return [_mark_node("g", line), *body, _mark_node("h", line)]


class Marking(Sandbox):
    """Puts a mark at the start of each turn of a loop, and one behind the loop."""

    def _parse(self, source, name, filename):
        tree = super()._parse(source, name, filename)
        tree.body = _with_loop_marks(tree.body)
        return tree.set_environment(self)


def _with_loop_marks(body: list[nodes.Node]) -> list[nodes.Node]:
    """Not inside macros and captured blocks: what they write is a value first."""
    out = []
    for node in body:
        out.append(node)
        if isinstance(node, nodes.If):
            for branch in (node, *node.elif_):
                branch.body = _with_loop_marks(branch.body)
            node.else_ = _with_loop_marks(node.else_)
        elif isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
            item = nodes.Name(node.target.name, "load")
            loop = nodes.Const(id(node))
            node.body = [_mark_node("m", node.lineno, loop, item), *_with_loop_marks(node.body)]
            out.append(_mark_node("e", node.lineno, loop))
    return out


def _mark_node(kind: str, line: int, *arguments: nodes.Expr) -> nodes.Output:
    call = nodes.Call(nodes.Name("__mark__", "load"), [nodes.Const(kind), *arguments], [], None, None)
    return nodes.Output([call]).set_lineno(line)


class _Marker:
    """What `__mark__` writes. `numbers`: message by identity -> its index."""

    def __init__(self, numbers: dict[int, int]):
        self._numbers = numbers
        self._loops: set[int] = set()  # those that have met a message

    def __call__(self, kind: str, loop: int = 0, item: Any = None) -> str:
        number = self._numbers.get(id(item))
        if kind == "m" and number is not None:
            self._loops.add(loop)
            return f"{OPEN}m{number}{CLOSE}"
        if kind == "e" and loop in self._loops:
            self._loops.discard(loop)
            return f"{OPEN}e{CLOSE}"
        return f"{OPEN}{kind}{CLOSE}" if kind in "gh" else ""


def _environment(numbers: dict[int, int] | None = None) -> Environment:
    """With `numbers` it marks."""
    kind = Sandbox if numbers is None else Marking
    made = kind(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.filters["tojson"] = _to_json
    made.globals["raise_exception"] = _refuse
    made.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    made.globals["__mark__"] = (lambda *_: "") if numbers is None else _Marker(numbers)
    return made


def _to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False) -> str:
    """Without HTML's escapes, unlike jinja2's own."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _refuse(message: str) -> None:
    raise TemplateRuntimeError(str(message))
