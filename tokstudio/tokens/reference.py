"""From a reference to a tokenizer.

| reference | is |
| --- | --- |
| `tiktoken:cl100k_base` | an encoding of tiktoken |
| `bytes` | one token per byte |
| `demo:english` | a tokenizer that Tokstudio carries |
| a path | a tokenizer file, or a folder with one |
| `bert-base-uncased`, `owner/name` | a hub id whose files are on this machine |
| any of these, and `:target=Llama3` or the like | a spec: see `tokstudio.tokens.spec` |

Nothing here reaches the network.
"""

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tokstudio.errors import TokenizerError
from tokstudio.paths import resource
from tokstudio.tokens.base import BACKENDS, Backend, Tokenizer
from tokstudio.tokens.hub import HUB_ID, hub_folder
from tokstudio.tokens.sniff import ANOTHER, check_size, head_of, no_tokenizer
from tokstudio.tokens.spec import Spec, parse_spec, spec_folder

FILE_ENDINGS = (
    ".json",
    ".model",
    ".tiktoken",
    ".txt",
    ".vocab",
    ".bin",
    ".pt",
    ".pkl",
    ".gguf",
    ".safetensors",
)
BESIDE = (  # what a backend may read with its file
    *("vocab.json", "merges.txt", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json"),
)
EXAMPLES = (
    "Name one, for example tiktoken:cl100k_base, bytes, bert-base-uncased, or the path of a tokenizer.json."
)


def load_tokenizer(reference: str) -> Tokenizer:
    """The same object for the same reference, until its file changes. Raises TokenizerError."""
    reference = reference.strip()
    if not reference or "\0" in reference:
        raise TokenizerError("No tokenizer is named.", hint=EXAMPLES)
    spec = parse_spec(reference)
    scheme, _, rest = reference.partition(":")
    if scheme in _schemes() and spec.plain:
        return _named(scheme, rest)
    reference, path, name = _locate(reference)
    file = tokenizer_file(path)
    return _loaded(file, reference, name, _stamp(file))


def _schemes() -> dict[str, Backend]:
    return {BACKENDS[key].scheme: BACKENDS[key] for key in BACKENDS if BACKENDS[key].scheme}


@lru_cache(maxsize=32)
def _named(scheme: str, rest: str) -> Tokenizer:
    return _schemes()[scheme].named(rest)


@lru_cache(maxsize=32)
def _loaded(file: Path, reference: str, name: str, stamp: tuple) -> Tokenizer:
    """`stamp` makes a changed file another entry."""
    return _backend_of(file).load(file, reference, name)


def _stamp(file: Path) -> tuple:
    """Changes when `file` does, or what a backend reads beside it."""
    found = [path.stat() for path in (file, *(file.with_name(name) for name in BESIDE)) if path.exists()]
    return tuple((state.st_ino, state.st_mtime_ns, state.st_size) for state in found)


def _locate(reference: str) -> tuple[str, Path, str]:
    """A reference that means the same from any folder, the file or folder, and the name shown."""
    if reference.startswith("demo:") and parse_spec(reference).plain:
        name = reference.removeprefix("demo:")
        return reference, _demo_folder(name), f"Demo {name}"
    if not (spec := parse_spec(reference)).plain:
        return _of_spec(spec)
    path = Path(os.path.expanduser(reference))
    if os.path.exists(path):  # unlike Path.exists, also where the name is too long for the system
        path = path.resolve()
        return str(path), path, _shown_name(path)
    if HUB_ID.fullmatch(reference) and not reference.endswith(FILE_ENDINGS):
        if folder := hub_folder(reference):
            return reference, folder, reference
        raise _not_here(reference)
    raise TokenizerError(
        f"There is no file or folder {path}.", hint="Check the spelling, or choose another file."
    )


def _of_spec(spec: Spec) -> tuple[str, Path, str]:
    base = load_tokenizer(spec.base)
    spec = replace(spec, base=base.reference)
    changes = [spec.target and f"as {spec.target}", spec.conversion and f"in {spec.conversion}s"]
    return str(spec), spec_folder(spec), " ".join([base.name, *filter(None, changes)])


def _demo_folder(name: str) -> Path:
    try:
        if not HUB_ID.fullmatch(name) or "/" in name:
            raise FileNotFoundError
        return resource(f"demo/{name}")
    except FileNotFoundError:
        raise TokenizerError(
            f"There is no demo tokenizer {name!r}.", hint="Tokstudio carries demo:english and demo:code."
        ) from None


def _not_here(hub_id: str) -> TokenizerError:
    return TokenizerError(
        f"The tokenizer {hub_id!r} is not on this machine.",
        hint=f"Download it with: tokstudio download {hub_id}  "
        "(then the same name works here), or name a file, a folder, tiktoken:cl100k_base or bytes.",
    )


def _shown_name(path: Path) -> str:
    """A folder's name says more than `tokenizer`, and a run's more than `export`."""
    if not path.is_dir() and path.stem not in ("tokenizer", "vocab"):
        return path.stem
    folder = path if path.is_dir() else path.parent
    of_run = folder.name == "export" and (folder.parent / "events.jsonl").exists()
    return folder.parent.name if of_run else folder.name


def tokenizer_file(path: Path) -> Path:
    """`path` itself, or the file in the folder `path` that says most; TokenizerError where there is none."""
    if not path.is_dir():
        return path
    wanted = [(weight, pattern) for key in BACKENDS for pattern, weight in BACKENDS[key].files.items()]
    for _, pattern in sorted(wanted):
        if found := sorted(file for file in path.glob(pattern) if file.is_file()):
            return found[0]
    raise TokenizerError(f"The folder {path} holds no tokenizer.", hint=ANOTHER)


def _backend_of(file: Path) -> Backend:
    head = head_of(file)
    check_size(file, head)
    for key in BACKENDS:
        if BACKENDS[key].claims(file, head):
            return BACKENDS[key]
    raise no_tokenizer(file, head)


def file_of(reference: str) -> Path | None:
    """The file that `reference` is read from; None for tokenizers that are no file (tiktoken, bytes)."""
    if reference.partition(":")[0] in _schemes() and parse_spec(reference).plain:
        return None
    return tokenizer_file(_locate(reference)[1])
