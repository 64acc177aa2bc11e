"""What a SentencePiece model's file says and its library does not pass on: the algorithm, and how it normalizes.

The file is a protocol buffer, ModelProto: pieces are field 1, the trainer's settings field 2, and in those
the algorithm is field 3; the normalizer's settings are field 3 (sentencepiece_model.proto).
"""

from collections.abc import Iterator
from dataclasses import dataclass

ALGORITHMS = {1: "Unigram", 2: "BPE", 3: "Word level", 4: "Characters"}
TRAINER, MODEL_TYPE = 2, 3
PIECE, PIECE_TYPE, USER = 1, 3, 4
NORMALIZER, CHARSMAP, PREFIX, COLLAPSE = 3, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Normalizer:
    prefix: bool = True  # a space is put before each text
    collapse: bool = True  # white space at the edges and repeated spaces go
    charsmap: bytes = b""  # compiled rules; empty: none


def algorithm_of(data: bytes) -> str:
    """ "Unigram" where the file does not say: it is the format's default."""
    for field, value in _fields(data):
        if field == TRAINER and isinstance(value, bytes):
            return ALGORITHMS.get(next((v for f, v in _fields(value) if f == MODEL_TYPE), 1), "Unigram")
    return "Unigram"


def normalizer_of(data: bytes) -> Normalizer:
    found = dict(next((_fields(v) for f, v in _fields(data) if f == NORMALIZER and isinstance(v, bytes)), ()))
    charsmap = found.get(CHARSMAP, b"")
    return Normalizer(
        bool(found.get(PREFIX, 1)),
        bool(found.get(COLLAPSE, 1)),
        charsmap if isinstance(charsmap, bytes) else b"",
    )


def user_defined(data: bytes) -> list[int]:
    """Ids of the symbols that a user defined, which are found whole in any text."""
    pieces = [value for field, value in _fields(data) if field == PIECE and isinstance(value, bytes)]
    return [i for i, piece in enumerate(pieces) if (PIECE_TYPE, USER) in _fields(piece)]


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
