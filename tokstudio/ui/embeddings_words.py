"""Numbers and tokens as the Embeddings page writes them."""

import numpy as np

from tokstudio.embed.vocabulary import START, Vocabulary
from tokstudio.ui.widgets.token_text import glyphs

TRIES = ("river", "water", "import", "the")  # tokens that most vocabularies have


def shown(token: str) -> str:
    """A token with every space and line end as a mark, and other control characters by their number: their
    pictures are too small to read in a list."""
    return token.replace(" ", "\u00b7") if token.isprintable() else "".join(map(_mark, token))


def _mark(character: str) -> str:
    control = character < " " or character == "\x7f"
    if control and character not in "\t\n":
        return "\\r" if character == "\r" else f"\\x{ord(character):02x}"
    return glyphs(character, True)


def signed(value: float, digits: int = 4) -> str:
    """With its sign, and a real minus."""
    return f"{value:+.{digits}f}".replace("-", "\u2212")


def plain(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace("-", "\u2212")


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "under 1 ms"


def in_other(names: Vocabulary | None, row: int, other: Vocabulary | None) -> str:
    """How the token of `row` is asked for in another vocabulary: "river" of WordPiece is " river" where spaces
    are kept, "##er" is "er"; without names the row of the same number."""
    if names is None or other is None or row >= len(names):
        return f"#{row}"
    text = names.text(row)
    if text.startswith("#") and names.bytes_of(row)[:1] != b"#" and not names.glued[row]:
        return text  # an id without a text
    pieces, same = (
        names.algorithm == "WordPiece",
        (names.algorithm == "WordPiece") == (other.algorithm == "WordPiece"),
    )
    if same:
        return text if names.glued[row] else f'"{text}"'
    if pieces:
        return f'"{text.removeprefix("##")}"' if names.glued[row] else text
    return text.strip() if text[:1] == " " else f"##{text}" if text.isalpha() else text


def first_token(names: Vocabulary | None, wanted: str) -> str:
    """What to look at first: `wanted` where there is such a token, else a word that most vocabularies have."""
    if wanted.startswith("#"):
        return wanted
    if names is None:
        return "#0"
    if wanted and (names.look_up(wanted) is not None or " - " in wanted or " + " in wanted):
        return wanted
    if known := next((token for token in TRIES if names.look_up(token) is not None), ""):
        return known
    starts = np.flatnonzero((names.kinds == START) & (names.lengths > 4))
    return f"#{starts[0]}" if len(starts) else "#0"
