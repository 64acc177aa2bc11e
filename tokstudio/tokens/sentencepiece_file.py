"""Write a SentencePiece model, for vocabularies that other formats hold (ModelProto of sentencepiece_model.proto)."""

import struct
from collections.abc import Sequence

TYPES = {"unigram": 1, "bpe": 2}
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)


def model_file(
    pieces: Sequence[bytes],
    scores: Sequence[float],
    types: Sequence[int],
    *,
    kind: str,
    ends: dict[str, int],
    prefix: bool,
    collapse: bool,
    charsmap: bytes = b"",
) -> bytes:
    """The content of a .model file.

    `types`: one of the constants above for each piece. `ends`: ids by "unk", "bos", "eos", "pad". `prefix`: put a
    space before each text. `collapse`: white space at the edges and repeated spaces go. `charsmap`: compiled
    normalization rules.
    """
    out = [
        _field(
            1,
            _field(1, piece) + b"\x15" + struct.pack("<f", score) + (_number(3, of) if of != NORMAL else b""),
        )
        for piece, score, of in zip(pieces, scores, types, strict=True)
    ]
    trainer = _number(3, TYPES[kind]) + _number(35, int(BYTE in types))
    for name, (number, piece) in {"unk": (40, 45), "bos": (41, 46), "eos": (42, 47), "pad": (43, 48)}.items():
        token = ends.get(name, -1)
        trainer += _number(number, token)
        if token >= 0:
            trainer += _field(piece, pieces[token])
    normalizer = _field(1, b"identity" if not charsmap else b"user_defined") + _field(2, charsmap)
    normalizer += _number(3, int(prefix)) + _number(4, int(collapse)) + _number(5, 1)
    return b"".join(out) + _field(2, trainer) + _field(3, normalizer)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # a negative number is ten bytes
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data
