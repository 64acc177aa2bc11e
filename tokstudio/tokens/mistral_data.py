"""Where the package `mistral-common` keeps Mistral's vocabularies, found without importing it."""

import importlib.util
from pathlib import Path

FILES = {  # name behind "mistral:" -> file in the package, and whose it is
    "v1": ("tokenizer.model.v1", "Mistral 7B v0.1, Mixtral 8x7B"),
    "v2": ("mistral_instruct_tokenizer_240216.model.v2", "first Mistral Small and Large"),
    "v3": ("mistral_instruct_tokenizer_240323.model.v3", "Mistral 7B v0.3, Mixtral 8x22B"),
    "v7": ("mistral_instruct_tokenizer_241114.model.v7", "Mistral Large 2411"),
    "v7m1": ("mistral_instruct_tokenizer_241114.model.v7m1", "Pixtral Large"),
    "tekken-240718": ("tekken_240718.json", "Mistral Nemo"),
    "tekken-240911": ("tekken_240911.json", "Pixtral 12B, Ministral 8B"),
}

# What the first ids of a Tekken file stand for where the file does not say; those after them are <SPECIAL_20>, ...
FIRST_SPECIALS = (
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]",
    "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]",
)  # fmt: skip


def packaged_file(name: str) -> Path | None:
    """None where the package, or this file of it, is not installed."""
    found = importlib.util.find_spec("mistral_common")
    for root in (found and found.submodule_search_locations) or ():
        path = Path(root) / "data" / FILES[name][0]
        if path.is_file():
            return path
    return None
