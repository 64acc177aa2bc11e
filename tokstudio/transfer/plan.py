"""A translation between two vocabularies as a value: each target token as a mixture of source tokens.

It is kept in one safetensors file with the fingerprints of both tokenizers, a few bytes an entry, and fits every
model with that source tokenizer: a plan learnt on a small model can move a large one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokstudio.embed.sparse import SparseRows
from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer
from tokstudio.transfer.base import COMPOSED, COPIED, SAMPLED

FORMAT = "tokstudio-plan-1"


@dataclass(frozen=True, eq=False)
class Plan:
    """Rows sum to 1. A row without entries is a token that no source token speaks for: the mean of all rows."""

    input: SparseRows  # [v_target, v_source]
    output: SparseRows | None  # None: the same as `input`
    mass: np.ndarray  # float32 [v_target]: share of each target token in the text
    source: str  # fingerprint of the source tokenizer
    target: str
    names: tuple[str, str]  # source, target, for people
    norm: str = "none"  # "sources": a mixture gets the mean length of its rows

    def rows(self, role: str) -> SparseRows:
        """`role`: "input" or "output"."""
        return self.input if role == "input" or self.output is None else self.output

    def apply(self, matrix: np.ndarray, role: str) -> np.ndarray:
        """Rows for the target out of a source `matrix` [>= v_source, d]: float32 [v_target, d]."""
        rows = self.rows(role)
        used = matrix[: rows.width]
        values = rows.dot(used)
        if self.norm == "sources":
            values *= self._factors(rows, used, values)[:, None]
        values[rows.counts == 0] = used.mean(0)
        return values

    def _factors(self, rows: SparseRows, matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
        """float32 [v_target]; copies keep their length."""
        size = SparseRows(rows.start, rows.columns, np.abs(rows.weights), rows.width)
        wanted = size.dot(np.linalg.norm(matrix, axis=1, keepdims=True).astype(np.float32))[:, 0]
        now = np.linalg.norm(values, axis=1)
        return np.divide(wanted, now, out=np.ones_like(now), where=now > 0)

    def top(self, token: int, count: int, role: str = "input") -> list[tuple[int, float]]:
        """The source tokens that `token` is most made of, largest share first."""
        rows = self.rows(role)
        own = slice(rows.start[token], rows.start[token + 1])
        order = np.argsort(-rows.weights[own], kind="stable")[:count]
        pairs = zip(rows.columns[own][order].tolist(), rows.weights[own][order].tolist(), strict=True)
        return [(int(column), float(weight)) for column, weight in pairs]

    def origin(self) -> np.ndarray:
        """uint8 [v_target], indices of ORIGINS."""
        counts = self.input.counts
        return np.where(counts == 0, SAMPLED, np.where(counts == 1, COPIED, COMPOSED)).astype(np.uint8)

    def check(self, source: Tokenizer, target: Tokenizer) -> None:
        """Raises TransferError where the plan is of other tokenizers."""
        for mine, given, name, role in (
            (self.source, source, self.names[0], "source"),
            (self.target, target, self.names[1], "target"),
        ):
            if mine != given.fingerprint:
                raise TransferError(
                    f"The plan was learnt for the {role} tokenizer {name} ({_short(mine)}); "
                    f"{given.name} ({_short(given.fingerprint)}) is another one.",
                    hint=f"Use it with models and tokenizers that have exactly the {role} tokenizer {name}.",
                )


def _short(fingerprint: str) -> str:
    """The kind of tokenizer, and as much of each hash as tells two of them apart."""
    kind, *hashes = fingerprint.split("-")
    return " ".join([kind, *(part[:8] for part in hashes)])


def save_plan(plan: Plan, path: Path) -> Path:
    from safetensors.numpy import save_file

    tensors = {"mass": plan.mass.astype(np.float32)}
    for role, rows in (("input", plan.input), ("output", plan.output)):
        if rows is not None:
            tensors |= {
                f"{role}.start": rows.start.astype(np.int64),
                f"{role}.columns": rows.columns.astype(np.int32),
                f"{role}.weights": rows.weights,
            }
    about = {
        "format": FORMAT,
        "source": plan.source,
        "target": plan.target,
        "source_name": plan.names[0],
        "target_name": plan.names[1],
        "width": str(plan.input.width),
        "norm": plan.norm,
    }
    draft = path.with_name("." + path.name)
    save_file(tensors, draft, metadata=about)
    draft.replace(path)
    return path


def load_plan(path: Path) -> Plan:
    """Raises TransferError where the file is missing or is no plan."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
        if about.get("format") != FORMAT:
            raise KeyError("format")
        width = int(about["width"])
        parts = {role: _rows(tensors, role, width) for role in ("input", "output")}
        plan = Plan(
            parts["input"],
            parts["output"],
            tensors["mass"],
            about["source"],
            about["target"],
            (about["source_name"], about["target_name"]),
            about.get("norm", "none"),
        )
        _check_rows(plan)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise TransferError(
            f"{path} is no translation plan: {error}.", hint="A plan is the plan.safetensors of an S2T2 run."
        ) from None
    return plan


def _rows(tensors: dict[str, np.ndarray], role: str, width: int) -> SparseRows | None:
    if f"{role}.start" not in tensors:
        return None
    columns = tensors[f"{role}.columns"].astype(np.int64)
    return SparseRows(tensors[f"{role}.start"], columns, tensors[f"{role}.weights"], width)


def _check_rows(plan: Plan) -> None:
    for rows in filter(None, (plan.input, plan.output)):
        good = (
            len(rows) == len(plan.mass)
            and rows.start[0] == 0
            and rows.start[-1] == len(rows.columns) == len(rows.weights)
            and (np.diff(rows.start) >= 0).all()
            and (len(rows.columns) == 0 or (rows.columns.min() >= 0 and rows.columns.max() < rows.width))
            and np.isfinite(rows.weights).all()
        )
        if not good:
            raise ValueError("its entries do not fit together")
