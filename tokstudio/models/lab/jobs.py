"""What the lab's process can be asked for by name. A job is a generator, see `tokstudio.embed.service`."""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tokstudio.embed.header import read_header
from tokstudio.embed.jobs import Answer, Part
from tokstudio.embed.join import join
from tokstudio.embed.read import check_weights
from tokstudio.embed.vocabulary import read_vocabulary
from tokstudio.errors import ModelError, TokstudioError
from tokstudio.models.device import pick_device
from tokstudio.models.lab.change import changes, is_by_token
from tokstudio.models.lab.score import prefix_of, score
from tokstudio.models.lab.structure import tree, vocabulary_cost
from tokstudio.models.lab.watch import attention, logit_lens, outputs
from tokstudio.models.lab.write import Sampling, write
from tokstudio.models.load import kind_of, load_model, model_folder
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.reference import load_tokenizer

Job = Generator[float | Part, None, Answer]
SPARE = 0.9  # share of the free memory that a model may take


@dataclass(eq=False)
class Loaded:
    model: Any
    tokenizer: Tokenizer
    kind: str  # see `kind_of`

    @property
    def writer(self) -> Any:
        """The model, if it predicts what comes next. Raises ModelError."""
        if self.kind != "causal":
            raise ModelError(
                "This model does not predict what comes next, so it neither writes nor has bits per byte.",
                hint="Layers, attention and weight changes work with it.",
            )
        return self.model


@dataclass
class State:
    loaded: dict[str, Loaded] = field(default_factory=dict)  # the newest two: both sides of a comparison

    def get(self, reference: str) -> Loaded:
        if reference not in self.loaded:
            folder = model_folder(reference)
            tokenizer = load_tokenizer(_tokenizer(reference))
            check_memory(folder)
            kind = kind_of(reference)
            model = load_model(reference, kind).eval().requires_grad_(False).to(pick_device())
            rows = model.get_input_embeddings().weight.shape[0]
            if len(tokenizer) > rows:
                raise ModelError(
                    f"The tokenizer has {len(tokenizer):,} tokens, the model's embeddings only {rows:,} rows.",
                    hint="Folder and tokenizer do not belong together.",
                )
            while len(self.loaded) >= 2:
                del self.loaded[next(iter(self.loaded))]
            self.loaded[reference] = Loaded(model, tokenizer, kind)
        return self.loaded[reference]


def check_memory(folder: Path) -> None:
    """Raises ModelError where the weights in fp32 would not fit into what is free, or their files are torn."""
    import psutil

    check_weights(folder)  # a torn file is said before its sizes are believed
    wanted = sum(
        4 * int(np.prod(tensor.shape, dtype=np.int64))
        for file in folder.glob("*.safetensors")
        for tensor in read_header(file).values()
    )
    free = psutil.virtual_memory().available
    if wanted > SPARE * free:
        raise ModelError(
            f"The model takes {wanted / 1e9:.1f} GB of memory; {free / 1e9:.1f} GB are free.",
            hint="Close other programs, or open a smaller model.",
        )


def open_lab(state: State, model: str) -> Job:
    """The tree and what the vocabulary costs."""
    state.loaded.pop(model, None)  # its files may have changed
    yield 0.0
    loaded = state.get(model)
    nodes = [asdict(node) for node in tree(loaded.model)]
    rows = loaded.model.get_input_embeddings().weight.shape[0]
    sizes = sorted({rows, 256, 8_192, 32_000, 50_257, 128_256, 262_144})
    costs = [
        {"vocab_size": c.vocab_size, "embeddings": c.embeddings, "total": c.total, "share": c.share}
        for c in (vocabulary_cost(loaded.model, size) for size in sizes)
    ]
    config = loaded.model.config
    return Answer(
        {
            "nodes": nodes,
            "costs": costs,
            "vocab_size": len(loaded.tokenizer),
            "rows": rows,
            "architecture": type(loaded.model).__name__,
            "kind": loaded.kind,
            "layers": getattr(config, "num_hidden_layers", 0),
            "heads": getattr(config, "num_attention_heads", 0),
            "device": str(loaded.model.device),
        }
    )


def read(state: State, model: str, text: str) -> Job:
    """Every module's output on a text, with the tokens it was read in."""
    loaded = state.get(model)
    yield 0.1
    ids = _ids(loaded, text)
    found = outputs(loaded.model, ids)
    rows = [
        {"path": o.path, "kind": o.kind, "shape": o.shape, "mean": o.mean, "std": o.std, "largest": o.largest}
        for o in found
    ]
    norms = np.full((len(found), len(ids)), np.nan, np.float32)
    for row, output in zip(norms, found, strict=True):
        row[: len(output.norms)] = output.norms
    return Answer({"modules": rows, "tokens": _names(loaded, ids)}, {"norms": norms})


def look(state: State, model: str, text: str, layer: int) -> Job:
    """Attention of one layer."""
    loaded = state.get(model)
    yield 0.1
    ids = _ids(loaded, text)
    return Answer(
        {"tokens": _names(loaded, ids), "layer": layer}, {"weights": attention(loaded.model, ids, layer)}
    )


def lens(state: State, model: str, text: str) -> Job:
    loaded = state.get(model)
    yield 0.1
    ids = _ids(loaded, text)
    found = logit_lens(loaded.model, ids)
    shown = sorted(set(found.ids.reshape(-1).tolist()))
    names = dict(zip(map(str, shown), _names(loaded, shown), strict=True))
    arrays = {"ids": found.ids, "probabilities": found.probabilities, "entropy": found.entropy}
    return Answer({"tokens": _names(loaded, ids), "names": names}, arrays)


def generate(state: State, model: str, prompt: str, **sampling: Any) -> Job:
    """New tokens as parts, one by one; the answer is the whole text."""
    loaded = state.get(model)
    tokenizer = loaded.tokenizer
    wanted = Sampling(**sampling)
    start = tokenizer.encode(prompt).ids.tolist()
    ends = frozenset(tokenizer.special_tokens.values())
    new: list[int] = []
    for drawn in write(loaded.writer, [*prefix_of(tokenizer), *start], wanted, ends=ends):
        if not drawn.ends:
            new.append(drawn.token)
        options = drawn.alternatives.tolist()
        yield Part(
            {
                "token": drawn.token,
                "name": _names(loaded, [drawn.token])[0],
                "probability": drawn.probability,
                "entropy": drawn.entropy,
                "alternatives": [
                    [name, float(p)] for name, p in zip(_names(loaded, options), drawn.odds, strict=True)
                ],
                "ends": drawn.ends,
            }
        )
    text = tokenizer.decode(np.array(new, np.int32)).decode("utf-8", "replace")
    return Answer({"text": text, "ids": new, "prompt_tokens": len(start)})


def bits(state: State, model: str, text: str) -> Job:
    """Bits of every token and byte of a text."""
    loaded = state.get(model)
    yield 0.1
    found = score(loaded.writer, loaded.tokenizer, text)
    spans = found.encoding.spans
    about = {"bits_per_byte": found.bits_per_byte, "tokens": len(found.encoding), "bytes": found.bytes}
    arrays = {"ids": found.encoding.ids, "spans": spans, "bits": found.bits, "byte_bits": found.byte_bits}
    return Answer(about, arrays)


def differ(state: State, before: str, after: str) -> Job:
    """Weight change by tensor. Rows of two vocabularies are joined by their tokens: `shared` of them; None where the
    rows stand for the same tokens anyway, or nobody knows what for."""
    rows, names, pairs = [], None, None
    with contextlib.suppress(TokstudioError):  # weights compare without a tokenizer, too
        names = yield from read_vocabulary(_tokenizer(before))
        other = yield from read_vocabulary(_tokenizer(after))
        if not (np.array_equal(names.data, other.data) and np.array_equal(names.offsets, other.offsets)):
            joined = join(names, other, len(names), len(other))
            pairs = joined.a, joined.b
    for change in changes(model_folder(before), model_folder(after), pairs):
        yield 0.5
        by_token = names is not None and is_by_token(change.name)
        rows.append(
            {
                "name": change.name,
                "shape": change.shape,
                "other_shape": change.other_shape,
                "relative": None if np.isnan(change.relative) else change.relative,
                "cosine": None if np.isnan(change.cosine) else change.cosine,
                "rows": change.rows.tolist(),
                "tokens": [names.text(row) for row in change.rows.tolist()] if by_token else None,
                "distances": change.distances.tolist(),
            }
        )
    return Answer({"changes": rows, "shared": None if pairs is None else len(pairs[0])})


def _tokenizer(reference: str) -> str:
    return reference if reference.startswith("demo:") else str(model_folder(reference))


def _ids(loaded: Loaded, text: str) -> list[int]:
    """`text` as the model expects it: after its BOS, or for an encoder in its whole frame."""
    if loaded.kind == "causal":
        return [*prefix_of(loaded.tokenizer), *loaded.tokenizer.encode(text).ids.tolist()]
    return loaded.tokenizer.encode(text, special=True).ids.tolist()


def _names(loaded: Loaded, ids: list[int]) -> list[str]:
    """Tokens as text: special ones by name, parts of characters as hex, ids beyond the tokenizer as numbers."""
    specials = {number: name for name, number in loaded.tokenizer.special_tokens.items()}
    names = []
    for number in ids:
        data = loaded.tokenizer.token_bytes(number) if number < len(loaded.tokenizer) else None
        if data is None:
            names.append(specials.get(number, f"#{number}"))
            continue
        try:
            names.append(data.decode())
        except UnicodeDecodeError:
            names.append(data.hex(" ").upper())
    return names


JOBS: dict[str, tuple[Callable[..., Job], int]] = {
    "open": (open_lab, 0),
    "read": (read, 1),
    "look": (look, 1),
    "lens": (lens, 1),
    "generate": (generate, 2),
    "bits": (bits, 1),
    "differ": (differ, 3),
}
