"""The tokenizers that are on this machine, without reading one of them."""

from dataclasses import dataclass

from tokstudio.paths import resource
from tokstudio.tokens.encodings import encoding_names, encoding_spec
from tokstudio.tokens.hub import PACKAGED, cached_ids, downloaded_ids, packaged_folder
from tokstudio.tokens.mistral_data import FILES, packaged_file
from tokstudio.tokens.rank_files import on_this_machine
from tokstudio.tokens.recent import recent

USED_BY = {
    "gpt2": "GPT-2",
    "r50k_base": "GPT-3",
    "p50k_base": "Codex",
    "p50k_edit": "Codex edit models",
    "cl100k_base": "GPT-4 and GPT-3.5",
    "o200k_base": "GPT-4o, GPT-4.1, GPT-5",
    "o200k_harmony": "gpt-oss",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu. `algorithm` is empty where only loading would tell; `note` says whose it is."""

    reference: str
    name: str
    algorithm: str
    group: str
    note: str = ""


def catalog() -> list[Entry]:
    """In the order of the menu. Looks only at which files exist."""
    return [
        *_demo(),
        *_tiktoken(),
        *_packaged(),
        *_mistral(),
        *_downloaded(),
        *_cached(),
        Entry("bytes", "Bytes", "Bytes", "Built in", "256 ids"),
        *_recent(),
    ]


def _demo() -> list[Entry]:
    try:
        folders = sorted(path.parent for path in resource("demo").glob("*/tokenizer.json"))
    except FileNotFoundError:  # a slim build carries no demo
        return []
    return [
        Entry(f"demo:{f.name}", f"Demo {f.name}", "Byte BPE", "Built in", "of the demo model")
        for f in folders
    ]


def _tiktoken() -> list[Entry]:
    specs = [encoding_spec(name) for name in encoding_names()]
    return [
        Entry(f"tiktoken:{spec.name}", spec.name, "Byte BPE", "tiktoken", USED_BY.get(spec.name, ""))
        for spec in reversed(specs)  # the newest first
        if on_this_machine(spec)
    ]


def _packaged() -> list[Entry]:
    return [
        Entry(entry.ids[0], entry.ids[0], entry.algorithm, "Installed packages", entry.package)
        for entry in PACKAGED
        if packaged_folder(entry)
    ]


def _mistral() -> list[Entry]:
    return [
        Entry(
            f"mistral:{name}",
            f"Mistral {name}",
            "Byte BPE" if file.endswith(".json") else "BPE",
            "Installed packages",
            used_by,
        )
        for name, (file, used_by) in reversed(FILES.items())  # the newest first
        if packaged_file(name)
    ]


def _downloaded() -> list[Entry]:
    return [Entry(name, name, "", "Downloaded") for name in downloaded_ids()]


def _cached() -> list[Entry]:
    known = {name for entry in PACKAGED for name in entry.ids if packaged_folder(entry)} | {*downloaded_ids()}
    return [Entry(name, name, "", "Hugging Face cache") for name in cached_ids() if name not in known]


def _recent() -> list[Entry]:
    """Files, folders and specs that a person opened and that are still there."""
    return [Entry(reference, name, "", "Recent", reference) for reference, name in recent()]
