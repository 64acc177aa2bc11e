"""The trace of a place in a text: its paragraph is traced, and what does not touch the place is left out."""

from dataclasses import dataclass, replace

from tokstudio.errors import TokenizerError
from tokstudio.tokens.base import Tokenizer, Written
from tokstudio.tokens.trace.picture import Picture
from tokstudio.tokens.trace.pipeline import Piece, Stage, pipeline
from tokstudio.tokens.trace.words import kind_of, pictures

REACH = 1500  # bytes of context on each side, at most
MOST_WORDS = 12


@dataclass(frozen=True)
class Trace:
    kind: str  # "BPE", "Unigram", "WordPiece", ""
    pictures: tuple[Picture, ...]
    stages: tuple[Stage, ...]  # of the paragraph; pieces that do not touch the place are left out
    more: int = 0  # words that are not shown
    problem: str = ""


def trace(
    tokenizer: Tokenizer,
    text: bytes,
    start: int,
    stop: int,
    *,
    special: bool = False,
    written: Written = "text",
) -> Trace:
    """Of bytes `start:stop`. Never raises: what cannot be traced is said in `problem`."""
    low, high = paragraph(text, start, stop)
    part = text[low:high].decode()
    start, stop = start - low, stop - low
    try:
        stages = pipeline(tokenizer, part, special=special, written=written)
    except TokenizerError as error:
        return Trace(kind_of(tokenizer), (), (), problem=str(error))
    found, problem = [], ""
    try:
        found = _words(tokenizer, part, stages, start, stop)
    except TokenizerError as error:
        problem = str(error)
    own = {piece.token for piece in stages[2].pieces if piece.start == piece.stop}  # a prefix, say
    kept = tuple(
        Stage(stage.name, stage.about, _moved(_touching(stage, start, stop, own), low), stage.changed)
        for stage in stages
    )
    return Trace(
        kind_of(tokenizer), tuple(found[:MOST_WORDS]), kept, max(0, len(found) - MOST_WORDS), problem
    )


def paragraph(text: bytes, start: int, stop: int) -> tuple[int, int]:
    """The lines of `start:stop`, at most `REACH` bytes more on each side, cut at whole characters."""
    low = max(text.rfind(b"\n", 0, start) + 1, start - REACH)
    end = text.find(b"\n", max(start, stop - 1))
    high = min(len(text) if end < 0 else end + 1, stop + REACH)
    while low > 0 and low < len(text) and text[low] & 0xC0 == 0x80:
        low += 1
    while high < len(text) and text[high] & 0xC0 == 0x80:
        high -= 1
    return min(low, start), max(high, stop)


def _touching(stage: Stage, start: int, stop: int, own: set[int | None]) -> tuple:
    """`own`: tokens that the model itself makes of no text. Others without text are what is added around it."""
    if len(stage.pieces) == 1:
        return stage.pieces
    return tuple(
        piece
        for piece in stage.pieces
        if (piece.start < stop and piece.stop > start)
        or (piece.start == piece.stop and stage.name == "Post-processor" and piece.token not in own)
    )


def _moved(pieces: tuple[Piece, ...], by: int) -> tuple[Piece, ...]:
    """From places in the paragraph to places in the text."""
    return tuple(replace(piece, start=piece.start + by, stop=piece.stop + by) for piece in pieces)


def _words(tokenizer: Tokenizer, part: str, stages: list[Stage], start: int, stop: int) -> list[Picture]:
    """Raises TokenizerError where playing the steps does not end in the library's ids."""
    pieces = stages[1].pieces
    if len(pieces) > 1:
        found = _checked(tokenizer, part)
        if len(found) == len(pieces):
            return [
                picture
                for picture, piece in zip(found, pieces, strict=True)
                if piece.start < stop and piece.stop > start
            ]
    return _checked(tokenizer, part.encode()[start:stop].decode(errors="replace"))


def _checked(tokenizer: Tokenizer, text: str) -> list[Picture]:
    found = pictures(tokenizer, text)
    made = [token for picture in found for token in picture.ids]
    if found and made != tokenizer.encode(text).ids.tolist():
        raise TokenizerError(
            f"The steps of {tokenizer.name} cannot be played again for this place.",
            hint="It has a rule that the trace does not know; the pipeline shows its result.",
        )
    return found
