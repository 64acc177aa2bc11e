"""One token per byte. The smallest backend, and the reference the others are tested against."""

import numpy as np

from tokstudio.tokens.base import BACKENDS, Backend, Encoding, Written, checked, checked_one, utf8
from tokstudio.tokens.written import check_written


class ByteTokenizer:
    reference = "bytes"
    name = "Bytes"
    algorithm = "Bytes"
    fingerprint = "bytes-1"
    special_tokens: dict[str, int] = {}  # noqa: RUF012  never written to; the protocol asks for a mapping
    unknown_id = None

    def __len__(self) -> int:
        return 256

    def encode(self, text: str, *, special: bool = False, written: Written = "text") -> Encoding:
        check_written(text, self.special_tokens, written)
        data = utf8(text)
        starts = np.arange(len(data), dtype=np.int32)
        return Encoding(
            data, np.frombuffer(data, np.uint8).astype(np.int32), np.stack([starts, starts + 1], 1)
        )

    def decode(self, ids: np.ndarray) -> bytes:
        return checked(ids, len(self)).astype(np.uint8).tobytes()

    def token_bytes(self, token: int) -> bytes | None:
        return bytes([checked_one(token, len(self))])


BACKENDS.add("bytes", Backend(scheme="bytes", named=lambda _: ByteTokenizer()))
