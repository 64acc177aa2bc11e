"""Another family's special tokens and chat template on a tokenizer, and tokenizers of bytes.

What comes out is a folder as transformers reads it: tokenizer.json, tokenizer_config.json, chat_template.jinja.
"""

import json
from itertools import takewhile
from typing import Any

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.chat import specials_of, template_of
from tokstudio.tokens.families import NAMED, Family, family, family_of
from tokstudio.tokens.library_json import bytes_only, library_json
from tokstudio.tokens.spec import Spec
from tokstudio.tokens.training.parts import ROLES

KEPT = ("unk_token", "mask_token")  # names that stay where the new family has none
TIES = (
    "Where two ways to cut a word are worth the same, SentencePiece and a tokenizer.json may take different ones, "
    "and they do not normalize every rare character alike."
)


def grafted(base: Tokenizer, spec: Spec) -> tuple[dict[str, bytes], list[str]]:
    """Content of each file by its name, and what a person should know. Raises TokenizerError."""
    source = family(spec.source) if spec.source else family_of(set(base.special_tokens))
    target = family(spec.target) if spec.target else None
    template, named = template_of(spec.base), _named(spec.base, base, source)
    content = bytes_only() if spec.conversion == "byte" else library_json(base)
    notes = _missing(base, source) if spec.source else []
    if base.fingerprint.startswith("sentencepiece") and base.algorithm == "Unigram" and not spec.conversion:
        notes.append(TIES)
    wanted = target or source
    if target:
        kept = {
            key: token for key, token in named.items() if key in KEPT and token not in target.named.values()
        }
        template, named = target.template, {**kept, **target.named}
        notes += _lost_bos(base, source, target) + _lost_end(base, target)
    elif template is None and spec.source:
        template = source.template
    if spec.conversion == "byte":
        special = wanted.special if wanted else tuple(base.special_tokens)
        add_tokens(content, special, wanted.plain if wanted else ())
        if target or not set(sum(_frame(base), ())) <= set(special):
            set_frame(content, (wanted.bos,) if wanted.bos else ())
        else:
            before, after = _frame(base)
            set_frame(content, before or ((wanted.bos,) if wanted and wanted.bos else ()), after)
    elif target:
        add_tokens(content, target.special, target.plain)
        set_frame(content, (target.bos,) if target.bos else ())
    return _files(content, template, named), notes


def _named(reference: str, base: Tokenizer, source: Family | None) -> dict[str, str]:
    """What transformers calls the tokens: as the tokenizer's own files say, else as its family does, else by
    their usual names."""
    usual = {role: next((n for n in names if n in base.special_tokens), "") for role, names in ROLES.items()}
    own = {key: value for key, value in specials_of(reference).items() if key in NAMED}
    of_family = source.named if source else {}
    known = {**{k: v for k, v in of_family.items() if v in base.special_tokens}, **own}
    return {**{k: v for k, v in usual.items() if v}, **known}


def _missing(base: Tokenizer, source: Family) -> list[str]:
    lacking = [token for token in source.special if token not in base.special_tokens]
    if not lacking:
        return []
    names = ", ".join(lacking[:6]) + (", ..." if len(lacking) > 6 else "")
    return [f"{base.name} lacks special tokens of the family {source.name}: {names}."]


def _lost_bos(base: Tokenizer, source: Family | None, target: Family) -> list[str]:
    begins = _begins_with(base) or (source.bos if source else None)
    if begins is None or target.bos is not None:
        return []
    return [
        f"The begin token {begins} disappears: {target.name} begins a text with none. "
        "A model that always saw one may get worse without it."
    ]


def _lost_end(base: Tokenizer, target: Family) -> list[str]:
    _, after = _frame(base)
    if not after:
        return []
    return [
        f"The end token {' '.join(after)} disappears: {target.name} puts none behind a text. "
        "A model that always saw one may get worse without it."
    ]


def _begins_with(base: Tokenizer) -> str | None:
    """The special token that `base` puts before a text."""
    before, _ = _frame(base)
    return before[0] if before else None


def _frame(base: Tokenizer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The special tokens that `base` puts before and behind a text."""
    names = {i: name for name, i in base.special_tokens.items()}
    around = [names.get(i) for i in base.encode("a", special=True).ids.tolist()]
    before, after = tuple(takewhile(bool, around)), tuple(takewhile(bool, reversed(around)))[::-1]
    return (before, after) if len(before) < len(around) else ((), ())  # else it does not know an "a"


def add_tokens(content: dict[str, Any], special: tuple[str, ...], plain: tuple[str, ...]) -> None:
    """Into a tokenizer.json: tokens that it has become special where they were not, others get the next ids."""
    added = content["added_tokens"]
    known = {entry["content"]: entry for entry in added}
    entries = _entries(content)
    following = max([*entries.values(), *(e["id"] for e in added)], default=-1) + 1
    for token, is_special in [*((t, True) for t in special), *((t, False) for t in plain)]:
        if token in known:
            known[token]["special"] |= is_special
            continue
        number = entries.get(token)
        if number is None:
            number, following = following, following + 1
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        added.append({"id": number, "content": token, **flags, "special": is_special})
    added.sort(key=lambda entry: entry["id"])


def _entries(content: dict[str, Any]) -> dict[str, int]:
    """The model's vocabulary; Unigram lists pairs of entry and score."""
    vocabulary = content["model"]["vocab"]
    if isinstance(vocabulary, list):
        return {entry[0]: i for i, entry in enumerate(vocabulary)}
    return vocabulary


def set_frame(content: dict[str, Any], before: tuple[str, ...], after: tuple[str, ...] = ()) -> None:
    """What the post-processor puts around a text, and around each of a pair. What it does to offsets stays."""
    ids = {entry["content"]: entry["id"] for entry in content["added_tokens"]}
    if lacking := [token for token in (*before, *after) if token not in ids]:
        raise TokenizerError(
            f"{lacking[0]} is not among the tokens.", hint="Put it into the file of the family."
        )
    old = content.get("post_processor") or {}
    kept = [p for p in old.get("processors", [old]) if p.get("type") == "ByteLevel"]
    if before or after:

        def part(name: str, type_id: int, first: tuple[str, ...]) -> list[dict[str, Any]]:
            def named(tokens: tuple[str, ...]) -> list[dict[str, Any]]:
                return [{"SpecialToken": {"id": token, "type_id": type_id}} for token in tokens]

            return [*named(first), {"Sequence": {"id": name, "type_id": type_id}}, *named(after)]

        single = part("A", 0, before)
        kept.append(
            {
                "type": "TemplateProcessing",
                "single": single,
                "pair": [
                    *single,
                    *part("B", 1, () if after else before),
                ],  # an end parts two texts, as in BERT
                "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in (*before, *after)},
            }
        )
    sequence_of = {"type": "Sequence", "processors": kept}
    content["post_processor"] = sequence_of if len(kept) > 1 else kept[0] if kept else None


def _files(content: dict[str, Any], template: str | None, named: dict[str, str]) -> dict[str, bytes]:
    added = {entry["content"] for entry in content["added_tokens"]}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": int(1e30),
        **{key: value for key, value in named.items() if value in added},
    }
    files = {
        "tokenizer.json": json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        "tokenizer_config.json": json.dumps(settings, ensure_ascii=False, indent=2).encode(),
    }
    return files | ({"chat_template.jinja": template.encode()} if template else {})
