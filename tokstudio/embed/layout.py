"""UMAP and t-SNE: rows reduced to their first principal components, laid out by a process of its own.

The libraries come with the extra "projections". They hold the interpreter for seconds, so they live in a child
that tells its progress through a file and that is ended when nobody waits for it any more.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.embed.memory import need
from tokstudio.embed.spectrum import components
from tokstudio.errors import InputError, ModelError

METHODS = {"umap": ("umap", "UMAP"), "tsne": ("openTSNE", "t-SNE")}  # module, how people call it
DIMENSIONS = 50
ROWS = 20_000  # by default; more take long
POLL = 0.05  # seconds


@dataclass(frozen=True, eq=False)
class Layout:
    ids: np.ndarray  # int64 [m], rows that were laid out
    points: np.ndarray  # float32 [m, 2]
    about: dict  # method, seed, settings and versions: what is needed to make it again


def lay_out(matrix: EmbeddingMatrix, method: str, seed: int = 0, rows: int = ROWS) -> Steps[Layout]:
    """Raises InputError where the library is not installed."""
    if method not in METHODS:
        raise InputError(f"There is no layout {method!r}.", hint=f"Choose one of {', '.join(METHODS)}.")
    module, name = METHODS[method]
    if find_spec(module) is None:
        raise InputError(
            f"{name} is not installed.", hint="It comes with the extra: pip install 'tokstudio[projections]'."
        )
    count = min(len(matrix), max(10, rows))
    need(40 * count * DIMENSIONS * 4, f"{name} of {count:,} rows")
    ids = np.unique(np.linspace(0, len(matrix) - 1, count).astype(np.int64))
    scores = yield from components(matrix, ids, DIMENSIONS)
    folder = Path(tempfile.mkdtemp(prefix="tokstudio-layout-"))
    try:
        np.save(folder / "rows.npy", scores)
        (folder / "settings.json").write_text(json.dumps({"method": method, "seed": seed}))
        about = yield from _wait(folder, name)
        return Layout(ids, np.load(folder / "points.npy", allow_pickle=False), about)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, name: str) -> Steps[dict]:
    with open(folder / "said", "wb") as said:
        process = subprocess.Popen(
            [*_tokstudio(), "embeddings", "layout", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    share = 0.0
    try:
        while process.poll() is None:
            time.sleep(POLL)
            share = max(share, _share(folder))
            yield 0.3 + 0.7 * share
    finally:  # also when this work is dropped
        if process.poll() is None:
            process.kill()
        process.wait()
    if process.returncode:
        lines = (folder / "said").read_text(errors="replace").strip().splitlines()
        raise ModelError(
            f"{name} has ended early: {lines[-1] if lines else process.returncode}.",
            hint="Try it with fewer rows.",
        )
    return json.loads((folder / "about.json").read_text())


def _share(folder: Path) -> float:
    try:
        return float((folder / "progress").read_text())
    except (OSError, ValueError):  # not yet, or in the middle of being written
        return 0.0


def _tokstudio() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-X", "utf8", "-m", "tokstudio"]
