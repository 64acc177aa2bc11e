"""Summary, spectrum and pyramid against plain NumPy over the whole matrix."""

import numpy as np
import pytest

from tests.embed.files import MINILM, random, watched
from tests.embed.test_neighbors import in_memory
from tokstudio.embed import pyramid as levels
from tokstudio.embed.fingerprint import cache_entry, fingerprint, trim_cache
from tokstudio.embed.matrix import finish
from tokstudio.embed.read import open_model
from tokstudio.embed.spectrum import spectrum
from tokstudio.embed.summary import summarize


def test_the_summary_of_minilm_equals_plain_numpy():
    matrix = open_model(MINILM).matrix()
    found, values = finish(summarize(matrix)), np.asarray(matrix.stored).astype(np.float64)
    assert np.allclose(found.norms, np.linalg.norm(values, axis=1))
    assert np.allclose(found.std, values.std(0), rtol=1e-5)
    assert np.allclose(found.mean, values.mean(0), atol=1e-8)
    assert found.spread == pytest.approx(values.std(), rel=1e-9)
    assert found.counts.sum() == values.size, "every value is in one bin"
    assert found.level == pytest.approx(np.quantile(np.abs(values), 0.995), rel=0.01)
    assert (found.largest, found.zero_rows, found.nonfinite) == (np.abs(values).max(), 0, 0)


def test_bins_hold_what_lies_between_their_edges():
    matrix = in_memory(random(500, 20))
    found = finish(summarize(matrix))
    expected, _ = np.histogram(np.clip(matrix.stored, found.edges[0], found.edges[-1]), found.edges)
    assert np.abs(np.cumsum(found.counts) - np.cumsum(expected)).max() <= 3  # float32 at an edge


def test_zeros_and_values_that_are_no_numbers_are_counted():
    values = random(12, 5)
    values[4], values[7, 2], values[8, 0] = 0, np.nan, -np.inf
    found = finish(summarize(in_memory(values)))
    assert (found.zero_rows, found.nonfinite) == (1, 2)
    assert np.isfinite(found.norms).all()


def test_a_matrix_of_zeros_has_a_scale_too():
    found = finish(summarize(in_memory(np.zeros((4, 3), np.float32))))
    assert found.level > 0
    assert found.zero_rows == 4


def test_singular_values_and_projection_equal_the_full_decomposition():
    values = random(400, 12) * np.linspace(3, 1, 12, dtype=np.float32) + 0.1
    found = finish(spectrum(in_memory(values)))
    assert np.allclose(
        found.singular_values, np.linalg.svd(values.astype(np.float64), compute_uv=False), rtol=1e-4
    )
    centered = values.astype(np.float64) - values.mean(0)
    _, scale, axes = np.linalg.svd(centered, full_matrices=False)
    assert np.allclose(np.abs(found.points), np.abs(centered @ axes[:2].T), atol=1e-4)
    assert np.allclose(found.explained, (scale**2 / (scale**2).sum())[:2], rtol=1e-4)
    assert found.rows_used == 400


def test_the_effective_rank_of_orthogonal_rows_is_their_number():
    found = finish(spectrum(in_memory(np.eye(8, dtype=np.float32))))
    assert found.effective_rank == pytest.approx(8)


@pytest.mark.parametrize("falling", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_a_wide_matrix_is_estimated_near_what_is_exact(monkeypatch, falling, shift):
    draw = np.random.default_rng(7)
    turn = np.linalg.qr(draw.standard_normal((700, 700)))[0]
    values = (draw.standard_normal((3000, 700)) * np.arange(1, 701) ** -falling) @ turn + shift * turn[0]
    matrix = in_memory(values.astype(np.float32))
    exact = finish(spectrum(matrix))
    monkeypatch.setattr("tokstudio.embed.spectrum.EXACT", 100)
    shares, found = watched(spectrum(matrix))
    assert shares == sorted(shares)
    assert shares[-1] <= 1
    assert (exact.found, exact.rows_used) == (700, found.rows_used)
    assert found.found < 700
    assert found.effective_rank == pytest.approx(exact.effective_rank, rel=0.01)
    top = slice(found.found)
    assert np.allclose(found.singular_values[top], exact.singular_values[top], rtol=1e-3)
    assert (np.diff(found.singular_values) <= 0).all()
    assert np.allclose((found.singular_values**2).sum(), (exact.singular_values**2).sum(), rtol=0.02)
    assert found.explained == pytest.approx(exact.explained, rel=0.1)
    if falling >= 1:  # else there is no one plane of largest spread
        assert np.allclose(found.points, exact.points, atol=1e-3 * np.abs(exact.points).max())
        assert found.explained == pytest.approx(exact.explained, rel=1e-4)


@pytest.mark.parametrize("rows", [1, 5, 90])
def test_a_wide_matrix_of_few_rows(monkeypatch, rows):
    matrix = in_memory(random(rows, 300))
    exact = finish(spectrum(matrix))
    monkeypatch.setattr("tokstudio.embed.spectrum.EXACT", 100)
    found = finish(spectrum(matrix))
    assert found.effective_rank == pytest.approx(exact.effective_rank, rel=0.02)
    assert found.points.shape == (rows, 2)
    assert finish(spectrum(in_memory(np.zeros((rows, 300), np.float32)))).effective_rank <= 1


@pytest.mark.parametrize("columns", [1, 2, 300])
def test_odd_widths_project_too(columns):
    found = finish(spectrum(in_memory(random(50, columns))))
    assert found.points.shape == (50, 2)
    assert np.isfinite(found.points).all()


def pooled(values: np.ndarray, rows: int, columns: int, pooling: str) -> np.ndarray:
    """By loops over cells, for what `Pyramid.tile` should give."""

    def one(cell: np.ndarray) -> float:
        if pooling == "max-abs":
            return cell.flat[np.abs(cell).argmax()]
        return {"mean": np.mean, "min": np.min, "std": np.std}[pooling](cell)

    tops, lefts = range(0, len(values), rows), range(0, values.shape[1], columns)
    return np.array([[one(values[i : i + rows, j : j + columns]) for j in lefts] for i in tops])


@pytest.mark.parametrize("pooling", levels.POOLINGS)
@pytest.mark.parametrize(("r", "c"), [(1, 0), (3, 2), (4, 0), (5, 1), (8, 3)])
def test_a_tile_is_what_its_cells_hold(pooling, r, c):
    values = random(2048, 24)  # a multiple of every cell: at a ragged edge parts count alike, see `pool`
    values[1000, 5] = 2.5
    found = finish(levels.build(in_memory(values), 0.05)).tile(pooling, (r, 0), (c, 0))
    expected = pooled(values[: 256 << r], 1 << r, 1 << c, pooling)
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=2e-3 if r >= 4 else 1e-6)


def test_tiles_lie_side_by_side():
    values = random(700, 600)
    found = finish(levels.build(in_memory(values), 0.05))
    tiles = [[found.tile("mean", (0, i), (0, j)) for j in range(3)] for i in range(3)]
    assert np.array_equal(np.block(tiles), values)


def test_an_outlier_among_a_million_values_is_seen_at_every_zoom():
    values = random(65_536, 16)
    values[40_000, 3] = -9
    found = finish(levels.build(in_memory(values), 0.05))
    for r in range(0, 17):
        tiles = range(-(-65_536 // (256 << r)))
        assert min(found.tile("max-abs", (r, i), (0, 0)).min() for i in tiles) == pytest.approx(-9, rel=1e-3)


def test_a_saved_pyramid_comes_back_and_a_torn_one_does_not(tmp_path):
    matrix = in_memory(random(5000, 8))
    built = finish(levels.build(matrix, 0.05))
    levels.save(built, tmp_path / "p")
    loaded = levels.load(matrix, tmp_path / "p")
    assert np.array_equal(loaded.tile("std", (4, 0), (0, 0)), built.tile("std", (4, 0), (0, 0)))
    assert levels.load(in_memory(random(5100, 8)), tmp_path / "p") is None
    (tmp_path / "p" / "level-0.npy").write_bytes(b"torn")
    assert levels.load(matrix, tmp_path / "p") is None
    assert levels.load(matrix, tmp_path / "nothing") is None


def test_the_fingerprint_follows_the_values(tmp_path):
    from tests.embed.files import write

    first = write(tmp_path / "a.safetensors", {"w": random(100, 8)})
    before = fingerprint(open_model(first).matrix().tensor)
    assert fingerprint(open_model(first).matrix().tensor) == before
    write(first, {"w": random(100, 8, seed=1)})
    assert fingerprint(open_model(first).matrix().tensor) != before


def test_the_cache_keeps_what_was_used_last():
    import os

    for age, name in enumerate(("new", "older", "oldest")):
        folder = cache_entry(name)
        folder.mkdir(parents=True)
        (folder / "level-0.npy").write_bytes(b"x" * 100)
        os.utime(folder, (1e9 - age, 1e9 - age))
    trim_cache(limit=200)
    assert sorted(entry.name for entry in cache_entry("new").parent.iterdir()) == ["new", "older"]


@pytest.mark.parametrize("pooling", levels.POOLINGS)
def test_a_tile_of_reordered_dimensions_is_that_of_a_reordered_matrix(pooling):
    values = random(5000, 300, seed=3)
    dims = np.random.default_rng(4).permutation(300)
    one, other = (finish(levels.build(in_memory(v), 0.05)) for v in (values, values[:, dims]))
    for r, c in ((0, 0), (2, 1), (5, 0), (4, 2)):
        mine, theirs = one.tile(pooling, (r, 0), (c, 0), dims), other.tile(pooling, (r, 0), (c, 0))
        assert np.allclose(mine, theirs, atol=5e-5)  # levels are float16
