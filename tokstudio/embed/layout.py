"""UMAP and t-SNE: rows reduced to their first principal components, laid out by a process of its own.

The libraries come with the extra "projections". They hold the interpreter for seconds, so they live in a child
that tells its progress through a file and that is ended when nobody waits for it any more.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tokstudio.embed.matrix import EmbeddingMatrix, Steps
from tokstudio.embed.memory import need
from tokstudio.embed.spectrum import components
from tokstudio.errors import InputError, ModelError
from tokstudio.paths import cache_folder

METHODS = {"umap": ("umap", "UMAP"), "tsne": ("openTSNE", "t-SNE")}  # module, how people call it
DIMENSIONS = 50
ROWS = 20_000  # by default; more take long
POLL = 0.05  # seconds


@dataclass(frozen=True, eq=False)
class Layout:
    ids: np.ndarray  # int64 [m], rows that were laid out
    points: np.ndarray  # float32 [m, 2]
    about: dict  # method, seed, settings and versions: what is needed to make it again


def lay_out(
    matrix: EmbeddingMatrix,
    method: str,
    seed: int = 0,
    rows: int = ROWS,
    tell: Callable[[str], object] = lambda words: None,
) -> Steps[Layout]:
    """`tell` hears in words what goes on, at each change. Raises InputError where the library is not installed."""
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
    tell(f"reducing rows to {min(DIMENSIONS, matrix.shape[1])} components")
    scores = yield from components(matrix, ids, DIMENSIONS)
    folder = Path(tempfile.mkdtemp(prefix="tokstudio-layout-"))
    try:
        np.save(folder / "rows.npy", scores)
        (folder / "settings.json").write_text(json.dumps({"method": method, "seed": seed}))
        tell(f"loading {name}")
        about = yield from _wait(folder, name, tell)
        return Layout(ids, np.load(folder / "points.npy", allow_pickle=False), about)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, name: str, tell: Callable[[str], object]) -> Steps[dict]:
    kept = os.environ.get("NUMBA_CACHE_DIR") or str(cache_folder() / "compiled")
    with open(folder / "said", "wb") as said:
        process = subprocess.Popen(
            [*_tokstudio(), "embeddings", "layout", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, "NUMBA_CACHE_DIR": kept},  # what it compiles, it need not compile next time
        )
    share, told = 0.0, ""
    try:
        while process.poll() is None:
            time.sleep(POLL)
            share = max(share, _share(folder))
            if (words := _words(folder)) not in ("", told):
                told = words
                tell(words)
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


def _words(folder: Path) -> str:
    try:
        return (folder / "phase").read_text().strip()
    except OSError:
        return ""


def _share(folder: Path) -> float:
    try:
        return float((folder / "progress").read_text())
    except (OSError, ValueError):  # not yet, or in the middle of being written
        return 0.0


def _tokstudio() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-X", "utf8", "-m", "tokstudio"]
