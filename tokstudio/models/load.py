"""Open causal language models: safetensors only, no code from the model's folder, no network."""

from pathlib import Path
from typing import TYPE_CHECKING

from tokstudio.embed.read import PICKLES
from tokstudio.errors import ModelError
from tokstudio.paths import resource

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def model_folder(reference: str) -> Path:
    """The folder of `demo:NAME` or of a path. Raises ModelError with what to do where it cannot be used."""
    if reference.startswith("demo:"):
        try:
            return resource(f"demo/{reference.removeprefix('demo:')}")
        except FileNotFoundError:
            raise ModelError(
                f"There is no demo model {reference!r}.", hint="The one that comes along is demo:english."
            ) from None
    folder = Path(reference).expanduser()
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


def load_model(reference: str) -> "PreTrainedModel":
    """A causal LM in fp32 on the CPU. Raises ModelError for what is missing, corrupt, a pickle or no causal LM."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    folder = model_folder(reference)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        import torch

        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{folder} cannot be opened as a causal language model: {_first_line(error)}",
            hint="Check that its files are complete and that the installed transformers knows this architecture.",
        ) from error


def _refuse_pickle(files: list[Path]) -> None:
    if pickles := [f.name for f in files if f.suffix in PICKLES]:
        raise ModelError(
            f"{pickles[0]} is a pickle: opening it could run any code, so it is not opened.",
            hint="Save the model as safetensors first: model.save_pretrained(folder, safe_serialization=True).",
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
