"""Vocabulary entries as Hugging Face writes them, turned into the bytes they stand for.

Byte-level BPE writes every byte as one printable character ("Ġthe" is b" the"). SentencePiece writes a space
as "▁" and a byte without a token of its own as "<0xE2>". WordPiece marks what continues a word ("##ing"), old
BPE what ends one ("ing</w>").
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

BYTE_ENTRY = re.compile(r"<0x([0-9A-Fa-f]{2})>")
SPACE = "▁"


@cache
def byte_characters() -> dict[str, int]:
    """GPT-2's character -> byte: printable Latin-1 stands for itself, the rest moved to U+0100 and up."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(0x100 + i): byte for i, byte in enumerate(moved)}


@cache
def _latin() -> dict[int, int]:
    return {ord(character): byte for character, byte in byte_characters().items()}


def byte_level(token: str) -> bytes:
    """Bytes of one byte-level entry; an entry with other characters, an added token, is its own UTF-8."""
    try:
        return (
            token.translate(_latin()).encode("latin-1")
            if set(token) <= byte_characters().keys()
            else token.encode()
        )
    except UnicodeEncodeError:  # half a surrogate pair, out of a JSON escape
        return token.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How one tokenizer writes its entries."""

    byte_level: bool = False
    spaces: bool = False  # "▁" is a space
    byte_entries: bool = False  # "<0xE2>" is one byte
    prefix: str = ""  # what an entry inside a word begins with
    suffix: str = ""  # what an entry at the end of a word ends with

    def bytes_of(self, token: str) -> bytes:
        if self.byte_entries and (byte := BYTE_ENTRY.fullmatch(token)):
            return bytes([int(byte[1], 16)])
        if self.prefix and token != self.prefix:
            token = token.removeprefix(self.prefix)
        if self.suffix and token != self.suffix:
            token = token.removesuffix(self.suffix)
        if self.byte_level:
            return byte_level(token)
        return (token.replace(SPACE, " ") if self.spaces else token).encode("utf-8", "surrogatepass")

    def all_bytes(self, tokens: Iterable[str]) -> list[bytes]:
        """The same for many; byte-level entries without extras take one pass over one string."""
        listed = list(tokens)
        joined = "".join(listed)
        if not self.byte_level or self.suffix or not set(joined) <= byte_characters().keys():
            return [self.bytes_of(token) for token in listed]
        blob, found, start = joined.translate(_latin()).encode("latin-1"), [], 0
        for token in listed:  # one character is one byte here
            found.append(blob[start : start + len(token)])
            start += len(token)
        return found
