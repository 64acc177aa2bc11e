"""How much memory a training will take, before it starts."""

from dataclasses import dataclass

from tokstudio.tokens.training.corpus import characters, memory_limit
from tokstudio.tokens.training.hugging_face import is_watched
from tokstudio.tokens.training.settings import TrainingSettings

BASE = 48e6  # bytes: Python, NumPy and the libraries
# bytes for a character of text (linear) and for a different word, of which there are about 40 * size ** 0.6
LINEAR = {"byte-bpe": 0.4, "bpe": 0.4, "wordpiece": 0.4, "unigram": 1.5, "sentencepiece-bpe": 12.0,
          "sentencepiece-unigram": 22.0}  # fmt: skip
WORD = {"byte-bpe": 700, "bpe": 900, "wordpiece": 420, "unigram": 900}
WATCHED_WORD = 2600  # a word of which every merge is watched


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
    words = 40 * read**0.6 if read else 0
    algorithm = settings.algorithm
    if settings.extend or is_watched(settings, size):
        each, linear = WATCHED_WORD, 0.2
    else:
        each, linear = WORD.get(algorithm, 0), LINEAR[algorithm]
    memory = BASE + linear * read + each * words + 600 * settings.vocab_size
    return Forecast(size, int(memory), memory_limit())
