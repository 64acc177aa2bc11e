"""What if: a tokenizer with tokens or merges added or taken away, beside the one it comes from.

Each state is a folder of its own in the cache, named by its content, so that every part of the program can open
it, and undo is the state before. The tokenizer it comes from is never written to.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from tokstudio.errors import TokenizerError
from tokstudio.tokens.alphabet import SPACE, byte_characters
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.graft import grafted
from tokstudio.tokens.hf_parts import alphabet_of
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.spec import Spec
from tokstudio.tokens.training.change import _basic, _pair
from tokstudio.tokens.whatif_state import CHANGES, KINDS, Changed, Edit, state_of, whatif_folder

__all__ = ["KINDS", "Changed", "Edit", "change", "may_change", "state_of"]

KEPT = 40  # states in the cache
HOLE = "\0removed "  # what no text is written as; keeps a place in Unigram's list, which is numbered by it


def change(base: str, edits: Sequence[Edit]) -> Changed:
    """`base` with all `edits`, one after the other; `base` itself where there are none.

    Raises TokenizerError for an edit that cannot be made, and for a tokenizer that cannot be a tokenizer.json.
    """
    if not edits:
        return Changed(base, base, (), ())
    tokenizer = load_tokenizer(base)
    files, _ = grafted(tokenizer, Spec(base))
    content = json.loads(files["tokenizer.json"])
    editor = _Editor(content, base)
    notes = [note for edit in edits if (note := editor.apply(edit))]
    files["tokenizer.json"] = json.dumps(content, ensure_ascii=False).encode()
    value = {"base": base, "edits": [asdict(edit) for edit in edits], "notes": notes}
    files[CHANGES] = json.dumps(value, ensure_ascii=False, indent=1).encode()
    digest = sha256(files["tokenizer.json"] + files[CHANGES]).hexdigest()[:16]
    folder = whatif_folder() / digest / f"{tokenizer.name.replace('/', ' ')}, changed"
    if not (folder / CHANGES).exists():
        _write(folder, files)
    load_tokenizer(str(folder))  # what the library refuses is refused here
    return Changed(str(folder), base, tuple(edits), tuple(notes))


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in sorted(files.items(), key=lambda item: item[0] == CHANGES):
            (folder / name).write_bytes(data)
        states = sorted(folder.parent.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in states[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise TokenizerError(
            f"{folder} cannot be written: {error.strerror}.", hint="Make room there."
        ) from None


class _Editor:
    """Changes the content of one tokenizer.json in place."""

    def __init__(self, content: dict[str, Any], base: str):
        from tokenizers import Tokenizer as Library

        self._content, self._base = content, base
        self._model, self._added = content["model"], content["added_tokens"]
        self._kind = self._model.get("type") or ("BPE" if "merges" in self._model else "")
        self._library = Library.from_str(json.dumps(content))
        self._alphabet = alphabet_of(self._library)
        if self._kind not in ("BPE", "WordPiece", "Unigram"):
            raise TokenizerError(
                f"A {self._kind or 'byte'} tokenizer has no tokens or merges that could be changed.",
                hint="Choose a BPE, WordPiece or Unigram tokenizer.",
            )

    def apply(self, edit: Edit) -> str:
        """What else it did, in words."""
        done = {
            "remove token": lambda: self._remove(edit.text),
            "add token": lambda: self._add(edit.text),
            "add special token": lambda: self._add_special(edit.text),
            "remove merge": lambda: self._remove_merge(edit.text, edit.right),
            "add merge": lambda: self._add_merge(edit.text, edit.right),
        }
        if edit.kind not in done:
            raise TokenizerError(
                f"There is no change {edit.kind!r}.", hint=f"Choose one of {', '.join(KINDS)}."
            )
        note = done[edit.kind]()
        if self._kind != "BPE" or "merge" not in edit.kind:
            from tokenizers import Tokenizer as Library

            self._library = Library.from_str(json.dumps(self._content))
        return note

    # ---- entries

    def _ids(self) -> dict[str, int]:
        vocab = self._model["vocab"]
        entries = vocab if isinstance(vocab, dict) else {entry: i for i, (entry, _) in enumerate(vocab)}
        return entries | {token["content"]: token["id"] for token in self._added}

    def _next(self) -> int:
        return max(self._ids().values(), default=-1) + 1

    def _written(self, text: str) -> str:
        """As the vocabulary writes a text: "Ġthe", "▁the"."""
        if self._alphabet.byte_level:
            letters = {byte: letter for letter, byte in byte_characters().items()}
            return "".join(letters[byte] for byte in text.encode())
        return text.replace(" ", SPACE) if self._alphabet.spaces else text

    def _entry(self, text: str) -> str:
        """The entry somebody means by an id, its text, or the way the vocabulary writes it."""
        ids = self._ids()
        if text[:1] == "#" and text[1:].isdecimal() and text not in ids:
            for entry, token in ids.items():
                if token == int(text[1:]):
                    return entry
            raise TokenizerError(f"There is no token with the id {text[1:]}.", hint="Choose another id.")
        for entry in (self._written(text), text):
            if entry in ids:
                return entry
        raise TokenizerError(
            f"{text!r} is no token of this vocabulary.",
            hint="A space in front counts: write it as in the text, or give an id as #123.",
        )

    def _remove(self, text: str) -> str:
        entry = self._entry(text)
        special = next((token for token in self._added if token["content"] == entry), None)
        if special is not None:
            return self._remove_added(special)
        if (self._kind != "Unigram" and _basic(entry, self._model)) or entry == self._model.get("unk_token"):
            raise TokenizerError(
                f"{text!r} cannot be taken away: other text is spelled with it.",
                hint="Single characters and the unknown token stay.",
            )
        if self._kind == "Unigram":
            at = self._ids()[entry]
            if at == self._model.get("unk_id"):
                raise TokenizerError(
                    f"{text!r} stands for what is unknown and stays.", hint="Choose another token."
                )
            self._model["vocab"][at] = [f"{HOLE}{at}", self._lowest()]
            return ""
        del self._model["vocab"][entry]
        return self._drop_merges(entry) if self._kind == "BPE" else ""

    def _remove_added(self, token: dict) -> str:
        if json.dumps(token["content"]) in json.dumps(self._content.get("post_processor") or {}):
            raise TokenizerError(
                f"{token['content']} stands around every text and stays.", hint="Choose another token."
            )
        self._added.remove(token)
        if isinstance(self._model["vocab"], dict):
            self._model["vocab"].pop(token["content"], None)
        return ""

    def _drop_merges(self, entry: str) -> str:
        """All that make or use it; then what only they made can no longer come to be."""
        prefix = self._model.get("continuing_subword_prefix") or ""
        kept, users = [], 0
        for merge in self._model["merges"]:
            left, right = _pair(merge)
            makes, uses = left + right.removeprefix(prefix) == entry, entry in (left, right)
            users += uses and not makes
            if not (makes or uses):
                kept.append(merge)
        self._model["merges"] = kept
        return f"{users:,} merges that used it are gone, too." if users else ""

    def _lowest(self) -> float:
        return min((score for _, score in self._model["vocab"]), default=0.0)

    def _add(self, text: str) -> str:
        if not text:
            raise TokenizerError("A token needs a text.", hint="Write the text that should become one token.")
        prefix = self._model.get("continuing_subword_prefix") or ""
        entry = (
            text if self._kind == "WordPiece" and prefix and text.startswith(prefix) else self._written(text)
        )
        if entry in self._ids():
            raise TokenizerError(
                f"{text!r} is a token already, id {self._ids()[entry]:,}.", hint="Write another text."
            )
        if self._kind == "WordPiece":
            self._model["vocab"][entry] = self._next()
            return self._unread(entry.removeprefix(prefix))
        if self._kind == "Unigram":
            return self._add_piece(entry)
        return self._add_by_merges(text, entry)

    def _unread(self, text: str) -> str:
        """A normalizer that changes the text keeps the token from ever being used."""
        normalizer = self._library.normalizer
        made = normalizer.normalize_str(text) if normalizer is not None else text
        if made.replace(SPACE, " ").strip() == text.replace(SPACE, " ").strip():
            return ""
        return f"The normalizer reads {text!r} as {made!r}, so no text gives this token."

    def _add_piece(self, entry: str) -> str:
        """A score just above what the best way to spell it has now."""
        scores = {piece: score for piece, score in self._model["vocab"]}
        pieces = [token.value for token in self._library.model.tokenize(entry)]
        score = sum(scores.get(piece, self._lowest() - 10.0) for piece in pieces) + 1e-3
        if self._model["vocab"] and self._next() != len(self._model["vocab"]):
            raise TokenizerError(
                "Tokens were added behind this vocabulary, so it cannot grow.",
                hint="Add a special token instead.",
            )
        self._model["vocab"].append([entry, score])
        return f"Its score is {score:.3f}, just above its pieces together." + self._unread(entry)

    def _add_by_merges(self, text: str, entry: str) -> str:
        """The merges that join what the text is cut into now, behind all others."""
        before = self._library.pre_tokenizer
        words = [word for word, _ in before.pre_tokenize_str(text)] if before is not None else [entry]
        if len(words) > 1:
            cut = ", ".join(
                repr(self._alphabet.bytes_of(word).decode(errors="replace")) for word in words[:4]
            )
            raise TokenizerError(
                f"{text!r} cannot become one token: it is cut into {cut} before any merge.",
                hint="Add it as a special token, which is found before that.",
            )
        pieces = [token.value for token in self._library.model.tokenize(words[0] if words else entry)]
        if not pieces:
            raise TokenizerError(
                f"{text!r} cannot be spelled with this vocabulary.", hint="Write another text."
            )
        made, between = pieces[0], []
        for piece in pieces[1:]:
            self._join(made, piece)
            made = self._sum(made, piece)
            between.append(made)
        if len(between) < 2:
            return self._unread(text) if not self._alphabet.byte_level else ""
        steps = ", ".join(
            repr(self._alphabet.bytes_of(step).decode(errors="replace")) for step in between[:-1]
        )
        return f"On the way {steps} became tokens, too."

    def _sum(self, left: str, right: str) -> str:
        return left + right.removeprefix(self._model.get("continuing_subword_prefix") or "")

    def _join(self, left: str, right: str) -> None:
        merges, made = self._model["merges"], self._sum(left, right)
        plain = bool(merges) and isinstance(merges[0], str)
        merges.append(f"{left} {right}" if plain else [left, right])
        if made not in self._model["vocab"]:
            self._model["vocab"][made] = self._next()

    def _add_special(self, text: str) -> str:
        if not text or text in self._ids():
            raise TokenizerError(f"{text!r} is a token already." if text else "A token needs a text.")
        token = {"id": self._next(), "content": text, "special": True, "normalized": False}
        self._added.append(token | {"single_word": False, "lstrip": False, "rstrip": False})
        return "It is found where special tokens are parsed."

    # ---- merges

    def _merge_pair(self, left: str, right: str) -> tuple[str, str]:
        if self._kind != "BPE":
            raise TokenizerError(f"{self._kind} has no merges.", hint="Add or remove tokens instead.")
        return self._entry(left), self._entry(right)

    def _remove_merge(self, left: str, right: str) -> str:
        pair = self._merge_pair(left, right)
        kept = [merge for merge in self._model["merges"] if _pair(merge) != pair]
        if len(kept) == len(self._model["merges"]):
            raise TokenizerError(
                f"There is no merge of {left!r} and {right!r}.", hint="See the merge tree in Steps."
            )
        self._model["merges"] = kept
        return ""

    def _add_merge(self, left: str, right: str) -> str:
        pair = self._merge_pair(left, right)
        if any(_pair(merge) == pair for merge in self._model["merges"]):
            raise TokenizerError(f"{left!r} and {right!r} are merged already.", hint="Choose another pair.")
        new = self._sum(*pair) not in self._model["vocab"]
        self._join(*pair)
        return "" if new else "What they become was a token already."


def may_change(tokenizer: Tokenizer) -> str:
    """Why a tokenizer cannot be changed; empty where it can."""
    if tokenizer.algorithm == "Bytes":
        return "One token per byte: there is nothing to add to it or to take away."
    return ""
