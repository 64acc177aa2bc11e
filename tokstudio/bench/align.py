"""How fast two encodings of one text are lined up: blocks for objectives, cuts and shared pieces for panes.

Real vocabularies on real text: the standard library's source and reference. What counts is the processor time
of this one thread, so that a busy machine measures the same as an idle one.
"""

import time
from collections.abc import Callable, Iterator

from tokstudio.bench.base import Figure, benchmark

SIZE = 8_000_000  # characters of text
TARGET = 20.0  # MB of text per second
BPE = ("tiktoken:cl100k_base", "tiktoken:o200k_base")
WORD_PIECE = ("tiktoken:cl100k_base", "bert-base-uncased")
WORD_PIECE_SIZE = 1_000_000  # BERT takes most of a second for a megabyte


@benchmark("align", title="Alignment of two encodings: megabytes of text per second on one core")
def measure_alignment(repeat: int) -> Iterator[Figure]:
    from tokstudio.align.edges import agreement
    from tokstudio.align.spans import align

    text = standard_text(SIZE)
    source, target = encoded(BPE, text)
    megabytes = len(source.text) / 1e6
    how = f"{' and '.join(BPE)}, {megabytes:.1f} MB, best of {repeat}"
    yield figure("align_mb_s", megabytes, best(lambda: align(source, target), repeat), how)
    yield figure("agreement_mb_s", megabytes, best(lambda: agreement([source, target]), repeat), how)
    source, target = encoded(WORD_PIECE, text[:WORD_PIECE_SIZE])
    megabytes = len(source.text) / 1e6
    how = f"{' and '.join(WORD_PIECE)}, {megabytes:.1f} MB, best of {repeat}"
    yield figure("agreement_bert_mb_s", megabytes, best(lambda: agreement([source, target]), repeat), how)


def figure(name: str, megabytes: float, seconds: float, how: str) -> Figure:
    rate = round(megabytes / seconds, 1)
    return Figure(name=name, value=rate, unit="MB/s", target=TARGET, note=how, at_least=True)


def standard_text(size: int) -> str:
    """The first `size` characters of what every Python carries."""
    from tokstudio.train.corpus import python_documents

    return "".join(document.text for document in python_documents())[:size]


def encoded(references: tuple[str, ...], text: str) -> list:
    from tokstudio.tokens.reference import load_tokenizer

    return [load_tokenizer(reference).encode(text) for reference in references]


def best(work: Callable[[], object], repeat: int) -> float:
    """The least processor seconds of `repeat` times, after one that does not count."""
    work()
    taken = []
    for _ in range(repeat):
        begun = time.thread_time()
        work()
        taken.append(time.thread_time() - begun)
    return min(taken)
