"""What a corpus comparison adds to the libraries that do the encoding.

The same texts twice: by `compare_corpus`, and by the libraries alone on all cores, each by its shortest way and
without reading a file or counting anything. Two ratios, 1.00 being no cost at all: wall-clock time, which other
programs on the machine disturb, and processor time, which they hardly do.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tokstudio.bench.align import standard_text
from tokstudio.bench.base import Figure, benchmark

REFERENCES = ("tiktoken:cl100k_base", "tiktoken:o200k_base", "bert-base-uncased")
SIZE = 10_000_000  # characters; repeated so that starting does not count
TIMES = 2
TARGET = 1.10


@benchmark("corpus", title="Corpus comparison: its cost beside the backend libraries alone, on all cores")
def measure_corpus(repeat: int) -> Iterator[Figure]:
    from tokstudio.tokens.corpus.run import cores

    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    with tempfile.TemporaryDirectory(prefix="tokstudio-bench-") as folder:
        path = Path(folder) / "corpus.txt"
        path.write_text(standard_text(SIZE) * TIMES, encoding="utf-8")
        pairs = [(compared(path), alone(path)) for _ in range(repeat)]
    megabytes = pairs[0][0][2] / 1e6
    how = f"{', '.join(REFERENCES)}; {megabytes:.0f} MB, {cores()} cores, median of {repeat}"
    wall = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
    busy = statistics.median(ours[1] / theirs[1] for ours, theirs in pairs)
    rate = megabytes / statistics.median(ours[0] for ours, _ in pairs)
    yield Figure(name="corpus_wall_ratio", value=round(wall, 3), unit="x", target=TARGET, note=how)
    yield Figure(name="corpus_cpu_ratio", value=round(busy, 3), unit="x", target=TARGET, note=how)
    yield Figure(
        name="corpus_mb_s", value=round(rate, 2), unit="MB/s", note="all tokenizers together, wall clock"
    )


def compared(path: Path) -> tuple[float, float, int]:
    """Seconds of wall clock and of all processors, from when the workers are ready; bytes of text."""
    from tokstudio.tokens.corpus.run import Request, compare_corpus

    own = time.process_time()
    for progress in compare_corpus(Request(REFERENCES, str(path))):
        last = progress
    return last.seconds, last.busy + time.process_time() - own, last.text


def alone(path: Path) -> tuple[float, float]:
    """The same pieces through the libraries: seconds of wall clock and of all processors."""
    from tokstudio.tokens.corpus.fast import ids_of
    from tokstudio.tokens.corpus.read import open_corpus
    from tokstudio.tokens.corpus.run import cores
    from tokstudio.tokens.reference import load_tokenizer

    texts = [piece.text for piece in open_corpus(path).pieces()]
    tokenizers = [load_tokenizer(reference) for reference in REFERENCES]
    for tokenizer in tokenizers:
        ids_of(tokenizer)(texts[:1])
    wall, busy = time.perf_counter(), time.process_time()
    for tokenizer in tokenizers:
        encode_alone(tokenizer, texts, cores())
    return time.perf_counter() - wall, time.process_time() - busy


def encode_alone(tokenizer, texts: Sequence[str], threads: int) -> None:
    """Hugging Face's library spreads a batch over the cores itself; the others let go of the interpreter."""
    if hasattr(tokenizer, "_library") and hasattr(tokenizer._library, "encode_batch_fast"):
        tokenizer._library.encode_batch_fast(list(texts), add_special_tokens=False)
        return
    from tokstudio.tokens.corpus.fast import ids_of

    ids = ids_of(tokenizer)
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda text: ids([text]), texts):
            pass
