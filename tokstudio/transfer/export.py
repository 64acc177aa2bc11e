"""Write a model and its tokenizer as a folder that plain `transformers` loads."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer, special_id
from tokstudio.tokens.reference import file_of
from tokstudio.transfer.expansion import for_export, write_loader
from tokstudio.transfer.verify import write_expectation

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHECK_TEXTS = (
    "Return a new list.",
    "def join(self, *args):\n    return self.sep.join(args)\n",
    "import os\nimport sys\n\n",
    "The quick brown fox jumps over the lazy dog.",
    "x = 1234567.89\n",
    "naïve café, Straße, Привет",
    "東京都 🙂 done",
    "    if not isinstance(value, str):\n        raise TypeError\n",
)
_COPIED = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


def export(model: "PreTrainedModel", target: Tokenizer, folder: Path) -> Path:
    """Save `model` with `target` under `folder`, complete or not at all: written beside, then renamed.

    Raises TransferError unless embedding rows = config.vocab_size = len(target), or where the tokenizer has no
    tokenizer.json to export.
    """
    rows = len(model.get_input_embeddings().weight)
    if not rows == model.config.vocab_size == len(target):
        raise TransferError(
            f"The model has {rows:,} embedding rows, its config says {model.config.vocab_size:,}, "
            f"and {target.name} has {len(target):,} tokens. They must be equal."
        )
    draft = folder.with_name("." + folder.name)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    written = for_export(model)
    written.save_pretrained(draft)
    if written is not model:
        write_loader(draft)
    write_tokenizer(target, draft)
    write_expectation(model, target, CHECK_TEXTS, draft)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return folder


def tokenizer_folder(target: Tokenizer) -> Path:
    """Where its tokenizer.json lies. Raises TransferError for a tokenizer that has none."""
    file = file_of(target.reference)
    if file is None or file.name != "tokenizer.json":
        raise TransferError(
            f"{target.name} has no tokenizer.json, so a model with it could not be exported.",
            hint="Choose a Hugging Face tokenizer as the target: a folder with a tokenizer.json.",
        )
    return file.parent


def write_tokenizer(target: Tokenizer, folder: Path) -> None:
    """Copy the tokenizer's files; add the settings that `AutoTokenizer` needs where there are none."""
    source = tokenizer_folder(target)
    for name in _COPIED:
        if (source / name).exists():
            shutil.copyfile(source / name, folder / name)
    settings = folder / "tokenizer_config.json"
    if not settings.exists():
        names = {token: content for content, token in target.special_tokens.items()}
        roles = {"bos_token": "begin", "eos_token": "end", "unk_token": "unknown", "pad_token": "padding"}
        found = {key: names[i] for key, role in roles.items() if (i := special_id(target, role)) is not None}
        settings.write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **found}, indent=1))
