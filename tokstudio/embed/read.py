"""What matrices a model folder or file holds: safetensors, GGUF or .npy. No pickle: it may execute what it contains."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from tokstudio.embed.gguf import read_gguf, settings_as_config
from tokstudio.embed.header import Tensor, read_header
from tokstudio.embed.matrix import STORED, EmbeddingMatrix, map_matrix
from tokstudio.embed.npy import read_npy
from tokstudio.embed.run_folder import CONFIG, checkpoints, tokenizer_of_checkpoint
from tokstudio.embed.vocabulary import model_tokenizer
from tokstudio.errors import ModelError

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
CONVERT = (
    "A pickle can run any program when it is opened. Convert it where you trust it: load the model with"
    " transformers and call save_pretrained(folder), which writes model.safetensors."
)
INNER = ("model", "export")
INPUT = re.compile(
    r"(^|\.)(embed_tokens|word_embeddings|wte|tok_embeddings|embed_in|token_embedding|token_embd|shared|embedding)\.weight$"
)
OUTPUT = re.compile(r"(^|\.)(lm_head|embed_out|output|decoder|output_layer)\.weight$")


@dataclass(frozen=True)
class MatrixEntry:
    tensor: Tensor
    role: str  # "input": a row per token on the way in; "output": on the way out; "other": not by vocabulary


@dataclass(frozen=True)
class ModelFiles:
    """A model as its files describe it. `entries`: 2-D tensors, those with a row per token first."""

    name: str
    path: Path
    config: dict
    entries: tuple[MatrixEntry, ...]

    @property
    def tied(self) -> str:
        """How input and output belong together, as shown to people."""
        roles = {entry.role for entry in self.entries}
        if "output" in roles:
            return "untied" if "input" in roles else "output only"
        if not self.config:
            return "input only"
        heads = any("For" in name or "LMHead" in name for name in self.config.get("architectures") or ())
        return "tied" if heads and self.config.get("tie_word_embeddings", True) else "input only"

    @property
    def folder(self) -> Path:
        """Where its configuration and tokenizer lie."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def tokenizer(self) -> str:
        """Reference of the tokenizer that belongs to it, or ""."""
        file = self.entries[0].tensor.file
        if file.suffix == ".gguf":
            return str(file.resolve())
        return model_tokenizer(self.folder) or tokenizer_of_checkpoint(self.folder)

    def matrix(self, name: str | None = None) -> EmbeddingMatrix:
        """The tensor called `name`, by default the first one listed. Raises ModelError when there is none."""
        for entry in self.entries:
            if name in (None, entry.tensor.name):
                return map_matrix(entry.tensor, entry.role)
        known = ", ".join(entry.tensor.name for entry in self.entries[:4])
        raise ModelError(f"{self.path} has no matrix called {name!r}.", hint=f"It has {known}, …")


def open_model(path: Path) -> ModelFiles:
    """List the matrices of a folder, an index or one safetensors file. Raises ModelError with a way on."""
    path = Path(path).expanduser()
    if not path.exists():
        raise ModelError(
            f"{path} does not exist.", hint="Check the path: it names the folder or the file of a model."
        )
    path = _inner(path)
    tensors: dict[str, Tensor] = {}
    config = _config(path if path.is_dir() else path.parent)
    for file in _shards(path):
        if file.suffix == ".gguf":
            found, settings = read_gguf(file)
            config = settings_as_config(settings)
        else:
            found = read_npy(file) if file.suffix == ".npy" else read_header(file)
        tensors.update(found)
    entries = _entries(tensors, config)
    if not entries and (unread := sorted({t.dtype for t in tensors.values() if len(t.shape) == 2})):
        raise ModelError(
            f"{path.name} holds its matrices as {', '.join(unread)}, which cannot be read here.",
            hint="Export it as F32, F16, BF16 or Q8_0, or open the model it was made from.",
        )
    if not entries:
        raise ModelError(
            f"{path} holds no 2-D matrix.", hint="Choose the folder of a model, or its model.safetensors."
        )
    return ModelFiles(_display_name(path), path, config, entries)


def _inner(path: Path) -> Path:
    """A package or a run keeps its model one folder down: `model/` or `export/`, where `path` has none itself. A run
    that has not ended keeps it in its newest checkpoint; what lies beside its settings are plans, and no model."""
    if not path.is_dir() or (_readable(path) and not (path / CONFIG).is_file()):
        return path
    found = next((inner for name in INNER if _readable(inner := path / name)), None)
    kept = [] if found is not None else checkpoints(path)
    return found or (kept[-1].path if kept else path)


def _readable(folder: Path) -> bool:
    return any(any(folder.glob(f"*{ending}")) for ending in (".safetensors", ".index.json", ".gguf", ".npy"))


def _shards(path: Path) -> list[Path]:
    if path.is_file():
        if path.suffix in (".gguf", ".npy"):
            return [path]
        return _indexed(path) if path.name.endswith(".index.json") else [_safetensors(path)]
    if (single := path / "model.safetensors").exists():
        return [single]
    if index := sorted(path.glob("*.safetensors.index.json")):
        return _indexed(index[0])
    if files := sorted(path.glob("*.safetensors")):
        return files
    if files := [*sorted(path.glob("*.gguf")), *sorted(path.glob("*.npy"))]:
        return files[:1]
    if pickles := [file for file in sorted(path.iterdir()) if file.suffix in PICKLES]:
        raise _pickle(pickles[0])
    hint = "Choose a folder that holds model.safetensors or its index."
    if below := next((file.parent for file in sorted(path.glob("*/*.safetensors"))), None):
        hint = f"There is one in {below}: choose that folder."
    raise ModelError(f"{path} has no safetensors file.", hint=hint)


def _safetensors(path: Path) -> Path:
    if path.suffix == ".safetensors":
        return path
    if path.suffix in PICKLES:
        raise _pickle(path)
    raise ModelError(
        f"{path.name} is no safetensors, GGUF or .npy file.",
        hint="Choose a .safetensors, .gguf or .npy file, or the folder of a model.",
    )


def _pickle(path: Path) -> ModelError:
    return ModelError(f"{path.name} is a pickle, and Tokstudio opens safetensors only.", hint=CONVERT)


def check_weights(folder: Path) -> None:
    """Do the safetensors files of a model hold together, by their headers? Raises ModelError where not."""
    for file in _shards(folder):
        read_header(file)


def _indexed(index: Path) -> list[Path]:
    """The files a shard index names. A name may not lead out of the folder."""
    weight_map = _json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
        raise ModelError(
            f"{index.name} has no `weight_map`, so its files are unknown.", hint="Export the model again."
        )
    names = sorted(set(weight_map.values()))
    if outside := [name for name in names if Path(name).name != name or "\\" in name]:
        raise ModelError(
            f"{index.name} names a file outside its folder: {outside[0]!r}.", hint="Do not trust this folder."
        )
    files = [_safetensors(index.parent / name) for name in names]
    if missing := [file.name for file in files if not file.exists()]:
        raise ModelError(
            f"{len(missing)} of {len(files)} files of the model are missing, the first is {missing[0]}.",
            hint=f"Put them beside {index.name}.",
        )
    return files


def _config(folder: Path) -> dict:
    path = folder / "config.json"
    config = _json(path) if path.exists() else {}
    inner = config.get("text_config")  # multimodal models keep the language model's numbers here
    return {**config, **inner} if isinstance(inner, dict) else config


def _json(path: Path) -> dict:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path} cannot be read as JSON: {error}", hint="Download or export the folder again."
        ) from None
    if not isinstance(value, dict):
        raise ModelError(f"{path} is no JSON object.", hint="Download or export the folder again.")
    return value


def _entries(tensors: dict[str, Tensor], config: dict) -> tuple[MatrixEntry, ...]:
    matrices = [t for t in tensors.values() if len(t.shape) == 2 and t.size and t.dtype in STORED]
    size = config.get("vocab_size")
    if not isinstance(size, int):  # no configuration: the tallest matrix with a known name tells
        size = max(
            (t.shape[0] for t in matrices if INPUT.search(t.name) or OUTPUT.search(t.name)), default=-1
        )
    entries = [MatrixEntry(t, _role(t, size)) for t in matrices]
    rank = {"input": 0, "output": 1, "other": 2}
    return tuple(sorted(entries, key=lambda e: (rank[e.role], -e.tensor.shape[0], e.tensor.name)))


def _role(tensor: Tensor, vocabulary: int) -> str:
    """Rows may be padded above the vocabulary's size, to a multiple of 64, 128 or 256 as trainers like it."""
    rows = tensor.shape[0]
    if not (vocabulary <= rows <= vocabulary + 1024) or vocabulary < 1:
        return "other"
    if OUTPUT.search(tensor.name):
        return "output"
    return "input" if INPUT.search(tensor.name) else "other"


def _display_name(path: Path) -> str:
    """The folder's name; the snapshot folders of the Hugging Face cache and `model/` say nothing, their
    parents do."""
    folder = path if path.is_dir() else path.parent
    for part in (folder, *folder.parents):
        if part.name.startswith("models--"):
            return part.name.removeprefix("models--").replace("--", "/")
    if folder.parent.name == "checkpoints":
        return f"{folder.parents[1].name}, {folder.name.replace('-', ' ')}"
    generic = folder.name in ("model", "export", "") or re.fullmatch("[0-9a-f]{40}", folder.name)
    return (folder.parent.name if generic else folder.name) or path.name
