"""What tiktoken's encodings are made of, read from the installed tiktoken without its downloads.

`tiktoken_ext.openai_public` has one constructor per encoding. Each begins by fetching its rank file and then
states pattern and special tokens. Here the same code runs with a loader that notes which file it is asked
for.
"""

import builtins
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from tokstudio.errors import TokenizerError


@dataclass(frozen=True, slots=True)
class RankFile:
    """One file that tiktoken would download. `sha256` is what tiktoken itself expects of its content."""

    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class EncodingSpec:
    name: str
    pattern: str
    special_tokens: Mapping[str, int]
    files: tuple[RankFile, ...]  # one, or GPT-2's pair: merges and vocabulary


class _Noted(dict):
    """Stands in for the ranks: empty, and knows the files they would come from."""

    files: tuple[RankFile, ...] = ()


def _note_one(tiktoken_bpe_file: str, expected_hash: str | None = None) -> _Noted:
    noted = _Noted()
    noted.files = (RankFile(tiktoken_bpe_file, expected_hash or ""),)
    return noted


def _note_pair(
    vocab_bpe_file: str,
    encoder_json_file: str,
    vocab_bpe_hash: str | None = None,
    encoder_json_hash: str | None = None,
    **_: object,
) -> _Noted:
    noted = _Noted()
    noted.files = (
        RankFile(vocab_bpe_file, vocab_bpe_hash or ""),
        RankFile(encoder_json_file, encoder_json_hash or ""),
    )
    return noted


@cache
def _constructors() -> dict[str, types.FunctionType]:
    """tiktoken's constructors over globals of our own; its module stays as it is."""
    import tiktoken_ext.openai_public as public

    # without import and open, a constructor that went past the loader would fail, never fetch
    safe = {name: value for name, value in vars(builtins).items() if name not in ("__import__", "open")}
    own = {name: value for name, value in vars(public).items() if not name.startswith("__")}
    own |= {
        "__builtins__": safe,
        "load_tiktoken_bpe": _note_one,
        "data_gym_to_mergeable_bpe_ranks": _note_pair,
    }
    for name, value in list(own.items()):
        if isinstance(value, types.FunctionType) and value.__module__ == public.__name__:
            own[name] = types.FunctionType(value.__code__, own, name, value.__defaults__, value.__closure__)
    return {name: own[made.__name__] for name, made in public.ENCODING_CONSTRUCTORS.items()}


def encoding_names() -> list[str]:
    """All that this tiktoken knows, on this machine or not."""
    return list(_constructors())


@cache
def encoding_spec(name: str) -> EncodingSpec:
    """Raises TokenizerError for a name that tiktoken does not know."""
    if name not in _constructors():
        raise TokenizerError(
            f"tiktoken has no encoding named {name!r}.", hint=f"It knows {', '.join(encoding_names())}."
        )
    made = _constructors()[name]()
    return EncodingSpec(name, made["pat_str"], dict(made["special_tokens"]), made["mergeable_ranks"].files)
