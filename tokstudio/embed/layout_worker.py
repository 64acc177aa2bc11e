"""The child that runs UMAP or t-SNE: reads `rows.npy` and `settings.json` of a folder, leaves `points.npy` and
`about.json` there, and its progress (0-1) in `progress`."""

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

EXAGGERATED, PLAIN, EVERY = 250, 500, 10  # steps of t-SNE
NEIGHBORS, DISTANCE, PERPLEXITY = 15, 0.1, 30.0


def main(folder: Path) -> int:
    settings = json.loads((folder / "settings.json").read_text())
    rows = np.load(folder / "rows.npy", allow_pickle=False)

    def tell(share: float) -> None:
        (folder / "progress").write_text(f"{share:.4f}")

    run = {"umap": _umap, "tsne": _tsne}[settings["method"]]
    points, about = run(rows, settings["seed"], tell)
    np.save(folder / "points.npy", np.asarray(points, np.float32))
    (folder / "about.json").write_text(json.dumps(settings | about | {"dimensions": rows.shape[1]}))
    return 0


def _umap(rows: np.ndarray, seed: int, tell: Callable[[float], None]) -> tuple[np.ndarray, dict]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

    class Told:
        """UMAP tells its progress through a bar; this is the file that it writes to."""

        def write(self, text: str) -> None:
            if found := re.search(r"(\d+)/(\d+)", text):
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
    points = reducer.fit_transform(rows)
    return points, {
        "library": f"umap-learn {umap.__version__}",
        "neighbors": neighbors,
        "min_dist": DISTANCE,
        "metric": "cosine",
    }


def _tsne(rows: np.ndarray, seed: int, tell: Callable[[float], None]) -> tuple[np.ndarray, dict]:
    import openTSNE

    calls = [0]

    def called(_iteration: int, _error: float, _points: np.ndarray) -> None:
        calls[0] += 1
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
