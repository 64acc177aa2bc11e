"""The process that encodes and counts. One takes a core; `tokstudio.tokens.corpus.run` starts as many as there are.

First message in: the references. Answer: the vocabularies' sizes, or an error. Then one answer a batch: sums in
the header, and behind it for every tokenizer and group the ids that occurred and how often. What goes through the
pipes is a line of JSON and raw arrays, never a pickle.
"""

import contextlib
import os
import sys
import threading
import time
from queue import Queue
from typing import IO

import numpy as np

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.corpus.words import WordCounts
from tokstudio.tokens.service import receive, send


def serve(incoming: IO[bytes], outgoing: IO[bytes]) -> None:
    """Until `incoming` ends."""
    if (first := receive(incoming)) is None:
        return
    try:
        counter = Counter(first[0]["references"])
    except TokenizerError as error:
        send(outgoing, {"error": str(error), "hint": error.hint}, b"")
        return
    send(outgoing, counter.facts(), b"")
    ahead: Queue = Queue(1)  # the next batch is read while this one is counted
    threading.Thread(target=_read_ahead, args=(incoming, ahead), daemon=True).start()
    while message := ahead.get():
        try:
            answer = counter.count(*message)
        except TokenizerError as error:
            answer = {"error": str(error), "hint": error.hint}, b""
        send(outgoing, *answer)


def _read_ahead(incoming: IO[bytes], ahead: Queue) -> None:
    while message := receive(incoming):
        ahead.put(message)
    ahead.put(None)


class Counter:
    """Counts batches with tokenizers that are loaded once."""

    def __init__(self, references: list[str]):
        from tokstudio.tokens.corpus.fast import ids_of
        from tokstudio.tokens.reference import load_tokenizer

        self.tokenizers: list[Tokenizer] = [load_tokenizer(reference) for reference in references]
        self._ids = [ids_of(tokenizer) for tokenizer in self.tokenizers]

    def facts(self) -> dict:
        return {
            "tokenizers": [
                {"reference": t.reference, "name": t.name, "algorithm": t.algorithm, "vocabulary": len(t),
                 "fingerprint": t.fingerprint, "has_unknown": t.unknown_id is not None}
                for t in self.tokenizers
            ]
        }  # fmt: skip

    def count(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        begun = time.process_time()
        texts = _cut(body, header["lengths"])
        groups: dict[int, list[int]] = {}
        for at, group in enumerate(header["groups"]):
            groups.setdefault(group, []).append(at)
        words, known = self._words(texts, header["groups"], header["sampled"])
        sums, arrays = [], []
        for k in range(len(self.tokenizers)):
            rows, found = self._one(k, texts, known[k], groups)
            sums.append(rows)
            arrays += found
        sizes = {
            group: [sum(header["lengths"][i] for i in parts), sum(len(texts[i]) for i in parts),
                    sum(texts[i].count("\n") for i in parts), len(parts)]
            for group, parts in groups.items()
        }  # fmt: skip
        reply = {"sizes": sizes, "sums": sums, "words": {g: w.as_json() for g, w in words.items()}}
        return reply | {"busy": time.process_time() - begun}, b"".join(arrays)

    def _words(
        self, texts: list[str], groups: list[int], sampled: list[int]
    ) -> tuple[dict[int, WordCounts], list[dict[int, np.ndarray]]]:
        """The words of the sampled texts by group, and the ids that came with them."""
        counts: dict[int, WordCounts] = {}
        known: list[dict[int, np.ndarray]] = [{} for _ in self.tokenizers]
        for at in sampled:
            encodings = [tokenizer.encode(texts[at]) for tokenizer in self.tokenizers]
            counts.setdefault(groups[at], WordCounts(len(self.tokenizers))).add_piece(
                encodings, self.tokenizers
            )
            for k, encoding in enumerate(encodings):
                known[k][at] = encoding.ids
        return counts, known

    def _one(
        self, k: int, texts: list[str], known: dict[int, np.ndarray], groups: dict[int, list[int]]
    ) -> tuple[dict[int, list[int]], list[bytes]]:
        """Per group tokens, unknown ones and different ids; then these ids and how often each occurs."""
        left = [at for at in range(len(texts)) if at not in known]
        found = dict(zip(left, self._ids[k]([texts[at] for at in left]), strict=True)) | known
        rows, arrays, unknown = {}, [], self.tokenizers[k].unknown_id
        for group, parts in groups.items():
            counts = np.bincount(np.concatenate([found[at] for at in parts]).astype(np.int64, copy=False))
            ids = np.flatnonzero(counts)
            strange = int(counts[unknown]) if unknown is not None and unknown < len(counts) else 0
            rows[group] = [int(counts.sum()), strange, len(ids)]
            arrays += [ids.astype("<i4").tobytes(), counts[ids].astype("<i4").tobytes()]
        return rows, arrays


def _cut(body: bytes, lengths: list[int]) -> list[str]:
    texts, at = [], 0
    for length in lengths:
        texts.append(body[at : at + length].decode())
        at += length
    return texts


def serve_standard_streams() -> None:
    """Answers go out on the standard output as it was; whatever a library prints goes to the errors."""
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(
        BrokenPipeError, KeyboardInterrupt
    ):  # the reader has gone, or Ctrl+C reached both
        serve(sys.stdin.buffer, outgoing)
