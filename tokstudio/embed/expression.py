"""What is asked for: one token, or a sum such as `king - man + woman`."""

import re
from dataclasses import dataclass

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix
from tokstudio.embed.vocabulary import Vocabulary
from tokstudio.errors import InputError

# outside of quotes, with white space on both sides
SIGN = re.compile(r'(?<=\s)([+-])\s+(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True)
class Asked:
    """`rows` with their signs; a single token is one row with a plus."""

    rows: tuple[int, ...]
    signs: tuple[int, ...]

    def vector(self, matrix: EmbeddingMatrix) -> np.ndarray:
        """float64 [d]"""
        values = matrix.rows(np.array(self.rows)).astype(np.float64)
        return np.array(self.signs, np.float64) @ values


def parse(text: str, names: Vocabulary | None, rows: int) -> Asked:
    """Tokens parted by + and - that stand between spaces; in quotes to the letter, #12 for a row.

    >>> parse("#4 - #2 + #9", None, 10)
    Asked(rows=(4, 2, 9), signs=(1, -1, 1))
    """
    parts = SIGN.split(text)
    if len(parts) == 1 or (names is not None and names.look_up(text) is not None):
        return Asked((Vocabulary.row_of(names, text, rows),), (1,))
    if not all(part.strip() for part in parts[::2]):
        raise InputError("A token is missing beside + or -.", hint="Write for example king - man + woman.")
    found = tuple(Vocabulary.row_of(names, part.strip(), rows) for part in parts[::2])
    return Asked(found, (1, *(1 if sign == "+" else -1 for sign in parts[1::2])))
