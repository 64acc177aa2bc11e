"""What a finished run leaves beside the exported weights: adapters alone, and the model's card."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.errors import ModelError
from tokstudio.models.load import model_folder
from tokstudio.tokens.reference import file_of
from tokstudio.train.config import TransferConfig
from tokstudio.train.kinds import purpose_of
from tokstudio.train.settings import to_toml
from tokstudio.train.sources import text_bytes
from tokstudio.transfer.card import write_card

if TYPE_CHECKING:
    from tokstudio.train.students import Student
    from tokstudio.train.transfer import Transfer


def save_adapters(student: "Student", config: TransferConfig, folder: Path) -> dict[str, Any]:
    """Before the adapters are merged: {"adapters": path}, or nothing where none are asked for."""
    import shutil

    if not config.lora.save_adapters:
        return {}
    draft, final = folder / ".adapters", folder / "adapters"
    shutil.rmtree(draft, ignore_errors=True)
    if not student.save_adapters(draft):
        return {}
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    return {"adapters": str(final)}


def publish(problem: "Transfer", report: dict[str, Any]) -> None:
    """Write the card into the export that `report` names."""
    config, target, corpus = problem.config, problem.pair.target, problem.corpus
    file = file_of(target.reference)
    write_card(
        Path(report["export"]["path"]),
        report,
        kind=purpose_of(config),
        settings_toml=to_toml(_without_folders(config)),
        model=_folder(config.model),
        tokenizer=None if file is None else file.parent,
        data={
            "corpus": config.data.corpus,
            "fingerprint": corpus.fingerprint,
            "train": corpus.train_size,
            "held_out": text_bytes(corpus.held_out),
            "told": corpus.told if config.data.stream else "",
        },
    )


def _without_folders(config: TransferConfig) -> TransferConfig:
    """Names instead of paths: where files lie on this machine is nobody's business."""

    def name(reference: str) -> str:
        return Path(reference).name if reference and Path(reference).expanduser().exists() else reference

    data = replace(config.data, corpus=name(config.data.corpus), held_out=name(config.data.held_out))
    named = {key: name(getattr(config, key)) for key in ("model", "tokenizer", "teacher", "donor")}
    return replace(config, data=data, **named)


def _folder(reference: str) -> Path | None:
    try:
        return model_folder(reference)
    except ModelError:
        return None
