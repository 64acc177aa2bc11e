"""A look at the beginning of some of the files: how much text there is, and how many different words."""

import gzip
import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from math import log
from pathlib import Path

from tokstudio.errors import TokstudioError
from tokstudio.tokens.training.corpus import TABLES, characters, files_of, texts_of
from tokstudio.tokens.training.settings import TrainingSettings
from tokstudio.tokens.training.split import LINES

LOOKED_AT = 1 << 18  # bytes, of all files together
FILES = 8  # looked at, evenly spread
ROWS = 200  # of a table
CUTS = {
    "words": re.compile(r" ?[^\W\d_]+| ?[\d_]+| ?[^\w\s]+|\s+"),
    "spaces": re.compile(r" ?[^ ]+| "),
    "lines": re.compile(rf".{{1,{LINES}}}", re.DOTALL),
}


@dataclass(frozen=True)
class Sample:
    """`text`: characters of all texts; `letters`: of the different words of the part looked at, in half of it and in
    all of it; bytes for byte-level BPE and Unigram, else characters. `length`: of a different word, on average."""

    text: float
    looked_at: int
    letters: tuple[int, int]
    length: float

    def letters_in(self, text: float) -> float:
        return _grown(self.letters, text / max(1, self.looked_at))


def _grown(counts: tuple[int, int], times: float) -> float:
    """The law of Heaps (1978): different words grow with a power of the text, here measured over one doubling; so do
    their letters."""
    half, whole = counts
    if times <= 1 or not half:
        return whole * min(1.0, times)
    return whole * times ** min(1.0, max(0.2, log(whole / half, 2)))


def cut_of(settings: TrainingSettings) -> str:
    """Which of `CUTS` comes near to how the words will be cut."""
    if settings.extend or settings.prune or settings.algorithm == "wordpiece":
        return "words"
    if settings.pre_tokenizer == "none":
        return "lines"
    spaces = settings.algorithm != "byte-bpe" or settings.pre_tokenizer == "white-space"
    return "spaces" if spaces else "words"


def sample(settings: TrainingSettings) -> Sample:
    """Raises InputError where there is no text."""
    files = files_of(settings.inputs)
    stamps = tuple((str(file), (about := file.stat()).st_mtime_ns, about.st_size) for file in files)
    in_bytes = bool(settings.extend) or settings.algorithm in ("byte-bpe", "unigram")
    return _sample(stamps, settings.column, cut_of(settings), in_bytes)


@lru_cache(maxsize=8)
def _sample(stamps: tuple[tuple[str, int, int], ...], column: str, cut: str, in_bytes: bool) -> Sample:
    files = [Path(name) for name, _, _ in stamps]
    chosen = files[:: max(1, len(files) // FILES)][:FILES]
    raw, texts = 0, []
    for file in chosen:
        read, found = _beginning(file, column, LOOKED_AT // len(chosen))
        raw, texts = raw + read, [*texts, *found]
    total, pattern = characters(files), CUTS[cut]
    words = [word for text in texts for word in pattern.findall(text)]
    half = set(words[::2])
    whole = half.union(words[1::2])
    looked_at = sum(map(len, texts))
    return Sample(
        text=total * looked_at / raw if raw else float(total),
        looked_at=looked_at,
        letters=(_letters(half, in_bytes), letters := _letters(whole, in_bytes)),
        length=letters / max(1, len(whole)),
    )


def _letters(words: set[str], in_bytes: bool) -> int:
    return sum(len(word.encode(errors="replace")) if in_bytes else len(word) for word in words)


def _beginning(file: Path, column: str, size: int) -> tuple[int, list[str]]:
    """(bytes read, texts in them); nothing of a file that cannot be read: the training will say why."""
    try:
        if file.suffix.lower() in TABLES:
            texts = list(islice(texts_of([file], column), ROWS))
            return sum(map(len, texts)), texts
        return _of_bytes(file, column, size)
    except (TokstudioError, OSError, EOFError):
        return 0, []


def _of_bytes(file: Path, column: str, size: int) -> tuple[int, list[str]]:
    packed = file.suffix.lower() == ".gz"
    with gzip.open(file, "rb") if packed else file.open("rb") as stream:
        data = stream.read(size)
    if len(data) == size:  # up to the end of a line, so that no JSON and no character is cut
        data = data[: data.rfind(b"\n") + 1] or data.decode(errors="ignore").encode()
    with tempfile.TemporaryDirectory(prefix="tokstudio-") as folder:
        part = Path(folder) / (file.stem if packed else file.name)
        part.write_bytes(data)
        return len(data), list(texts_of([part], column))
