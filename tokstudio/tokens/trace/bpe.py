"""Byte-pair encoding: which merges made the tokens of a word, the lowest rank first."""

from collections.abc import Callable
from dataclasses import replace

from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.merges import LONGEST, Merges
from tokstudio.tokens.occurring import occurring
from tokstudio.tokens.show import readable
from tokstudio.tokens.trace.picture import Bar, Picture

HOW = "Neighbors join by rank, the lowest first; each bar is a merge, the number its rank."


def merge_pictures(tokenizer: Tokenizer, merges: Merges, text: str) -> list[Picture]:
    """One for each word that the pre-tokenizer makes of `text`."""
    library = getattr(tokenizer, "_library", None)
    if hasattr(library, "Normalize"):  # SentencePiece, which has no pre-tokenizer to do it
        text = library.Normalize(text).replace("\u2581", " ")
        merges = replace(merges, join=_by_score(library, merges))
    return [_picture(tokenizer, merges, units) for units in merges.words(text) if units]


def rank_merges(tokenizer: Tokenizer, text: str | bytes) -> Merges:
    """Of a rank file, for this text alone: only tokens that stand in the text can be made, and taking in the
    whole vocabulary would cost seconds."""
    import regex

    data = text if isinstance(text, bytes) else text.encode()
    spelled = occurring(tokenizer._table, data)
    whole = {token: piece for piece, token in spelled.items()}

    def join(left: int, right: int) -> tuple[int, int] | None:
        made = spelled.get(whole[left] + whole[right])
        return None if made is None else (made, made)

    def units(piece: bytes) -> list[int]:
        return [spelled[piece[i : i + 1]] for i in range(len(piece))]

    def words(part: str) -> list[list[int]]:
        return [units(found[0].encode()) for found in regex.finditer(tokenizer._pattern, part, timeout=2)]

    return Merges(join, lambda token: units(whole[token]), words, len(spelled))


def _by_score(library, merges: Merges) -> Callable[[int, int], tuple[int, int] | None]:
    """SentencePiece goes by the score of what two pieces become: minus its rank, and far below all ranks for
    pieces that were put in by hand, such as runs of spaces."""

    def join(left: int, right: int) -> tuple[int, int] | None:
        found = merges.join(left, right)
        return found and (round(-library.GetScore(found[1])), found[1])

    return join


def _picture(tokenizer: Tokenizer, merges: Merges, units: list[int]) -> Picture:
    units = units[:LONGEST]
    names = tuple(_shown(tokenizer, unit) for unit in units)
    spans = [(at, at + 1, 0) for at in range(len(units))]  # start, stop, row of each piece
    final, bars = list(units), []
    for step in merges.play(units):
        (start, _, low), (_, stop, high) = spans[step.at], spans[step.at + 1]
        row = 1 + max(low, high)
        made = step.pieces[step.at]
        bars.append(Bar(row, start, stop, _shown(tokenizer, made), f"{step.rank:,}"))
        spans[step.at : step.at + 2] = [(start, stop, row)]
        final = list(step.pieces)
    ends = [
        Bar(row, start, stop, _shown(tokenizer, token), f"id {token}", "token")
        for token, (start, stop, row) in zip(final, spans, strict=True)
    ]
    return Picture(names, tuple(_with_tokens(bars, ends)), tuple(final), HOW)


def _with_tokens(bars: list[Bar], ends: list[Bar]) -> list[Bar]:
    """The bars of the result say their rank too, where a merge made them."""
    ranks = {(bar.start, bar.stop): bar.note for bar in bars}
    places = {(end.start, end.stop) for end in ends}
    inner = [bar for bar in bars if (bar.start, bar.stop) not in places]
    return inner + [
        Bar(
            end.row, end.start, end.stop, end.text, _both(ranks.get((end.start, end.stop)), end.note), "token"
        )
        for end in ends
    ]


def _both(rank: str | None, token: str) -> str:
    return f"{rank}, {token}" if rank is not None else token


def _shown(tokenizer: Tokenizer, token: int) -> str:
    data = tokenizer.token_bytes(token)
    if data is None:
        return f"#{token}"
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.hex(" ").upper() if len(data) < 5 else readable(data)
