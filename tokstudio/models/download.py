"""Fetch a whole model of the hub: configuration, safetensors and tokenizer. Asked for by a person, never by itself.

    found = model_plan("HuggingFaceTB/SmolLM2-135M")     # asks the hub what there is, and how large it is
    folder = tokens.download.fetch(found, progress, cancelled)

Pickles and code are never fetched.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tokstudio.errors import TokenizerError
from tokstudio.tokens.download import Plan, hub_plan
from tokstudio.tokens.hub import DOWNLOADED, HUB_ID, is_tokenizer_file, models_folder

FILES = re.compile(
    r"(generation_)?config\.json|model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json"
)


def downloaded_models() -> Iterator[tuple[str, Path]]:
    """(hub id, folder) of what was fetched."""
    for about in sorted(models_folder().glob(f"*/{DOWNLOADED}")):
        try:
            hub_id = str(json.loads(about.read_text())["id"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if models_folder(hub_id) == about.parent:
            yield hub_id, about.parent


def model_plan(hub_id: str) -> Plan:
    """Asks the network for names and sizes. Raises TokenizerError where there is no model that may be opened, or no
    room for it on the disk."""
    hub_id = hub_id.strip()
    if not HUB_ID.fullmatch(hub_id) or ".." in hub_id:
        raise TokenizerError(f"{hub_id!r} is no hub id.", hint="Name one like HuggingFaceTB/SmolLM2-135M.")
    found = hub_plan(hub_id, _wanted, models_folder(hub_id), what="model files")
    names = {file.name for file in found.files}
    if not any(name.endswith(".safetensors") for name in names):
        raise TokenizerError(
            f"{hub_id} has no safetensors weights.",
            hint="Weights in other formats can run code when they are opened, so they are not fetched.",
        )
    if "config.json" not in names:
        raise TokenizerError(f"{hub_id} has no config.json, so it is no model.", hint="Choose another model.")
    free = shutil.disk_usage(_existing(found.folder)).free
    if found.bytes > free:
        raise TokenizerError(
            f"{hub_id} takes {found.bytes / 1e9:.1f} GB; {free / 1e9:.1f} GB of the disk are free.",
            hint="Make room, or choose a smaller model.",
        )
    return found


def _wanted(name: str) -> bool:
    return FILES.fullmatch(name) is not None or is_tokenizer_file(name)


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
