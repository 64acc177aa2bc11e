"""One row of each of two matrices: the same token in both, or the same row number, which is another word."""

from dataclasses import dataclass

import numpy as np

from tokstudio.embed.compare import cosines, pearson
from tokstudio.embed.join import Join
from tokstudio.embed.matrix import EmbeddingMatrix
from tokstudio.embed.vocabulary import Vocabulary
from tokstudio.errors import InputError


@dataclass(frozen=True, eq=False)
class PairOfRows:
    id_a: int
    id_b: int
    token_a: str
    token_b: str
    same: bool  # do both stand for the same token?
    rule: str  # how that is known; "" where nothing was joined
    a: np.ndarray  # float64 [d]
    b: np.ndarray  # float64 [e]

    @property
    def r(self) -> float | None:
        """Pearson; None where the widths differ, or a row is constant."""
        return self._measure(pearson)

    @property
    def cosine(self) -> float | None:
        return self._measure(cosines)

    def _measure(self, how) -> float | None:
        if len(self.a) != len(self.b):
            return None
        value = float(how(self.a[None], self.b[None])[0])
        return value if np.isfinite(value) else None

    @property
    def relation(self) -> str:
        if self.same:
            how = f", joined by {self.rule}" if self.rule else ": here the row numbers agree"
            return f"The same token in both{how}."
        words = "Two different words: the same row number means nothing across vocabularies"
        return words + (", so r near 0 is expected." if len(self.a) == len(self.b) else ".")

    def values(self) -> dict:
        plain = ("id_a", "id_b", "token_a", "token_b", "same", "r", "cosine", "relation")
        return {key: getattr(self, key) for key in plain} | {
            "norm_a": float(np.linalg.norm(self.a)),
            "norm_b": float(np.linalg.norm(self.b)),
        }


def pair_of_token(
    a: EmbeddingMatrix, b: EmbeddingMatrix, names_a: Vocabulary, names_b: Vocabulary, joined: Join, text: str
) -> PairOfRows:
    """`text` as it is, before " text": whichever of them both have. Raises InputError where none is shared."""
    quoted = len(text) > 2 and text[0] == text[-1] == '"'
    plain = (text[1:-1] if quoted else text).replace("·", " ")
    forms = [plain] if quoted or plain.startswith(" ") else [plain, " " + plain]
    if text.startswith("#"):
        hits = [int(text[1:])] if text[1:].isdecimal() else []
    else:
        hits = [row for form in forms if (row := names_a.find(form.encode())) is not None]
        glued = names_a.find(plain[2:].encode(), glued=True) if plain.startswith("##") else None
        hits = ([] if glued is None else [glued]) + hits
    for row in hits:
        place = int(np.searchsorted(joined.a, row))
        if place < len(joined.a) and joined.a[place] == row:
            return _pair(a, b, names_a, names_b, row, int(joined.b[place]), joined.rule)
    shown = names_a.text(hits[0]) if hits and text.startswith("#") else text
    raise InputError(
        f"“{shown}” is no token that both models have.", hint="Choose another token, or join by words."
    )


def pair_of_rows(
    a: EmbeddingMatrix,
    b: EmbeddingMatrix,
    names_a: Vocabulary | None,
    names_b: Vocabulary | None,
    row_a: int,
    row_b: int,
) -> PairOfRows:
    return _pair(a, b, names_a, names_b, row_a, row_b, "")


def _pair(a, b, names_a, names_b, row_a: int, row_b: int, rule: str) -> PairOfRows:
    x = a.rows(np.array([row_a]))[0].astype(np.float64)
    y = b.rows(np.array([row_b]))[0].astype(np.float64)
    words = [
        f"#{row}" if names is None else names.text(row) for names, row in ((names_a, row_a), (names_b, row_b))
    ]
    same = bool(rule) or (
        None not in (names_a, names_b)
        and row_a < len(names_a)
        and row_b < len(names_b)
        and names_a.bytes_of(row_a) == names_b.bytes_of(row_b) != b""
        and bool(names_a.glued[row_a]) == bool(names_b.glued[row_b])
    )
    return PairOfRows(row_a, row_b, *words, same, rule, x, y)
