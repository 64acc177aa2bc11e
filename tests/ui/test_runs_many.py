"""The table of all runs, and where a finished run leads."""

import json

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt

from tests.ui.test_runs import (  # noqa: F401  fixtures
    PATIENCE,
    begin,
    context,
    open_page,
    page,
    store,
    wait_for,
)
from tokstudio.runs import notes
from tokstudio.runs.state import RunState
from tokstudio.ui.drop import zones_of
from tokstudio.ui.run_cards.board import Board
from tokstudio.ui.run_cards.many import COLUMNS
from tokstudio.ui.widgets.ask import Ask


@pytest.fixture
def table(qtbot, page, begin, store):  # noqa: F811
    """Three finished runs of 12, 24 and 36 steps; the first one has a tag."""
    for steps in (12, 24, 36):
        begin(f"steps = {steps}")
        wait_for(qtbot, page, "finished")
    notes.write(store.folder / "count-01", notes.Notes(("baseline",), "the first"))
    page._view.set_index(1)
    qtbot.waitUntil(lambda: len(page.many.model.shown) == 3, timeout=PATIENCE)
    qtbot.waitUntil(lambda: any(line.tags for line in page.many.model.shown), timeout=PATIENCE)
    return page.many


def names(table) -> list[str]:
    return [line.info.name for line in table.model.shown]


def choose(table, *rows: int) -> None:
    flags = QItemSelectionModel.Select | QItemSelectionModel.Rows
    for place in rows:
        table.view.selectionModel().select(table.model.index(place, 0), flags)


def test_ranked_and_searched(table):
    assert names(table) == ["count-03", "count-02", "count-01"]  # newest first
    table.view.sortByColumn(3, Qt.AscendingOrder)
    assert names(table) == ["count-01", "count-02", "count-03"]
    table.find.setText("BASE finished")
    assert names(table) == ["count-01"]


def test_what_each_run_takes_of_the_disk(table):
    column = [title for title, *_ in COLUMNS].index("Disk")
    for line in table.model.shown:
        files = [path.stat().st_size for path in line.info.folder.rglob("*") if path.is_file()]
        assert 0 < line.disk <= sum(files)
    table.view.sortByColumn(column, Qt.DescendingOrder)
    sizes = [line.disk for line in table.model.shown]
    assert sizes == sorted(sizes, reverse=True)


def test_curves_and_settings_side_by_side(qtbot, table):
    choose(table, 0, 2)
    qtbot.waitUntil(lambda: set(table.chart._series) == {"count-03", "count-01"}, timeout=PATIENCE)
    assert table.differences.rows == [("steps", [36, 12])]
    head = table.settings.horizontalHeader()
    assert head.sectionSize(1) >= head.fontMetrics().horizontalAdvance("count-03")
    table.by.setCurrentIndex(table.by.findData("loss"))
    table._draw()
    assert len(table.chart._series["count-03"].x) == 36


def test_several_go_to_the_trash_and_one_is_opened(qtbot, page, table):  # noqa: F811
    choose(table, 0, 1)
    qtbot.mouseClick(table.trash, Qt.LeftButton)
    qtbot.waitUntil(lambda: list(page.infos) == ["count-01"], timeout=PATIENCE)
    qtbot.waitUntil(lambda: names(table) == ["count-01"], timeout=PATIENCE)
    table.fill_bin()
    actions = {action.text(): action for action in table.bin_menu.actions()}
    actions["Bring back count-03"].trigger()
    assert "count-03" in page.infos
    table.fill_bin()
    table.bin_menu.actions()[-1].trigger()
    asked = page.window().findChild(Ask)
    assert asked.text() == "Delete 1 run in the trash for good?"
    asked.no.click()
    assert len(page.trash.runs()) == 1
    qtbot.waitUntil(lambda: page.window().findChild(Ask) is None)
    table.bin_menu.actions()[-1].trigger()
    page.window().findChild(Ask).yes.click()
    qtbot.waitUntil(lambda: page.trash.runs() == [], timeout=PATIENCE)
    table.find.setText("count-01")
    table.view.activated.emit(table.model.index(0, 0))
    assert page._selected == "count-01"
    assert page.board.isVisible()


def test_a_finished_run_opens_elsewhere(qtbot, page, begin, context):  # noqa: F811
    went = []
    context.went.connect(lambda name, what: went.append((name, what)))
    name = begin("steps = 5")
    wait_for(qtbot, page, "finished")
    qtbot.waitUntil(page.board.result.isVisible, timeout=PATIENCE)
    for part in page.board.result.ways:
        qtbot.mouseClick(part, Qt.LeftButton)
    export = str(page.store.folder / name / "export")
    assert went == [
        ("model", {"model": export, "other": "self-test"}),
        ("compare", {"tokenizer": export}),
        ("embeddings", {"path": export}),
    ]


def test_the_curve_of_a_run_that_goes_is_drawn_to_its_end(qtbot, page, begin):  # noqa: F811
    name = begin("steps = 300\npause = 0.01")
    wait_for(qtbot, page, "running")
    page._view.set_index(1)
    many = page.many
    qtbot.waitUntil(lambda: len(many.model.shown) == 1, timeout=PATIENCE)
    many.by.setCurrentIndex(many.by.findData("loss"))
    choose(many, 0)
    qtbot.waitUntil(lambda: not many.trash.isEnabled(), timeout=PATIENCE)
    assert "still going" in many.trash.toolTip()
    qtbot.waitUntil(lambda: name in many.chart._series, timeout=PATIENCE)
    qtbot.waitUntil(lambda: len(many.chart._series[name].x) == 300, timeout=PATIENCE)
    assert [info.name for info in many.selection()] == [name]
    qtbot.waitUntil(many.trash.isEnabled, timeout=PATIENCE)


def test_a_trainer_state_that_is_dropped_becomes_a_run(qtbot, page, tmp_path):  # noqa: F811
    folder = tmp_path / "other"
    folder.mkdir()
    file = folder / "trainer_state.json"
    history = [{"loss": 2.5, "step": 10}, {"loss": 2.0, "step": 20}]
    file.write_text(json.dumps({"global_step": 20, "max_steps": 20, "log_history": history}))
    (zone,) = zones_of(file)
    assert zone.page == "runs"
    page.receive(**zone.what)
    assert page._selected == "other-01"
    assert page.infos["other-01"].state == "finished"
    file.write_text("[]")
    failed = []
    page.context.failed.connect(failed.append)
    page.receive(**zone.what)
    assert len(failed) == 1
    assert "no trainer_state.json" in str(failed[0])


def test_runs_of_the_same_settings_are_said_to_be_that(qtbot, page, begin):  # noqa: F811
    for _ in range(2):
        begin("steps = 5")
        wait_for(qtbot, page, "finished")
    page._view.set_index(1)
    qtbot.waitUntil(lambda: len(page.many.model.shown) == 2, timeout=PATIENCE)
    choose(page.many, 0, 1)
    assert page.many.about.text() == "their settings are the same"
    assert not page.many.settings.isVisible()


def test_going_back_and_forth_between_runs_of_other_charts_takes_no_room(qtbot, qapp):
    """A grid keeps every row that was ever named."""
    board = Board()
    qtbot.addWidget(board)
    qtbot.waitUntil(lambda: not board._making.busy, timeout=60_000)
    few, many = RunState(), RunState()
    for state, names in (
        (few, ("loss",)),
        (many, ("loss", "gradient_norm", "learning_rate", "memory_bytes")),
    ):
        for name in names:
            state.columns[name].put(1, 1.0)
    for state in (few, many) * 20:
        board._state = state
        board._place()
    assert board._grid.rowCount() <= len(board.panels)
    assert board._grid.columnCount() <= 2


def test_a_chart_that_is_alone_in_its_row_takes_all_of_it(qtbot, qapp):
    board, state = Board(), RunState()
    qtbot.addWidget(board)
    qtbot.waitUntil(lambda: not board._making.busy, timeout=60_000)
    for name in ("loss", "gradient_norm", "learning_rate", "memory_bytes", "cpu_percent"):
        state.columns[name].put(1, 1.0)
    board._state = state
    board._place()
    assert len(board._placed) == 7
    spans = [board._grid.getItemPosition(board._grid.indexOf(panel))[3] for panel in board._placed]
    assert spans == [1] * 6 + [2]
