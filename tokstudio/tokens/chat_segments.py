"""Which part of a rendered chat came from which message, and what a loss would count."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# an end token that no list of special tokens names: "<end_of_turn>", and DeepSeek's with its wide bars
LIKE_SPECIAL = re.compile(r"<[^<>\s]{1,40}>|<｜[^<>\s]{1,40}｜>")  # noqa: RUF001


@dataclass(slots=True)
class Marked:
    """Positions in characters of the rendered text."""

    blocks: list[tuple[int, int]]  # where each message's turn of the loop begins; -1 behind the last one
    contents: dict[int, list[tuple[int, int]]]  # message -> where its content stands
    generated: list[tuple[int, int]]  # what the template itself marks as written by an assistant


def segments_of(
    text: str,
    messages: Sequence[dict],
    marked: Marked,
    generation: str,
    prompted: bool,
    specials: Sequence[str],
) -> list[tuple[int, int, str, bool]]:
    """Start, end (half-open, bytes of UTF-8), role and whether it is trained on; they tile the text.

    What no message wrote has the role "template". Trained is what an assistant wrote and the token that ends
    it; `generation` is what the template writes where an answer begins, and `prompted` whether it did so at
    the end.
    """
    roles = ["template"] * len(text)  # by character: chats are short, and this cannot go wrong
    trained = bytearray(len(text))
    blocks = _blocks(text, marked)
    for start, stop, number in blocks:
        roles[start:stop] = [messages[number].get("role", "")] * (stop - start)
    contents = _searched(text, messages, blocks, marked.contents)
    for number, places in contents.items():
        for start, stop in places:
            _claim(roles, text, start, stop, str(messages[number].get("role", "")), blocks)
    if prompted and generation:
        start = len(text) - len(generation)
        roles[start:] = ["assistant"] * len(generation)
    for start, stop in marked.generated or _answers(text, messages, blocks, contents, generation, specials):
        trained[start:stop] = b"\1" * (stop - start)
    return _runs(text, roles, trained)


def _claim(
    roles: list[str], text: str, start: int, stop: int, role: str, blocks: list[tuple[int, int, int]]
) -> None:
    """A content outside of every block, as of a system message that the template writes before its loop,
    takes what is around it along, up to the block behind it."""
    roles[start:stop] = [role] * (stop - start)
    if any(a <= start < b for a, b, _ in blocks):
        return
    nexts = min((a for a, b, _ in blocks if a >= stop and b > a), default=stop)
    roles[stop:nexts] = [role] * (nexts - stop)
    while start > 0 and roles[start - 1] == "template":
        start -= 1
    lead = LIKE_SPECIAL.match(text, start)  # a BOS stays the template's
    if lead and lead.end() < stop and LIKE_SPECIAL.match(text, lead.end()):
        start = lead.end()
    roles[start:stop] = [role] * (stop - start)


def _blocks(text: str, marked: Marked) -> list[tuple[int, int, int]]:
    """Start, end and message of each turn that wrote something."""
    found = []
    for i, (start, number) in enumerate(marked.blocks):
        stop = marked.blocks[i + 1][0] if i + 1 < len(marked.blocks) else len(text)
        if number >= 0 and stop > start:
            found.append((start, stop, number))
    return found


def _searched(
    text: str,
    messages: Sequence[dict],
    blocks: list[tuple[int, int, int]],
    known: dict[int, list[tuple[int, int]]],
) -> dict[int, list[tuple[int, int]]]:
    """`known`, and the other contents by their wording, in the order of the messages, each in its own block
    where it has one; also without the thought that a reasoning model's template leaves out."""
    own = {number: (start, stop) for start, stop, number in blocks}
    found, at = dict(known), 0
    for number, message in enumerate(messages):
        if number in known:
            at = known[number][-1][1]
            continue
        content = message.get("content")
        content = content if isinstance(content, str) else ""
        start, stop = own.get(number, (at, len(text)))
        for inner in filter(None, (content.strip(), content.rpartition("</think>")[2].strip())):
            if (place := text.find(inner, max(start, at), stop)) >= 0:
                at = place + len(inner)
                found[number] = [(place, at)]
                break
    return found


def _answers(
    text: str,
    messages: Sequence[dict],
    blocks: list[tuple[int, int, int]],
    contents: dict[int, list[tuple[int, int]]],
    generation: str,
    specials: Sequence[str],
) -> list[tuple[int, int]]:
    """From where an assistant's answer begins to the end of the token that ends it."""
    ends = re.compile("|".join(map(re.escape, sorted(set(specials), key=len, reverse=True))) or r"(?!)")
    found = []
    for start, stop, number in blocks:
        if messages[number].get("role") not in ("assistant", "model"):
            continue
        places = contents.get(number, [])
        if generation and text.startswith(generation, start) and start + len(generation) <= stop:
            first = start + len(generation)
        elif places:
            first = places[0][0]
        else:
            continue
        last = max([first, *(b for _, b in places)])
        found.append((first, _end(text, last, stop, ends)))
    return found


def _end(text: str, start: int, stop: int, ends: re.Pattern[str]) -> int:
    """Behind the last special token of the block from `start`; else behind what stands there."""
    named = [m.end() for m in ends.finditer(text, start, stop)]
    like = [m.end() for m in LIKE_SPECIAL.finditer(text, start, stop)]
    if named or like:
        return max(named or like)
    return start + len(text[start:stop].rstrip())


def _runs(text: str, roles: list[str], trained: bytearray) -> list[tuple[int, int, str, bool]]:
    found, start, size, at = [], 0, 0, 0
    for i in range(1, len(text) + 1):
        if i == len(text) or roles[i] != roles[start] or trained[i] != trained[start]:
            size += len(text[start:i].encode())
            found.append((at, size, roles[start], bool(trained[start])))
            start, at = i, size
    return found
