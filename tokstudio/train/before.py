"""What a run would fail of at once, looked at before its folder is made. No torch, unless a device is named."""

from collections.abc import Iterable
from pathlib import Path

from tokstudio.embed.read import check_weights
from tokstudio.errors import InputError
from tokstudio.models.device import ANYWHERE
from tokstudio.models.load import kind_of, model_folder
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.check import check_config
from tokstudio.train.config import DataConfig, TransferConfig
from tokstudio.train.corpus import PYTHON
from tokstudio.train.kinds import target_reference
from tokstudio.train.sources import Reader, files_of, local
from tokstudio.train.stream_words import check_hub
from tokstudio.transfer.export import tokenizer_folder

READ_WHOLE = 16 << 20  # bytes of files that are read whole; of more, the first text is


def check_start(config: TransferConfig, *, here: bool = True) -> None:
    """`here`: will it work on this machine? Raises a TokstudioError that says what to do."""
    check_config(config)
    for reference in filter(None, (config.model, config.teacher)):
        kind_of(reference)
        check_weights(model_folder(reference))
    load_tokenizer(config.model)
    tokenizer_folder(load_tokenizer(target_reference(config)))
    check_texts(config.data, config.model)
    if here and config.train.device not in ANYWHERE:
        from tokstudio.models.device import pick_device

        pick_device(config.train.device)


def check_texts(data: DataConfig, model: str) -> None:
    """Raises InputError for what is missing, empty or no text. What is large is not read to its end,
    and what is streamed not at all."""
    if data.stream:
        check_hub(data)
    named = [name for name in ("" if data.stream else data.corpus, data.held_out) if name and name != PYTHON]
    files = {name: files_of(Path(local(name)).expanduser()) for name in named}
    if not files:
        return
    reader = Reader(data, model)
    try:
        if not data.stream and sum(_sizes(found) for found in files.values()) <= READ_WHOLE:
            reader.corpus()
            return
        for name in files:
            if next(reader.read(name), None) is None:
                raise InputError(f"{name} holds no text.", hint="Choose a text file that is not empty.")
    finally:
        reader.close()


def _sizes(files: Iterable[Path]) -> int:
    try:
        return sum(file.stat().st_size for file in files)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from None
