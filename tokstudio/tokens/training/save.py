"""The files of a trained tokenizer. The folder appears whole or not at all."""

import base64
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tokstudio.errors import InputError
from tokstudio.tokens.alphabet import byte_level
from tokstudio.tokens.sidecar import beside
from tokstudio.tokens.training.parts import ENCODINGS, config
from tokstudio.tokens.training.settings import TrainingSettings


class FolderTaken(InputError):
    """`trained`: what is there was trained into it, so that it may be replaced on request."""

    def __init__(self, folder: Path, trained: bool):
        super().__init__(f"{folder} exists already and is not empty.", hint="Name a new folder.")
        self.trained = trained


def check_folder(folder: Path, replace: bool = False) -> None:
    """Raises FolderTaken where the result would overwrite something. `replace`: what was trained here may go."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    trained = folder.is_dir() and (folder / "training.json").is_file()
    if not (replace and trained):
        raise FolderTaken(folder, trained)


def save(
    settings: TrainingSettings,
    library: Any | None,
    held: list[str],
    *,
    model: bytes | None = None,
    keep_config: Path | None = None,
    report: dict,
) -> list[str]:
    """Names of the files written. `model`: a SentencePiece model, beside which `library` is written only where
    it gives the same ids. `keep_config`: the tokenizer_config.json of the parent."""
    folder = settings.folder()
    check_folder(folder, settings.replace)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        if model is not None:
            (draft / "tokenizer.model").write_bytes(model)
        if library is not None and (model is None or same_ids(library, model, held)):
            library.save(str(draft / "tokenizer.json"), pretty=False)
        if keep_config is not None and keep_config.is_file():
            shutil.copyfile(keep_config, draft / "tokenizer_config.json")
        else:
            _write_json(draft / "tokenizer_config.json", config(settings.special_tokens))
        if library is not None and model is None and (ranks := as_ranks(library, settings, held)) is not None:
            name = f"{_plain(folder.name)}.tiktoken"
            (draft / name).write_bytes(ranks)
            _write_json(draft / beside(name), about_ranks(library, settings))
        files = sorted(path.name for path in draft.iterdir())
        _write_json(draft / "training.json", {"settings": settings.as_dict(), "files": files, **report})
        os.chmod(draft, 0o755)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(draft, folder)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written: {error.strerror}.", hint="Name another folder."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return [*files, "training.json"]


def about_ranks(library: Any, settings: TrainingSettings) -> dict:
    """What a rank file does not say of itself."""
    from tokstudio.tokens.encodings import encoding_spec

    specials = {token.content: i for i, token in library.get_added_tokens_decoder().items()}
    framed = library.encode("", add_special_tokens=True).tokens
    return {
        "pattern": encoding_spec(ENCODINGS[settings.pre_tokenizer]).pattern,
        "special_tokens": specials,
        "begin": framed[0] if framed else "",
    }


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


def _write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def same_ids(library: Any, model: bytes, held: list[str]) -> bool:
    """Do both cut the same? Asked with the held-out texts and with what is awkward."""
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor()
    pieces.LoadFromSerializedProto(model)
    texts = [*held[:40], "a  b", " x", "naïve 東京 🙂", "tab\there"]
    return all(library.encode(t, add_special_tokens=False).ids == pieces.EncodeAsIds(t) for t in texts)


def as_ranks(library: Any, settings: TrainingSettings, held: list[str]) -> bytes | None:
    """A rank file for tiktoken; None where the format cannot say the same: other cuts, a normalizer, tokens that
    more than one merge makes so that the order of ids is not the order of merges."""
    if (
        settings.algorithm != "byte-bpe"
        or settings.pre_tokenizer not in ENCODINGS
        or settings.normalizer != "none"
    ):
        return None
    if settings.extend or settings.prune:
        return None
    special = {token.content for token in library.get_added_tokens_decoder().values()}
    entries = sorted((i, e) for e, i in library.get_vocab().items() if e not in special)
    if [i for i, _ in entries] != list(range(len(entries))):
        return None
    ranks = {byte_level(entry): rank for rank, (_, entry) in enumerate(entries)}
    if len(ranks) != len(entries) or not _agrees(library, ranks, settings, held):
        return None
    return b"".join(base64.b64encode(raw) + b" %d\n" % rank for raw, rank in ranks.items())


def _agrees(library: Any, ranks: dict, settings: TrainingSettings, held: list[str]) -> bool:
    from tiktoken import Encoding

    from tokstudio.tokens.encodings import encoding_spec

    pattern = encoding_spec(ENCODINGS[settings.pre_tokenizer]).pattern
    core = Encoding("trained", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    texts = [*held[:40], "naïve 東京 🙂  1234567 don't\r\n\n  x"]
    return all(library.encode(t, add_special_tokens=False).ids == core.encode_ordinary(t) for t in texts)
