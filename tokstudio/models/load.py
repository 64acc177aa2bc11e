"""Open causal language models: safetensors only, no code from the model's folder, no network."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tokstudio.embed.read import PICKLES, check_weights
from tokstudio.errors import ModelError
from tokstudio.paths import resource
from tokstudio.tokens.hub import HUB_ID, models_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def model_folder(reference: str) -> Path:
    """The folder of `demo:NAME`, of a path or of a downloaded hub id. Raises ModelError with what to do where it
    cannot be used."""
    if reference.startswith("demo:"):
        try:
            return resource(f"demo/{reference.removeprefix('demo:')}")
        except FileNotFoundError:
            raise ModelError(
                f"There is no demo model {reference!r}.", hint="The one that comes along is demo:english."
            ) from None
    folder = Path(reference).expanduser()
    if not folder.exists() and HUB_ID.fullmatch(reference) and (own := models_folder(reference)).is_dir():
        folder = own  # it was downloaded
    if folder.is_file():
        _refuse_pickle([folder])
        folder = folder.parent
    if not folder.is_dir():
        raise ModelError(
            f"There is no model folder {reference}.",
            hint="Name a folder with config.json and model.safetensors.",
        )
    if not (folder / "config.json").exists():
        raise ModelError(
            f"{folder} has no config.json, so it is no model folder.", hint="Choose the folder that holds it."
        )
    if not list(folder.glob("*.safetensors")):
        _refuse_pickle(sorted(folder.iterdir()))
        raise ModelError(
            f"{folder} has no .safetensors file.", hint="Put the model's weights beside its config.json."
        )
    return folder


WORDS = {"causal": "causal language model", "masked": "masked language model", "body": "model"}
KINDS = {"ForCausalLM": "causal", "LMHeadModel": "causal", "ForMaskedLM": "masked"}


def kind_of(reference: str) -> str:
    """ "causal", "masked", or "body" for a model with neither head, by what its config.json says it is."""
    try:
        config = json.loads((model_folder(reference) / "config.json").read_text(encoding="utf-8"))
        names = config.get("architectures") or [""]
        return next((kind for end, kind in KINDS.items() if str(names[0]).endswith(end)), "body")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"The config.json of {reference} cannot be read: {_first_line(error)}") from error


def load_model(reference: str, kind: str = "causal") -> "PreTrainedModel":
    """A model in fp32 on the CPU, a causal LM unless `kind` (see `kind_of`) says otherwise.

    Raises ModelError for what is missing, corrupt, a pickle or no such model.
    """
    import transformers
    from safetensors import SafetensorError
    from transformers.utils import logging

    folder = model_folder(reference)
    try:
        check_weights(folder)  # the library's words for a torn file help nobody
    except ModelError as error:
        raise ModelError(f"{folder} cannot be opened as a {WORDS[kind]}: {error}", hint=error.hint) from error
    classes = {"causal": "AutoModelForCausalLM", "masked": "AutoModelForMaskedLM", "body": "AutoModel"}
    opener = getattr(transformers, classes[kind])
    know_architecture(folder)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        import torch

        return opener.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{folder} cannot be opened as a {WORDS[kind]}: {_first_line(error)}",
            hint="Check that its files are complete and that the installed transformers knows this architecture.",
        ) from error


def know_architecture(folder: Path) -> None:
    """Register the architecture of our own where `folder` is of it: by our code, never by the folder's."""
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return
    if kind == "expanded_bytes":
        import tokstudio.models.expanded_bytes  # noqa: F401


def _refuse_pickle(files: list[Path]) -> None:
    if pickles := [f.name for f in files if f.suffix in PICKLES]:
        raise ModelError(
            f"{pickles[0]} is a pickle: opening it could run any code, so it is not opened.",
            hint="Save the model as safetensors first: model.save_pretrained(folder, safe_serialization=True).",
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
