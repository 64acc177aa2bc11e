"""How much memory a training will take, before it starts."""

from dataclasses import dataclass

from tokstudio.tokens.training.corpus import characters, memory_limit
from tokstudio.tokens.training.hugging_face import is_watched
from tokstudio.tokens.training.settings import TrainingSettings

BASE = 46e6  # bytes: Python, NumPy and the libraries
# bytes for a character of text, and for a different word, of which there are about 6 * size ** 0.6; fitted to Python
# source of 0.5 and 14 MB, Unigram to the smaller one alone
LINEAR = {"byte-bpe": 0.4, "bpe": 12.0, "wordpiece": 0.4, "unigram": 100.0, "sentencepiece-bpe": 14.0,
          "sentencepiece-unigram": 26.0}  # fmt: skip
WORD = {"byte-bpe": 330, "wordpiece": 330}
WATCHED = {"byte-bpe": (0.0, 800), "bpe": (42.0, 0)}  # where every merge is watched


@dataclass(frozen=True)
class Forecast:
    size: int  # characters of text
    memory: int  # bytes at the peak
    free: int  # bytes free now

    @property
    def fits(self) -> bool:
        return self.memory < 0.9 * self.free


def forecast(settings: TrainingSettings) -> Forecast:
    """Within about a factor of two. Raises InputError where there is no text."""
    size = characters(settings.inputs)
    read = size * settings.sample
    words = 6 * read**0.6 if read else 0
    kind = "byte-bpe" if settings.extend or settings.prune else settings.algorithm
    if settings.extend or is_watched(settings, size):
        linear, each = WATCHED[kind]
    else:
        linear, each = LINEAR[kind], WORD.get(kind, 0)
    memory = BASE + linear * read + each * words + 600 * settings.vocab_size
    return Forecast(size, int(memory), memory_limit())
