"""The Embeddings page on a matrix of 200,000 x 4,096, and the engine's neighbors and projection.

The window is a process of its own (`tokstudio.ui.embeddings_probe`), real, off-screen where there is no desktop.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tokstudio.bench.base import Figure, benchmark
from tokstudio.bench.window import readings
from tokstudio.errors import RunError

TALL, NEAR, POINTS = (200_000, 4096), (128_000, 2048), (250_000, 384)
PATIENCE = 400.0  # seconds
K = 50
PROBED = {  # name: (unit, target, at least, note)
    "first_picture_s": (
        "s",
        12.0,
        False,
        "200k x 4096 float16: opened until the first coarse picture is painted",
    ),
    "cached_picture_s": ("s", 0.5, False, "the same file opened again"),
    "pan_zoom_p95_ms": ("ms", 33.0, False, "a step of the wheel or a drag until the heat map is repainted"),
    "memory_mb": (
        "MB",
        600.0,
        False,
        "window and maths process above the empty window, without pages of mapped files",
    ),
    "projection_frames_per_s": ("frames/s", 30.0, True, "250k points dragged, each frame painted"),
    "projection_hover_p95_ms": ("ms", 16.0, False, "250k points: pointer to the name of what is under it"),
}


@benchmark("embeddings", title="The Embeddings page: 200k x 4096 values, exact neighbors, 250k points")
def embeddings(repeat: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="tokstudio-bench-") as folder:
        yield from _page(Path(folder), repeat)
        yield from _neighbors(Path(folder), repeat)
        yield from _pca(Path(folder))


def _page(folder: Path, repeat: int) -> Iterator[Figure]:
    path = make(folder / "tall.safetensors", TALL)
    for name, value in probe(path, folder, repeat).items():
        unit, target, at_least, note = PROBED[name]
        yield Figure(name=name, value=round(value, 3), unit=unit, target=target, note=note, at_least=at_least)
    path.unlink()


def _neighbors(folder: Path, repeat: int) -> Iterator[Figure]:
    from tokstudio.embed.matrix import finish
    from tokstudio.embed.memory import in_memory
    from tokstudio.embed.neighbors import nearest, row_norms
    from tokstudio.embed.read import open_model

    path = make(folder / "near.safetensors", NEAR)
    matrix = open_model(path).matrix()
    norms, warm = finish(row_norms(matrix)), finish(in_memory(matrix))
    times, same = [], 0
    rows = np.linspace(0, NEAR[0] - 1, max(3, repeat)).astype(np.int64)
    for row in rows.tolist():
        query = matrix.rows([row])[0]
        found = None
        for _ in range(2):
            begun = time.perf_counter()
            found = finish(nearest(warm, norms, query, K, "cosine", [row]))
            times.append(1e3 * (time.perf_counter() - begun))
        same += int(found.ids.tolist() == _reference(matrix, query, row))
    note = f"128k x 2048 float16, cosine, top {K}, exact, warm"
    yield Figure(
        name="neighbors_ms", value=round(float(np.median(times)), 1), unit="ms", target=300.0, note=note
    )
    share = 100 * same / len(rows)
    note = f"of {len(rows)} queries: ids and order of the first {K} as by float64"
    yield Figure(name="neighbors_equal", value=share, unit="%", target=100.0, note=note, at_least=True)
    path.unlink()


def _reference(matrix, query: np.ndarray, row: int) -> list[int]:
    """Every row in float64, smaller id first among equals."""
    wide = query.astype(np.float64)
    scores = np.empty(len(matrix))
    for start, block in matrix.blocks():
        rows = block.astype(np.float64)
        sizes = np.sqrt(np.einsum("ij,ij->i", rows, rows) * (wide @ wide))
        scores[start : start + len(rows)] = np.einsum("ij,j->i", rows, wide) / sizes
    scores[row] = -np.inf
    return np.lexsort((np.arange(len(scores)), -scores))[:K].tolist()


def _pca(folder: Path) -> Iterator[Figure]:
    from tokstudio.embed.matrix import finish
    from tokstudio.embed.read import open_model
    from tokstudio.embed.spectrum import spectrum

    path = make(folder / "points.safetensors", POINTS)
    begun = time.perf_counter()
    found = finish(spectrum(open_model(path).matrix()))
    seconds = time.perf_counter() - begun
    note = f"250k x {POINTS[1]} float16, from {found.rows_used:,} rows"
    yield Figure(name="pca_s", value=round(seconds, 2), unit="s", target=5.0, note=note)


def make(path: Path, shape: tuple[int, int]) -> Path:
    """Random rows in float16: the same 4,096, moved and in other strengths, since making all would take longest."""
    rows, columns = shape
    if shutil.disk_usage(path.parent).free < 2 * rows * columns + (1 << 30):
        raise RunError(
            f"The benchmark needs {2 * rows * columns / 1e9:.1f} GB in {path.parent}.",
            hint="Name a larger place with the variable TMPDIR.",
        )
    head = {"wte.weight": {"dtype": "F16", "shape": shape, "data_offsets": [0, 2 * rows * columns]}}
    raw = json.dumps(head).encode()
    random = np.random.default_rng(0)
    block = random.normal(0, 0.05, (4096, columns)).astype(np.float32)
    with open(path, "wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        for start in range(0, rows, len(block)):
            part = np.roll(block, start // len(block) + 1, axis=1) * np.float32(random.uniform(0.8, 1.25))
            file.write(part[: rows - start].astype(np.float16).tobytes())
    return path


def probe(path: Path, home: Path, repeat: int) -> dict[str, float]:
    """One tour of the window. Raises RunError where it ends without readings."""
    return readings("embeddings_probe", str(path), str(repeat), home=str(home / "home"), patience=PATIENCE)
