"""What can be said about a transfer before it starts, measured from its files. No torch, no window."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from tokstudio.align.overlap import overlap
from tokstudio.embed.header import Tensor, read_header
from tokstudio.errors import ModelError, TokstudioError
from tokstudio.models.load import model_folder
from tokstudio.runs.configs import flat
from tokstudio.runs.files import read_json
from tokstudio.runs.store import RunStore
from tokstudio.tokens.base import Encoding, Tokenizer
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.stream_texts import known
from tokstudio.train.config import DataConfig, TransferConfig
from tokstudio.train.data import held_out_windows
from tokstudio.train.estimate import FLOAT, Sizes, memory_parts
from tokstudio.train.marked import encode
from tokstudio.train.objectives.base import OBJECTIVES
from tokstudio.train.settings import to_dict
from tokstudio.train.sources import load_data, text_bytes
from tokstudio.ui.words import counted, size

EXAMPLE = "if name in self.values: return None"
SAMPLE = 65_536  # bytes of held-out text that tokens are counted on
PADDED = 1.5  # the largest batch over the average one: its windows have more tokens, and all the longest one's length
PARTS = {
    "Activations": ("activations", "logits"),
    "Weights": ("weights", "teacher"),
    "Optimizer and gradients": ("optimizer", "gradients", "translation"),
    "Python and PyTorch": ("process",),
}
SPEED = 57e9  # multiplications and additions a second and core: the demo takes 80 to 100 s on two cores
ALIKE = 3.0  # times the text that an earlier run may have read, more or less, to tell the time of this one
START = 15.0  # seconds for imports, corpus, samples and the check of the export
_DEFAULT_PER_BYTE = 0.3
TRANSLATION_STEP = 0.75  # of a training step: no gradients of the body's weights, but a plan


@dataclass(frozen=True)
class ModelFacts:
    name: str
    parameters: int
    dtype: str
    vocabulary: int
    hidden: int
    layers: int
    intermediate: int
    tied: bool
    maps: tuple[tuple[str, int], ...] = ()  # linear maps of the body: name, outputs and inputs together

    @property
    def row_parameters(self) -> int:
        return self.vocabulary * self.hidden * (1 if self.tied else 2)


@dataclass(frozen=True)
class CorpusFacts:
    train_bytes: int
    held_out_bytes: int
    documents: int
    sample: tuple[str, ...]  # pieces of held-out text; of a stream, of its first rows
    streamed: str = ""  # what is known of a stream, in words


@dataclass(frozen=True, eq=False)
class PairFacts:
    source: Tokenizer
    target: Tokenizer
    exact: int  # tokens of the target with the bytes, or the role, of a source token
    pieces: int  # text that the source spells with several tokens
    bytes_only: int  # no text: halves of characters, and special tokens without a counterpart
    example: tuple[Encoding, Encoding]
    tokens: tuple[int, int]  # of source and target on the sample
    sample_bytes: int
    lines: int
    exact_lines: int  # that the target gives back byte for byte

    def per_thousand(self, which: int) -> float:
        return 1000 * self.tokens[which] / self.sample_bytes if self.sample_bytes else 0.0

    @property
    def longer(self) -> float:
        """By how much sequences grow: 0.1 is 10 % more tokens for the same text."""
        return self.tokens[1] / self.tokens[0] - 1 if self.tokens[0] else 0.0


@dataclass(frozen=True)
class Estimate:
    parts: tuple[tuple[str, float], ...]  # name, bytes in memory at the peak
    disk: float  # bytes
    seconds: float | None  # None where no earlier run tells
    like: str = ""  # the run that the time comes from

    @property
    def memory(self) -> float:
        return sum(size for _, size in self.parts)


def model_facts(reference: str) -> ModelFacts:
    """From config.json and the headers of the weights. Raises ModelError."""
    folder = model_folder(reference)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / 'config.json'} cannot be read: {error}.") from None
    tensors = [
        tensor for path in sorted(folder.glob("*.safetensors")) for tensor in read_header(path).values()
    ]
    try:
        hidden = int(config["hidden_size"])
        return ModelFacts(
            name=reference,
            parameters=sum(int(np.prod(tensor.shape)) for tensor in tensors),
            dtype=tensors[0].dtype if tensors else "",
            vocabulary=int(config["vocab_size"]),
            hidden=hidden,
            layers=int(config["num_hidden_layers"]),
            intermediate=int(config.get("intermediate_size", 4 * hidden)),
            tied=bool(config.get("tie_word_embeddings", True)),
            maps=tuple(_maps(tensors)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{folder / 'config.json'} has no usable entry {error}.",
            hint="Choose a causal language model, for example one of the Llama family.",
        ) from None


@lru_cache(maxsize=2)
def corpus_facts(data: str | DataConfig, model: str = "") -> CorpusFacts:
    """Reads the whole text once; of a stream nothing, but what was looked up when it was chosen. `model`: whose chat
    template writes chats. Raises InputError."""
    if isinstance(data, DataConfig) and data.stream:
        return _stream_facts(data)
    corpus = load_data(DataConfig(corpus=data) if isinstance(data, str) else data, model)
    sample = held_out_windows(corpus.held_out, window_bytes=1024, total_bytes=SAMPLE)
    return CorpusFacts(
        train_bytes=corpus.train_size,
        held_out_bytes=text_bytes(corpus.held_out),
        documents=len(corpus.train) + len(corpus.held_out),
        sample=tuple(sample),
    )


def sample_of(data: DataConfig, model: str) -> tuple[str, ...]:
    """Pieces of held-out text; where there is none, which is told elsewhere, the example that is shown."""
    try:
        return corpus_facts(data, model).sample
    except TokstudioError:
        return (EXAMPLE,)


def _stream_facts(data: DataConfig) -> CorpusFacts:
    hub_id = data.corpus.removeprefix("hub:")
    found = known(hub_id, data.revision, data.files) if data.corpus.startswith("hub:") else None
    if found is None:
        return CorpusFacts(0, 0, 0, (), f"{data.corpus}: what there is to read is asked for before the start")
    count, apart = len(found.train), sum(shard.size or 0 for shard in found.held_out)
    held_out = f"{size(apart)} of files to measure on" if apart else "one document in 16 held out"
    held_out = "measured on other text" if data.held_out else held_out
    told = f"streamed: {counted(count, 'file')}, {{}}, at commit {data.revision[:8]}; {held_out}"
    train = sum(shard.size or 0 for shard in found.train)
    return CorpusFacts(train, apart, 0, found.sample, told.format(size(train)))


def pair_facts(source: str, target: str, sample: tuple[str, ...]) -> PairFacts:
    """Raises TokenizerError."""
    old, new = load_tokenizer(source), load_tokenizer(target)
    matched = overlap(old, new).match >= 0
    spelled = np.array([_is_text(new.token_bytes(token)) for token in range(len(new))], bool)
    counts = [sum(len(encode(tokenizer, text)) for text in sample) for tokenizer in (old, new)]
    lines = [line for text in sample for line in text.splitlines() if line]
    return PairFacts(
        source=old,
        target=new,
        exact=int(matched.sum()),
        pieces=int((~matched & spelled).sum()),
        bytes_only=int((~matched & ~spelled).sum()),
        example=(old.encode(EXAMPLE), new.encode(EXAMPLE)),
        tokens=(counts[0], counts[1]),
        sample_bytes=sum(len(text.encode()) for text in sample),
        lines=len(lines),
        exact_lines=sum(new.decode(new.encode(line).ids) == line.encode() for line in lines),
    )


def _is_text(data: bytes | None) -> bool:
    if not data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def estimate(
    model: ModelFacts, pair: PairFacts | None, config: TransferConfig, store: RunStore, *, cuda: bool = False
) -> Estimate:
    """Memory and disk by counting weights and what a step keeps; time from the last run like this one."""
    vocabulary = len(pair.target) if pair is not None else model.vocabulary
    parted = config.untie or config.expansion.longest > 0
    new = replace(model, vocabulary=vocabulary, tied=model.tied and not parted)
    context = model.vocabulary * model.hidden if config.expansion.longest else 0
    full = config.mode == "full"
    student = model.parameters - model.row_parameters + new.row_parameters + context
    student += 0 if full else _adapters(model, config)
    trained = student if full else new.row_parameters + context + _adapters(model, config)
    plan = _plan_entries(config, vocabulary, model.vocabulary)
    if plan and not config.s2t2.finetune:  # the body is frozen to the end
        trained = 0
    tokens = config.train.batch_size * config.data.window_bytes * _per_byte(pair, 1)
    taught = config.train.batch_size * config.data.window_bytes * _per_byte(pair, 0)
    asked = any(name in list(OBJECTIVES) and OBJECTIVES[name].needs_teacher for name in config.objectives)
    sizes = Sizes(
        student=student,
        trained=trained,
        teacher=_teacher(model, config) if asked and not config.train.teacher_cache else 0,
        hidden=model.hidden,
        intermediate=model.intermediate,
        layers=model.layers,
        vocabulary=vocabulary,
        taught_vocabulary=model.vocabulary,
        tokens=int(PADDED * tokens),
        taught=int(PADDED * taught) if asked else 0,
        plan=plan,
    )
    counted = memory_parts(sizes, config, cuda=cuda)
    parts = tuple((name, sum(counted[key] for key in keys)) for name, keys in PARTS.items())
    kept = 3 * (trained + plan)  # a checkpoint has what is trained, and two moments of each
    exported = student if full else student - _adapters(model, config)  # merged
    apart = trained if not full and config.lora.save_adapters else 0
    apart += (
        new.row_parameters if apart and new.tied else 0
    )  # peft writes shared rows once for each of their two uses
    disk = FLOAT * (config.train.keep_checkpoints * kept + exported + apart)
    seconds, like = _seconds_like(config, store)
    if seconds is None and not cuda:
        seconds = _seconds_counted(model, student, vocabulary, tokens, taught, config)
    return Estimate(parts, disk, seconds, like)


def _teacher(model: ModelFacts, config: TransferConfig) -> int:
    """Values held beside the student: another model, or what of the source is not the student's body."""
    if config.teacher:
        return _parameters(config.teacher)
    return model.parameters if config.mode == "full" else model.row_parameters


@lru_cache(maxsize=8)
def _parameters(reference: str) -> int:
    """0 for a model that cannot be read; the run's start says why."""
    try:
        return model_facts(reference).parameters
    except ModelError:
        return 0


def _per_byte(pair: PairFacts | None, which: int) -> float:
    return pair.per_thousand(which) / 1000 if pair is not None and pair.sample_bytes else 0.3


def _adapters(model: ModelFacts, config: TransferConfig) -> int:
    """LoRA's two thin matrices beside each map that is adapted: of rank x inputs and outputs x rank."""
    named = [f".{target}" for target in config.lora.targets]
    wanted = [size for name, size in model.maps if not named or f".{name}".endswith(tuple(named))]
    return config.lora.rank * sum(wanted)


def _maps(tensors: list[Tensor]) -> Iterator[tuple[str, int]]:
    """From the weights' headers: matrices that belong to a layer, which token rows and the head do not."""
    for tensor in tensors:
        name = tensor.name.removesuffix(".weight")
        if name != tensor.name and len(tensor.shape) == 2 and any(part.isdigit() for part in name.split(".")):
            yield name, sum(tensor.shape)


def _plan_entries(config: TransferConfig, target: int, source: int) -> int:
    """Scores that a translation trains; 0 without one."""
    settings = config.s2t2
    if not settings.steps:
        return 0
    return target * (min(settings.candidates, source) or source) * (1 if settings.shared else 2)


def _steps(settings: dict[str, Any]) -> float:
    """Steps of both stages in units of a training step, from the settings of a run as nested dicts."""
    plan, train = settings.get("s2t2", {}), settings.get("train", {})
    trained = train.get("steps", 0)
    if not plan.get("steps"):
        return trained
    return TRANSLATION_STEP * plan["steps"] + (trained if plan.get("finetune", True) else 0)


def _seconds_counted(
    model: ModelFacts, student: float, vocabulary: int, tokens: float, taught: float, config: TransferConfig
) -> float:
    """On the CPU, from multiplications: 6 for each weight and token of the student, 2 for the teacher's. `SPEED` was
    fitted to the demo; measurements, samples and the start are counted as so many seconds of that demo."""
    steps = _steps(to_dict(config))
    passes = config.train.accumulate * steps
    step = 6 * tokens * student + 2 * taught * model.parameters
    held_out = config.data.held_out_bytes * _DEFAULT_PER_BYTE
    looks = 3 + bool(config.s2t2.steps) + steps / config.train.evaluate_every
    measured = 2 * held_out * student * looks
    return START + (passes * step + measured) / (SPEED * (config.train.threads or os.cpu_count() or 1))


def _seconds_like(config: TransferConfig, store: RunStore) -> tuple[float | None, str]:
    """The newest finished run of the same pair, scaled by the text that is read."""
    for info in store.runs():
        if info.state != "finished" or info.kind != "transfer":
            continue
        report = read_json(info.folder / "report.json")
        known = _settings(report)
        if (known.get("model"), known.get("tokenizer"), known.get("mode")) != _key(config):
            continue
        train, seconds = known.get("train", {}), report.get("seconds", {})
        read = _steps(known) * train.get("batch_size", 0) * train.get("accumulate", 1)
        spent = seconds.get(
            "worked", seconds.get("this_attempt")
        )  # all attempts, without pauses, where it is told
        spent = spent if isinstance(spent, int | float) else 0.0
        wanted = _steps(to_dict(config)) * config.train.batch_size * config.train.accumulate
        if (
            read and spent and 1 / ALIKE <= wanted / read <= ALIKE
        ):  # else what is not training counts for too much
            return spent * wanted / read, info.name
    return None, ""


@dataclass(frozen=True, eq=False)
class Expected:
    """How held-out bits per byte fell in an earlier run of the same pair."""

    run: str
    steps: np.ndarray
    values: np.ndarray
    source: float | None


def expected(config: TransferConfig, store: RunStore) -> Expected | None:
    """From the newest finished run of this pair and mode. Reads its events; for a thread."""
    from tokstudio.runs.report import read

    _, name = _seconds_like(config, store)
    if not name:
        return None
    state = read(store.folder / name)
    column, level = state.columns.get("bits_per_byte"), state.reference("bits_per_byte")
    measured = flat(store.folder / name).get("data.held_out_bytes")
    if not column or measured != config.data.held_out_bytes:  # on another text it is another number
        return None
    return Expected(name, column.steps.copy(), column.values.copy(), level.value if level else None)


def _settings(report: dict[str, Any]) -> dict[str, Any]:
    found = report.get("settings", {})
    return found if isinstance(found, dict) else {}


def _key(config: TransferConfig) -> tuple[str, str, str]:
    return config.model, config.tokenizer, config.mode
