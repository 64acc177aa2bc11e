"""What Compare writes: tokens as CSV and JSON, panes and page as pictures."""

import csv
import io
import json

import pytest
from PySide6.QtGui import QImage

from tests.ui.test_compare import open_page, page, settled  # noqa: F401  (fixtures)
from tokstudio.ui.panes import export


def test_export_says_the_same_in_json_and_csv(page, tmp_path):  # noqa: F811
    value = json.loads(export.as_json(page.session))
    rows = list(csv.DictReader(io.StringIO(export.as_csv(page.session))))
    for entry in value["tokenizers"]:
        mine = [row for row in rows if row["tokenizer"] == entry["name"]]
        assert [int(row["id"]) for row in mine] == entry["ids"]
        assert b"".join(bytes.fromhex(row["hex"]) for row in mine).decode().replace(" ", "")
    export.write(page.session, page, tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 1000
    with pytest.raises(export.InputError):
        export.write(page.session, page, tmp_path / "no" / "folder.csv")
    with pytest.raises(export.InputError):
        export.write(page.session, page, tmp_path / "no" / "panes.svg", page.picture)
    with pytest.raises(export.InputError):
        export.write(page.session, page, tmp_path / "page.doc")


def test_panes_are_exported_as_a_picture(qtbot, page, tmp_path):  # noqa: F811
    from PySide6.QtSvg import QSvgRenderer

    page._export.write(tmp_path / "panes.svg", panes=True)
    page._export.write(tmp_path / "panes.png", panes=True)
    size = page.picture().size
    image = QImage(str(tmp_path / "panes.png"))
    assert image.size() == size * 2
    assert "cl100k_base" in image.text("tokenizers")
    written = (tmp_path / "panes.svg").read_text(encoding="utf-8")
    assert QSvgRenderer(str(tmp_path / "panes.svg")).viewBox().size() == size
    assert "<image" not in written  # tokens are text and lines
    assert written.count("<text") > sum(len(pane.encoding) for pane in page.session.panes)
    assert all(pane.tokenizer.fingerprint in written for pane in page.session.panes)
    page.editor.set_text("one word and another\n" * 600)
    qtbot.waitUntil(
        lambda: settled(page) and page.panes[page.session.panes[0].number].view.row_count >= 600,
        timeout=30_000,
    )
    for panes in page.panes.values():
        bar = panes.view.verticalScrollBar()
        bar.setValue(bar.maximum())
    page._export.write(tmp_path / "long.svg", panes=True)
    rows = page.panes[page.session.panes[0].number].view.row_count
    assert f"Rows {rows - 199:,} to {rows:,} of {rows:,}" in (tmp_path / "long.svg").read_text(
        encoding="utf-8"
    )
