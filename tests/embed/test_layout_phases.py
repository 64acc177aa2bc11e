"""What a layout says while it works: a stand-in for its child process, since the real libraries are an extra."""

import io
import sys

import numpy as np
import pytest

from tests.embed.files import random
from tests.embed.test_neighbors import in_memory
from tokstudio.embed import layout, layout_worker, view_jobs
from tokstudio.embed.jobs import Part
from tokstudio.embed.layout import lay_out
from tokstudio.embed.matrix import finish

CHILD = """
import json, os, sys, time
from pathlib import Path
import numpy as np
folder = Path(sys.argv[-1])
for share, words in ((0.1, "loading UMAP"), (0.5, "laying out")):
    (folder / "phase").write_text(words)
    (folder / "progress").write_text(str(share))
    time.sleep(0.3)
if os.environ.get("STUCK"):
    time.sleep(600)
rows = np.load(folder / "rows.npy")
np.save(folder / "points.npy", rows[:, :2])
(folder / "about.json").write_text(json.dumps({"seed": 5, "kept": os.environ["NUMBA_CACHE_DIR"]}))
"""


@pytest.fixture
def child(monkeypatch):
    monkeypatch.setattr(layout, "find_spec", lambda _: True)
    monkeypatch.setattr(layout, "_tokstudio", lambda: [sys.executable, "-c", CHILD])
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)


def test_each_phase_is_told_once_and_what_was_compiled_is_kept(child, tokstudio_home):
    said: list[str] = []
    found = finish(lay_out(in_memory(random(60, 8)), "umap", seed=5, tell=said.append))
    assert said[0] == "reducing rows to 8 components"
    assert [words for words in said if words == "laying out"] == ["laying out"]
    assert found.points.shape == (60, 2)
    assert found.about["kept"] == str(tokstudio_home / "cache" / "compiled")


def test_the_job_sends_phases_as_parts_and_a_dropped_one_ends_its_child(child, monkeypatch):
    monkeypatch.setenv("STUCK", "1")
    started = []
    real = layout.subprocess.Popen
    monkeypatch.setattr(
        layout.subprocess, "Popen", lambda *a, **k: started.append(real(*a, **k)) or started[-1]
    )

    class Kept:
        def get(self, path, tensor):
            return type("Opened", (), {"matrix": in_memory(random(60, 8))})

    job, phases = view_jobs.layout(Kept(), "x", "w", "umap"), []
    while "laying out" not in phases:
        news = next(job)
        if isinstance(news, Part):
            phases.append(news.values["phase"])
    assert phases[0].startswith("reducing rows")
    assert started[0].returncode is None
    job.close()
    assert started[0].returncode is not None


def test_what_umap_prints_becomes_a_phase():
    said, log = [], io.StringIO()
    out = layout_worker._Said(said.append, log)
    for line in ("Thu Nov 26 Construct fuzzy simplicial set\n", "something else\n", "Construct embedding\n"):
        print(line, end="", file=out)
    assert [words.partition(" (")[0] for words in said] == ["weighing neighbors", "starting the layout"]
    assert "something else" in log.getvalue()


def test_a_half_written_phase_is_never_read(tmp_path):
    layout_worker._replace(tmp_path / "phase", "laying out")
    assert layout._words(tmp_path) == "laying out"
    assert layout._words(tmp_path / "nowhere") == ""
    assert np.array_equal(sorted(p.name for p in tmp_path.iterdir()), ["phase"])


def test_neighbors_are_exact():
    rows, shares = random(700, 12), []
    rows[3] = 0
    ids, distances = layout_worker.nearest_by_cosine(rows, 9, shares.append)
    wide = rows.astype(np.float64)
    sizes = np.linalg.norm(wide, axis=1, keepdims=True)
    wide /= np.where(sizes > 0, sizes, 1)
    cosine = wide @ wide.T
    np.fill_diagonal(cosine, 2)
    expected = np.argsort(-cosine, axis=1, kind="stable")[:, :9]
    usual = np.arange(700) != 3  # a row of zeros is as far from all others
    assert np.array_equal(ids[usual], expected[usual])
    assert (ids[:, 0] == np.arange(700)).all()
    assert distances[:, 0].max() == 0
    assert np.allclose(distances[usual][:, 1:], 1 - np.sort(cosine, axis=1)[usual][:, -2:-10:-1], atol=1e-6)
    assert shares[-1] == 1
