"""One training from its settings to its folder: `for event in train(settings): …`."""

import sys
import time
from collections.abc import Callable, Iterator

from tokstudio.tokens.training import change, google, held_out, hugging_face, save
from tokstudio.tokens.training.events import Compression, Done, Event, Phase
from tokstudio.tokens.training.settings import ALGORITHMS, TrainingSettings
from tokstudio.tokens.training.split import Corpus


def train(settings: TrainingSettings, tell: Callable[[Event], object] | None = None) -> Iterator[Event]:
    """`tell` also hears of what a library reads while nothing can be yielded. Raises TokstudioError for what
    cannot be read, trained or written."""
    started = time.monotonic()
    settings.check()
    save.check_folder(settings.folder(), settings.replace)
    corpus, held = (Corpus(settings, tell) if tell else Corpus(settings)), []
    model, library, report, keep, base = None, None, {}, None, 0
    watched = False
    if settings.extend:
        library, base = yield from change.extend(settings, corpus, held)
        keep, watched = change.parent_file(settings.extend).with_name("tokenizer_config.json"), True
    elif settings.prune:
        library, kept = yield from change.prune(settings, corpus, held)
        keep, report = (
            change.parent_file(settings.prune).with_name("tokenizer_config.json"),
            {"old_ids": kept},
        )
    elif settings.algorithm.startswith("sentencepiece"):
        model = yield from google.train(settings, corpus, held)
        library = google.as_library(model, settings)
    else:
        library = yield from hugging_face.train(settings, corpus, held)
        watched = hugging_face.is_watched(settings, corpus.size)
    yield Phase("Measuring", -1.0)
    points = []
    if library is not None and held and not watched:
        for point in held_out.curve(library, held) if not settings.prune else ():
            points.append(point)
            yield point
        if settings.prune:
            points = [Compression(library.get_vocab_size(), held_out.compression(library, held))]
            yield points[-1]
    if library is None and held:
        points = [Compression(settings.vocab_size, _of_model(model, held))]
        yield points[-1]
    yield Phase("Writing", -1.0)
    report |= {
        "algorithm": _done_by(settings),
        "tokens": library.get_vocab_size() if library is not None else _size(model),
        "asked": None if settings.prune else base + settings.vocab_size,
        "characters": corpus.read,
        "held_out": sum(map(len, held)),
        "bytes_per_token": held_out.compression(library, held) if library is not None and held
        else points[-1].bytes_per_token if points else None,
        "seconds": round(time.monotonic() - started, 2),
        "peak_memory": peak_memory(),
    }  # fmt: skip
    files = save.save(settings, library, held, model=model, keep_config=keep, report=report)
    report.pop("old_ids", None)
    yield Done(str(settings.folder().resolve()), {**report, "files": files})


def _done_by(settings: TrainingSettings) -> str:
    if settings.extend or settings.prune:
        return "Extended" if settings.extend else "Pruned"
    return ALGORITHMS[settings.algorithm][0]


def _size(model: bytes) -> int:
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor()
    pieces.LoadFromSerializedProto(model)
    return len(pieces)


def _of_model(model: bytes, held: list[str]) -> float:
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor()
    pieces.LoadFromSerializedProto(model)
    tokens = sum(len(pieces.EncodeAsIds(text)) for text in held)
    return sum(len(text.encode()) for text in held) / max(1, tokens)


def peak_memory() -> int:
    """Bytes that this process has held at most; 0 where the system does not say."""
    try:  # Linux: what getrusage says includes the process that this one was forked from
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
