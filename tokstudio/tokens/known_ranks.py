"""Rank files of models that tiktoken itself does not know, told by how many tokens they have."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache

from tokstudio.paths import resource

RANGE = re.compile(r"\{(\d+)-(\d+)\}")


@dataclass(frozen=True, slots=True)
class KnownRanks:
    name: str
    pattern: str
    special_tokens: dict[str, int]
    begin: str  # what a text begins with; empty: nothing


def known_ranks(tokens: int) -> KnownRanks | None:
    """The one with that many tokens, special ones not counted."""
    return _known().get(tokens)


def word_rules() -> dict[str, dict]:
    """How words are cut, by the names that files give it: patterns, and whether whole words and a begin token
    count."""
    found = tomllib.loads(resource("families/gguf/pretokenizers.toml").read_text("utf-8"))
    return {name: rule for rule in found["rule"] for name in rule["names"]}


def rule_of_class(name: str) -> dict | None:
    """How the class of transformers cuts words; None for a class that is not told apart from GPT-2's."""
    plain = name.removesuffix("Fast")
    rules = word_rules().values()
    return next((rule for rule in rules if plain in rule.get("classes", ())), None) if plain else None


@cache
def _known() -> dict[int, KnownRanks]:
    found = tomllib.loads(resource("families/ranks/known.toml").read_text("utf-8"))["vocabulary"]
    rules, made = word_rules(), {}
    for one in found:
        (pattern,) = rules[one["rule"]]["patterns"]
        names = [name for written in one["special"] for name in _expanded(written)]
        specials = {name: one["tokens"] + i for i, name in enumerate(names)}
        made[one["tokens"]] = KnownRanks(one["name"], pattern, specials, one.get("begin", ""))
    return made


def _expanded(written: str) -> list[str]:
    if not (found := RANGE.search(written)):
        return [written]
    first, last = int(found[1]), int(found[2])
    return [RANGE.sub(str(number), written) for number in range(first, last + 1)]
