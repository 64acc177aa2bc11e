"""The bytes behind every id, as three flat arrays: 100,000 tokens cost two copies, not 100,000 objects."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class TokenTable:
    """`blob[edges[i]:edges[i + 1]]` are the bytes of id `i`; an id that is not `known` stands for no text
    (a special token, a hole in the numbering) and is empty here."""

    blob: np.ndarray  # uint8 [bytes]
    edges: np.ndarray  # int64 [n + 1]
    known: np.ndarray  # bool [n]

    @classmethod
    def build(cls, tokens: Mapping[int, bytes], size: int) -> "TokenTable":
        """`size`: the largest id plus one."""
        return cls.from_list(tokens.get(i) for i in range(size))

    @classmethod
    def from_list(cls, tokens: Iterable[bytes | None]) -> "TokenTable":
        """Tokens in the order of their ids; None for an id that stands for no text."""
        listed = list(tokens)
        known = np.fromiter((t is not None for t in listed), bool, len(listed))
        full = [t or b"" for t in listed]
        lengths = np.fromiter(map(len, full), np.int64, len(full))
        blob = np.frombuffer(b"".join(full), np.uint8)
        return cls(blob, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), known)

    def extended(self, tokens: Mapping[int, bytes]) -> "TokenTable":
        """This table, in which `tokens`, ids that are not known here, are known, too."""
        size = max([len(self), *(i + 1 for i in tokens)])
        edges = np.append(self.edges, np.full(size - len(self), self.edges[-1]))
        known = np.append(self.known, np.zeros(size - len(self), bool))
        new = np.array(sorted(i for i in tokens if not known[i]), np.int64)
        added = np.array([len(tokens[i]) for i in new.tolist()], np.int64)
        blob = np.frombuffer(b"".join(tokens[i] for i in new.tolist()), np.uint8)
        blob = np.insert(self.blob, np.repeat(edges[new], added), blob)
        growth = np.zeros(size, np.int64)
        growth[new], known[new] = added, True
        return TokenTable(blob, edges + np.append(0, np.cumsum(growth)), known)

    def __len__(self) -> int:
        return len(self.known)

    def bytes_of(self, token: int) -> bytes | None:
        """None for an id that stands for no text. `token` must be in range."""
        if not self.known[token]:
            return None
        return self.blob[self.edges[token] : self.edges[token + 1]].tobytes()

    def lengths(self, ids: np.ndarray) -> np.ndarray:
        """Bytes of each id, int64 [n]."""
        return self.edges[ids + 1] - self.edges[ids]

    def join(self, ids: np.ndarray) -> bytes:
        """The bytes of all `ids`, one after the other."""
        lengths = self.lengths(ids)
        total = int(lengths.sum())
        # position k of the result belongs to token t and is byte `k - (start of t in the result)` of it
        shift = np.repeat(self.edges[ids] - (np.cumsum(lengths) - lengths), lengths)
        return self.blob[shift + np.arange(total)].tobytes()
