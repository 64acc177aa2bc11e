"""What a training tells, one JSON object a line."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Phase:
    """`share` done of this phase, below 0 where nobody knows."""

    name: str
    share: float = -1.0
    remark: str = ""


@dataclass(frozen=True)
class Newest:
    """(entry as the vocabulary writes it, how often the pair stood in the text; 0 where the trainer does not
    say), the newest last. `byte_level`: written in the alphabet of byte-level BPE."""

    pieces: list[tuple[str, int]]
    byte_level: bool = False


@dataclass(frozen=True)
class Compression:
    """Bytes per token of the held-out text with a vocabulary of `size` tokens."""

    size: int
    bytes_per_token: float


@dataclass(frozen=True)
class Done:
    """`report`: size, seconds, peak memory, files, what the held-out text says."""

    folder: str
    report: dict = field(default_factory=dict)


def shortfall(report: dict) -> str:
    """In words, where there are fewer tokens than were asked for; else ""."""
    tokens, asked = report["tokens"], report.get("asked") or 0
    return f"{tokens:,} of {asked:,} tokens: the text has no more" if tokens < asked else ""


@dataclass(frozen=True)
class Failed:
    message: str
    hint: str = ""
    detail: str = ""


Event = Phase | Newest | Compression | Done | Failed
KINDS = {kind.__name__.lower(): kind for kind in (Phase, Newest, Compression, Done, Failed)}


def to_dict(event: Event) -> dict:
    return {"kind": type(event).__name__.lower(), **asdict(event)}


def from_dict(values: dict) -> Event:
    values = dict(values)
    made = KINDS[values.pop("kind")](**values)
    if isinstance(made, Newest):
        return Newest([(piece, count) for piece, count in made.pieces], made.byte_level)
    return made
