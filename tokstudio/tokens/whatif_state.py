"""What a tokenizer that somebody tries changes on came from: see `tokstudio.tokens.whatif`."""

import json
from dataclasses import dataclass
from pathlib import Path

from tokstudio.paths import cache_folder

CHANGES = "changes.json"
KINDS = ("remove token", "add token", "add special token", "remove merge", "add merge")


@dataclass(frozen=True, slots=True)
class Edit:
    """`text`: a token's text, or "#12" for an id; of a merge its left side, and `right`."""

    kind: str
    text: str
    right: str = ""

    def __str__(self) -> str:
        what = f"{self.text!r} + {self.right!r}" if self.right else repr(self.text)
        return f"{self.kind} {what}"


@dataclass(frozen=True)
class Changed:
    reference: str
    base: str
    edits: tuple[Edit, ...]
    notes: tuple[str, ...]  # what else became of the vocabulary, one line for each edit that had more effects


def whatif_folder() -> Path:
    return cache_folder() / "changed"


def state_of(reference: str) -> Changed | None:
    """The changes behind a reference that `change` made; None for other tokenizers."""
    path = Path(reference)
    if whatif_folder() not in path.parents:
        return None
    try:
        found = json.loads((path / CHANGES).read_text("utf-8"))
        edits = tuple(Edit(**edit) for edit in found["edits"])
        return Changed(reference, found["base"], edits, tuple(found["notes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
