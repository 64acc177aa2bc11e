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
        ("Finding Nearest Neighbors", "finding neighbors; the first time it is compiled, about 40 s"),
        ("Construct embedding", "laying out; the first time it is compiled"),
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
    say("loading UMAP; the first time it is compiled, about 40 s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

    class Told:
        """UMAP tells its progress through a bar; this is the file that it writes to."""

        def write(self, text: str) -> None:
            if found := re.search(r"(\d+)/(\d+)", text):
                say("laying out")
                tell(int(found[1]) / max(1, int(found[2])))

        def flush(self) -> None:
            return

    neighbors = min(NEIGHBORS, len(rows) - 1)
    reducer = umap.UMAP(
        n_neighbors=neighbors,
        min_dist=DISTANCE,
        metric="cosine",
        random_state=seed,
        n_jobs=1,  # with more the seed says nothing
        verbose=True,
        tqdm_kwds={"file": Told(), "disable": False},
    )
    with contextlib.redirect_stdout(_Said(say, sys.stdout)):
        points = reducer.fit_transform(rows)
    return points, {
        "library": f"umap-learn {umap.__version__}",
        "neighbors": neighbors,
        "min_dist": DISTANCE,
        "metric": "cosine",
    }


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
