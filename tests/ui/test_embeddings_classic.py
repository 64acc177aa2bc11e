"""The classic comparison in the window, two models of one width: line, scatter, r and its distribution as by NumPy."""

import numpy as np
import pytest

from tests.embed.files import MINILM
from tests.embed.test_classic import folders, read, spelled  # noqa: F401  a fixture
from tests.ui.test_embeddings import SLOW, page, ready  # noqa: F401  a fixture
from tokstudio.ui.embeddings_engine import B


def test_the_word_the_in_two_models_of_one_width(qtbot, page, folders):  # noqa: F811
    a, b = map(read, folders)
    table, other = spelled(folders[0]), spelled(MINILM)
    ready(qtbot, page, folders[0], token='"the"')
    page.open(str(folders[1]), letter=B)
    body = page.body
    qtbot.waitUntil(lambda: body.pair.reply is not None and not page.engine.maths.busy(), timeout=SLOW)
    qtbot.waitUntil(
        lambda: body.vector.scatter.chart is not None and body.pair.chart.chart is not None, timeout=SLOW
    )
    x, y = a[table[b"the"]], b[1996]
    r = np.corrcoef(x, y)[0, 1]
    assert "the (row 1,996)" in body.vector.relation.text()
    assert body.vector.stats["r"].value.text() == f"{r:.3f}".replace("-", "\u2212")
    lines = body.vector.line.chart._series
    np.testing.assert_allclose(lines["A"].y, x, rtol=1e-6)
    np.testing.assert_allclose(lines["B"].y, y, rtol=1e-6)
    points = body.vector.scatter.chart._series["points"]
    order = np.argsort(x, kind="stable")
    np.testing.assert_allclose([points.x, points.y], [x[order], y[order]], rtol=1e-6)
    assert np.corrcoef(points.x, points.y)[0, 1] == pytest.approx(r)
    shared = table.keys() & other.keys()
    all_r = np.array([np.corrcoef(a[table[token]], b[other[token]])[0, 1] for token in shared])
    assert body.pair.stats["r_mean"].value.text() == f"{all_r.mean():.3f}"
    bars = body.pair.chart.chart._series["A"]
    counts = np.histogram(np.clip(all_r, bars.x[0], bars.x[-1]), bars.x)[0]
    np.testing.assert_allclose(bars.y, 100 * counts / len(all_r), atol=100 * 2.5 / len(all_r))
    assert bars.y.sum() == pytest.approx(100)
