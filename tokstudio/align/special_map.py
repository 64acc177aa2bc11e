"""What becomes of the special tokens when a model moves to another tokenizer, and what that breaks."""

from dataclasses import dataclass

from tokstudio.align.overlap import ROLE, overlap
from tokstudio.tokens.base import SPECIAL_ROLES, Tokenizer, special_id

KEPT, RENAMED, NEW, GONE = "kept", "renamed", "new", "gone"


@dataclass(frozen=True)
class SpecialPair:
    """`source` and `target` are (spelling, id), None where that side has none."""

    source: tuple[str, int] | None
    target: tuple[str, int] | None
    role: str  # "begin", "end", "unknown", "padding", or "" for none of them
    fate: str  # KEPT: same spelling; RENAMED: same part, another spelling; NEW; GONE


@dataclass(frozen=True)
class SpecialMap:
    pairs: tuple[SpecialPair, ...]
    warnings: tuple[str, ...]


def special_map(source: Tokenizer, target: Tokenizer) -> SpecialMap:
    """The target's tokens in the order of their ids, then what only the source has."""
    found, names = overlap(source, target), {token: name for name, token in source.special_tokens.items()}
    pairs, used = [], set()
    for name, token in sorted(target.special_tokens.items(), key=lambda entry: entry[1]):
        match = int(found.match[token])
        if match < 0:
            pairs.append(SpecialPair(None, (name, token), role_of(name), NEW))
            continue
        used.add(match)
        fate = RENAMED if found.reason[token] == ROLE and names.get(match) != name else KEPT
        pairs.append(SpecialPair((names.get(match, ""), match), (name, token), role_of(name), fate))
    for name, token in sorted(source.special_tokens.items(), key=lambda entry: entry[1]):
        if token not in used:
            pairs.append(SpecialPair((name, token), None, role_of(name), GONE))
    return SpecialMap(tuple(pairs), tuple(_warnings(source, target, pairs)))


def role_of(name: str) -> str:
    return next((role for role, names in SPECIAL_ROLES.items() if name in names), "")


def _warnings(source: Tokenizer, target: Tokenizer, pairs: list[SpecialPair]) -> list[str]:
    """Each says what follows from it."""
    has = {
        role: (special_id(source, role) is not None, special_id(target, role) is not None)
        for role in ("begin", "end")
    }
    told = []
    if has["begin"] == (True, False):
        way = "its end token stands in" if has["end"][1] else "texts begin without one"
        told.append(f"The source begins every text with a token of its own, the target has none: {way}.")
    if has["begin"] == (False, True):
        told.append(
            "The target begins every text with a token that the model has never seen: its row is learnt anew."
        )
    if has["end"] == (True, False):
        told.append("The target has no end-of-text token: generation would not know where to stop.")
    lost = [pair.source[0] for pair in pairs if pair.fate == GONE and pair.source and not pair.role]
    if lost:
        few = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        told.append(f"The target lacks {few}: chats and other formats that use them would not work.")
    return told
