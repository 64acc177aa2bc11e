"""TensorBoard event files, written by hand: the format is small, and its library is not.

A file is a row of records: length (uint64), masked CRC-32C of it, bytes, masked CRC-32C of them. The bytes are a
Protocol Buffers message `Event`: 1 wall_time (double), 2 step (int64), 3 file_version (string), 5 summary; a summary
holds values of 1 tag (string) and 2 simple_value (float).
"""

import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path


def _table() -> list[int]:
    made = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        made.append(byte)
    return made


_CRC = _table()


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    return struct.pack("<I", (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*made, value))


def _sized(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def event(at: float, step: int, values: Mapping[str, float]) -> bytes:
    """One `Event` with a scalar for each name."""
    summary = b"".join(
        _sized(1, _sized(1, name.encode()) + b"\x15" + struct.pack("<f", value))
        for name, value in values.items()
    )
    return b"\x09" + struct.pack("<d", at) + b"\x10" + _varint(step) + _sized(5, summary)


class ScalarLog:
    """One file in `folder`. A resumed run begins another one; TensorBoard reads them together."""

    def __init__(self, folder: Path):
        folder.mkdir(exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.0"
        self._stream = open(folder / name, "ab")  # noqa: SIM115 closed by close()
        version = b"\x09" + struct.pack("<d", time.time()) + _sized(3, b"brain.Event:2")
        self._stream.write(record(version))

    def write(self, at: float, step: int, values: Mapping[str, float]) -> None:
        known = {name: float(v) for name, v in values.items() if isinstance(v, int | float)}
        self._stream.write(record(event(at, step, known)))

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()
