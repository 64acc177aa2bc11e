"""What a run tells the world, one JSON object a line."""

import json
import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """Base class. `at` is seconds since the epoch; a `terminal` event is the last of its attempt."""

    kind: ClassVar[str] = "unknown"
    terminal: ClassVar[bool] = False
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, kw_only=True)
class Started(RunEvent):
    """The worker is alive and knows what it will do. `step` > 0: resumed from that checkpoint, and every
    `Metrics` and `Sample` of a later step that came before this event is void."""

    kind: ClassVar[str] = "started"
    total_steps: int
    step: int = 0
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Phase(RunEvent):
    """What the run is doing now, in words for people, e.g. "Loading the source model"."""

    kind: ClassVar[str] = "phase"
    name: str


@dataclass(frozen=True, kw_only=True)
class Metrics(RunEvent):
    """Numbers at one optimizer step. Names: `loss`, `loss/next_token`, `loss/alm`, `bits_per_byte`,
    `learning_rate`, `gradient_norm`, `tokens_per_second`, `bytes_per_second`, `memory_bytes`, `seconds`, and what is
    read once a second at most: `cpu_percent` (100: all cores), `gpu_percent`."""

    kind: ClassVar[str] = "metrics"
    step: int
    values: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Reference(RunEvent):
    """A level to draw as a dashed line beside a metric, e.g. the source model's bits per byte."""

    kind: ClassVar[str] = "reference"
    metric: str
    label: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Sample(RunEvent):
    """One greedy continuation of a fixed prompt. `who`: `source` or `target`; `tokenizer` is a reference
    that `load_tokenizer` understands, so that the text can be drawn in the model's own tokens."""

    kind: ClassVar[str] = "sample"
    step: int
    who: str
    prompt: str
    text: str
    tokenizer: str


@dataclass(frozen=True, kw_only=True)
class HeldOut(RunEvent):
    """The held-out lines that the model reads worst and best at `step`. Each line: `rank` ("worst" or "best"), `text`,
    `mean` (bits per byte), and `target` and `source`, the bits of each byte by this run and by the original model
    as `tokstudio.train.lines.packed` writes them; `source` may be empty. `source` and `target` of the event are
    references of the tokenizers."""

    kind: ClassVar[str] = "held_out"
    step: int
    source: str
    target: str
    lines: list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Log(RunEvent):
    kind: ClassVar[str] = "log"
    level: str  # info, warn, error
    message: str


@dataclass(frozen=True, kw_only=True)
class Checkpointed(RunEvent):
    kind: ClassVar[str] = "checkpointed"
    step: int
    path: str
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Changed(RunEvent):
    """A person set `name` ("steps" or "learning_rate") while the run was going; it counts after `step`."""

    kind: ClassVar[str] = "changed"
    step: int
    name: str
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Paused(RunEvent):
    """The run waits after `step` and keeps its memory."""

    kind: ClassVar[str] = "paused"
    step: int


@dataclass(frozen=True, kw_only=True)
class Continued(RunEvent):
    """The pause is over."""

    kind: ClassVar[str] = "continued"
    step: int


@dataclass(frozen=True, kw_only=True)
class Report(RunEvent):
    """The verdict of a run; the worker also writes it to `report.json`."""

    kind: ClassVar[str] = "report"
    values: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Finished(RunEvent):
    kind: ClassVar[str] = "finished"
    terminal: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Stopped(RunEvent):
    """Ended on request; `step` is the step of the checkpoint that a resume starts from."""

    kind: ClassVar[str] = "stopped"
    terminal: ClassVar[bool] = True
    step: int = 0


@dataclass(frozen=True, kw_only=True)
class Parked(RunEvent):
    """As `Stopped`, by somebody who means to go on: the checkpoint is written and the memory is free."""

    kind: ClassVar[str] = "parked"
    terminal: ClassVar[bool] = True
    step: int = 0


@dataclass(frozen=True, kw_only=True)
class Failed(RunEvent):
    """Ended by an error. `message` is for people, `hint` says what to do, `detail` is the traceback."""

    kind: ClassVar[str] = "failed"
    terminal: ClassVar[bool] = True
    message: str
    hint: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Unknown(RunEvent):
    """A kind this version does not know: kept, so that old viewers read new runs."""

    data: dict


KINDS = {cls.kind: cls for cls in RunEvent.__subclasses__() if cls is not Unknown}


def dump(event: RunEvent) -> str:
    return json.dumps({"kind": event.kind, **asdict(event)}, separators=(",", ":"), allow_nan=True) + "\n"


def load(line: bytes) -> RunEvent:
    """Never raises: a torn or foreign line comes back as `Unknown`. Fields that are missing keep their default."""
    try:
        data = json.loads(line)
        cls = KINDS[data["kind"]]
        return cls(**{f.name: data[f.name] for f in fields(cls) if f.name in data})
    except (ValueError, KeyError, TypeError):
        return Unknown(at=0.0, data={"line": line.decode(errors="replace")})
