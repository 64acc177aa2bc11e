"""The child that runs UMAP or t-SNE: reads `rows.npy` and `settings.json` of a folder, leaves `points.npy` and
`about.json` there, its progress (0-1) in `progress` and what it does, in words, in `phase`."""

import contextlib
import json
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np

EXAGGERATED, PLAIN, EVERY = 250, 500, 10  # steps of t-SNE
NEIGHBORS, DISTANCE, PERPLEXITY = 15, 0.1, 30.0
BLOCK = 512  # rows compared with all others at once


def main(folder: Path) -> int:
    settings = json.loads((folder / "settings.json").read_text())
    rows = np.load(folder / "rows.npy", allow_pickle=False)

    def tell(share: float) -> None:
        _replace(folder / "progress", f"{share:.4f}")

    def say(words: str) -> None:
        _replace(folder / "phase", words)

    run = {"umap": _umap, "tsne": _tsne}[settings["method"]]
    points, about = run(rows, settings["seed"], tell, say)
    np.save(folder / "points.npy", np.asarray(points, np.float32))
    (folder / "about.json").write_text(json.dumps(settings | about | {"dimensions": rows.shape[1]}))
    return 0


def _replace(path: Path, text: str) -> None:
    """At once: the other side reads it at any time."""
    part = path.with_suffix(".part")
    part.write_text(text)
    os.replace(part, path)


class _Said:
    """UMAP prints what it does; each step that is known by its words becomes a phase."""

    PHASES = (
        ("Construct fuzzy simplicial set", "weighing neighbors (compiled once per start, some seconds)"),
        ("Construct embedding", "starting the layout (compiled once per start, some seconds)"),
    )

    def __init__(self, say: Callable[[str], None], log: TextIO):
        self._say, self._log = say, log

    def write(self, text: str) -> int:
        for words, phase in self.PHASES:
            if words in text:
                self._say(phase)
        return self._log.write(text)

    def flush(self) -> None:
        self._log.flush()


def _umap(
    rows: np.ndarray, seed: int, tell: Callable[[float], None], say: Callable[[str], None]
) -> tuple[np.ndarray, dict]:
    say("loading UMAP (compiled the first time, about 20 s; then kept)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

    class Told:
        """UMAP tells its progress through a bar; this is the file that it writes to."""

        def write(self, text: str) -> None:
            if found := re.search(r"(\d+)/(\d+)", text):
                say("laying out")
                tell(0.3 + 0.7 * int(found[1]) / max(1, int(found[2])))

        def flush(self) -> None:
            return

    neighbors = min(NEIGHBORS, len(rows) - 1)
    say("finding neighbors")
    # its own search is approximate and takes half a minute to compile at every start
    known = (*nearest_by_cosine(rows, neighbors, lambda share: tell(0.3 * share)), None)
    reducer = umap.UMAP(
        precomputed_knn=known,
        n_neighbors=neighbors,
        min_dist=DISTANCE,
        metric="cosine",
        random_state=seed,
        n_jobs=1,  # with more the seed says nothing
        verbose=True,
        tqdm_kwds={"file": Told(), "disable": False},
    )
    with contextlib.redirect_stdout(_Said(say, sys.stdout)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        points = reducer.fit_transform(rows)
    return points, {
        "library": f"umap-learn {umap.__version__}",
        "neighbors": neighbors,
        "min_dist": DISTANCE,
        "metric": "cosine",
        "neighbor_search": "exact",
    }


def nearest_by_cosine(
    rows: np.ndarray, k: int, tell: Callable[[float], None] = lambda share: None
) -> tuple[np.ndarray, np.ndarray]:
    """Ids int32 [n, k] and distances 1 - cosine float32 [n, k], nearest first, each row its own first neighbor."""
    n = len(rows)
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = (rows / np.where(sizes > 0, sizes, 1)).astype(np.float32)
    ids, distances = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for start in range(0, n, BLOCK):
        near = unit[start : start + BLOCK] @ unit.T
        own = np.arange(len(near))
        near[own, start + own] = 2.0  # above every cosine
        top = np.argpartition(-near, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(near, top, 1)
        order = np.argsort(-values, axis=1, kind="stable")
        stop = start + len(near)
        ids[start:stop] = np.take_along_axis(top, order, 1)
        distances[start:stop] = np.maximum(0, 1 - np.take_along_axis(values, order, 1))
        tell(stop / n)
    return ids, distances


def _tsne(
    rows: np.ndarray, seed: int, tell: Callable[[float], None], say: Callable[[str], None]
) -> tuple[np.ndarray, dict]:
    import openTSNE

    say("finding neighbors")

    calls = [0]

    def called(_iteration: int, _error: float, _points: np.ndarray) -> None:
        calls[0] += 1
        say("laying out")
        tell(min(1.0, calls[0] * EVERY / (EXAGGERATED + PLAIN)))

    perplexity = min(PERPLEXITY, max(2.0, (len(rows) - 1) / 3.5))
    made = openTSNE.TSNE(
        perplexity=perplexity,
        metric="cosine",
        random_state=seed,
        n_jobs=1,
        early_exaggeration_iter=EXAGGERATED,
        n_iter=PLAIN,
        callbacks=called,
        callbacks_every_iters=EVERY,
    )
    points = np.asarray(made.fit(rows))
    return points, {
        "library": f"openTSNE {openTSNE.__version__}",
        "perplexity": perplexity,
        "metric": "cosine",
    }
