"""The one thing a SentencePiece model's file says that its library does not pass on: the algorithm.

The file is a protocol buffer, ModelProto: pieces are field 1, the trainer's settings field 2, and in those
the algorithm is field 3 (sentencepiece_model.proto).
"""

from collections.abc import Iterator

ALGORITHMS = {1: "Unigram", 2: "BPE", 3: "Word level", 4: "Characters"}
TRAINER, MODEL_TYPE = 2, 3


def algorithm_of(data: bytes) -> str:
    """ "Unigram" where the file does not say: it is the format's default."""
    for field, value in _fields(data):
        if field == TRAINER and isinstance(value, bytes):
            return ALGORITHMS.get(next((v for f, v in _fields(value) if f == MODEL_TYPE), 1), "Unigram")
    return "Unigram"


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of one message; fixed-width numbers come as their bytes."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(data, position)
        else:
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, position = _varint(data, position)
            value, position = data[position : position + size], position + size
        yield key >> 3, value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at `position` and where it ends: seven bits a byte, the lowest first."""
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, position
