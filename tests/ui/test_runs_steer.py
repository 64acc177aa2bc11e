"""Pause, park, change, queue and trash on the Runs page, as a person would do it."""

import pytest
from PySide6.QtCore import Qt

from tests.ui.test_runs import (  # noqa: F401  fixtures
    PATIENCE,
    begin,
    context,
    open_page,
    page,
    shown,
    state,
    store,
    wait_for,
)
from tokstudio.events import Changed
from tokstudio.runs.process import Run
from tokstudio.runs.queue import KEEPERS

LONG = "steps = 3000\npause = 0.01"


@pytest.fixture(autouse=True)
def no_keeper_stays():
    yield
    for process in KEEPERS:
        process.wait(timeout=20)


def press(qtbot, part) -> None:
    assert part.isVisible()
    qtbot.mouseClick(part, Qt.LeftButton)


def test_pause_and_resume(qtbot, page, begin):  # noqa: F811
    name = begin(LONG)
    wait_for(qtbot, page, "running")
    head = page.board.head
    press(qtbot, head.pause)
    assert state(page) == "pausing"
    wait_for(qtbot, page, "paused")
    assert shown(page) == {"stop", "resume"}
    assert head.left.text() == "waits, memory kept"
    step = page.watches[name].state.step
    qtbot.wait(300)
    assert page.watches[name].state.step == step
    press(qtbot, head.resume)
    wait_for(qtbot, page, "running")
    qtbot.waitUntil(lambda: page.watches[name].state.step > step + 3, timeout=PATIENCE)
    qtbot.waitUntil(lambda: "waits after step" in page.board.log.text(), timeout=PATIENCE)


def test_park_and_resume(qtbot, page, begin):  # noqa: F811
    name = begin("steps = 400\npause = 0.01")
    wait_for(qtbot, page, "running")
    qtbot.waitUntil(lambda: page.watches[name].state.step > 2, timeout=PATIENCE)
    press(qtbot, page.board.head.park)
    assert state(page) == "pausing"
    wait_for(qtbot, page, "parked")
    assert not Run(page.infos[name].folder).alive()
    press(qtbot, page.board.head.resume)
    wait_for(qtbot, page, "finished")
    assert page.watches[name].state.columns["loss"].steps.tolist() == list(range(1, 401))


def test_a_paused_run_is_adopted_as_paused(qtbot, page, begin, open_page):  # noqa: F811
    begin(LONG)
    wait_for(qtbot, page, "running")
    page.ask("pause")
    wait_for(qtbot, page, "paused")
    page.close_down()
    second = open_page()
    wait_for(qtbot, second, "paused")
    second.resume()
    wait_for(qtbot, second, "running")


def test_save_now_from_the_menu(qtbot, page, begin):  # noqa: F811
    name = begin(LONG + "\nsave_every = 100000")
    wait_for(qtbot, page, "running")
    actions = {a.text(): a for a in page.board.head.more.menu().actions()}
    page.board.refresh(page.watches[name], page.infos[name], "")
    actions["Save a checkpoint now"].trigger()
    qtbot.waitUntil(lambda: bool(page.watches[name].state.checkpoints), timeout=PATIENCE)


def test_discard_and_undo(qtbot, page, begin, context):  # noqa: F811
    said = []
    context.said.connect(lambda text, undo: said.append((text, undo)))
    name = begin(LONG)
    wait_for(qtbot, page, "running")
    run = Run(page.infos[name].folder)
    page.board.head.stop_menu.actions()[1].trigger()
    qtbot.waitUntil(lambda: bool(said), timeout=PATIENCE)
    assert run.wait(5)
    assert page.infos == {}
    text, undo = said[-1]
    assert text == "count-01 is in the trash"
    undo()
    assert list(page.infos) == ["count-01"]


def test_a_queue_runs_one_after_the_other(qtbot, page, store):  # noqa: F811
    names = [store.create("selftest", "count", "steps = 30\npause = 0.02").folder.name for _ in range(3)]
    page.hold(True)
    for name in names:
        page.receive(queue=name)
    assert state(page) == "queued"
    assert page.board.head.left.text() == "number 3 in the queue"
    assert shown(page) == {"start"}
    qtbot.keyClick(page.list.rows[names[2]], Qt.Key_Up, Qt.AltModifier)
    assert page.queue.names() == [names[0], names[2], names[1]]
    page.hold(False)
    qtbot.waitUntil(lambda: all(i.state == "finished" for i in store.runs()), timeout=PATIENCE)
    began = {name: next(Run(store.folder / name).events())[0].at for name in names}
    assert sorted(names, key=began.get) == [names[0], names[2], names[1]]


def test_notes_are_written_and_kept(qtbot, page, begin):  # noqa: F811
    name = begin("steps = 3")
    wait_for(qtbot, page, "finished")
    page.ask("notes")
    form = page.board.notes
    qtbot.keyClicks(form.tags.line, "baseline small")
    qtbot.keyClick(form.tags.line, Qt.Key_Return)
    assert not form.isVisible()
    from tokstudio.runs import notes

    assert notes.read(page.infos[name].folder).tags == ("baseline", "small")


def test_the_rate_is_typed_and_asked_for(qtbot, page, begin):  # noqa: F811
    name = begin(LONG)
    wait_for(qtbot, page, "running")
    head = page.board.head
    asked = []
    page.watches[name].ask = asked.append
    head.change.open()
    head.change.rate.line.setText("abc")
    press(qtbot, head.change.apply)
    assert head.change.rate.line.accessibleDescription().startswith("Write a number")
    head.change.rate.line.setText("0.0001")
    head.change.steps.line.setText("500")
    press(qtbot, head.change.apply)
    assert asked == ["set steps 500", "set learning_rate 0.0001"]
    assert not head.change.isVisible()


def changes_of(page, name) -> list[tuple]:  # noqa: F811
    """What the run itself recorded."""
    return [(e.name, e.before, e.after) for e in page.watches[name].state.history if isinstance(e, Changed)]


def test_undo_asks_for_what_held_before(qtbot, page, begin, context):  # noqa: F811
    name = begin(LONG)
    wait_for(qtbot, page, "running")
    context.changes.show_page("runs")
    page.change({"steps": "2000", "learning_rate": "0.0001"})
    made = [("steps", 3000.0, 2000.0), ("learning_rate", 0.001, 0.0001)]
    qtbot.waitUntil(lambda: changes_of(page, name) == made, timeout=PATIENCE)
    assert context.changes.words(-1) == f"Learning rate of {name}"
    context.changes.undo()
    made.append(("learning_rate", 0.0001, 0.001))
    qtbot.waitUntil(lambda: changes_of(page, name) == made, timeout=PATIENCE)
    context.changes.redo()
    made.append(("learning_rate", 0.001, 0.0001))
    qtbot.waitUntil(lambda: changes_of(page, name) == made, timeout=PATIENCE)
    context.changes.undo()
    made.append(("learning_rate", 0.0001, 0.001))
    qtbot.waitUntil(lambda: changes_of(page, name) == made, timeout=PATIENCE)
    page.ask("pause")
    wait_for(qtbot, page, "paused")
    context.changes.undo()  # a run that waits takes it, too
    made.append(("steps", 2000.0, 3000.0))
    qtbot.waitUntil(lambda: changes_of(page, name) == made, timeout=PATIENCE)
    assert page.watches[name].state.total_steps == 3000


def test_a_run_that_has_ended_refuses_in_words(qtbot, page, begin, context):  # noqa: F811
    failed, said = [], []
    context.failed.connect(failed.append)
    context.said.connect(lambda text, undo: said.append((text, undo)))
    name = begin(LONG)
    wait_for(qtbot, page, "running")
    context.changes.show_page("runs")
    page.change({"learning_rate": "0.0001"})
    assert said[-1][0] == f"Learning rate of {name}: 0.0001 from the next step on"
    qtbot.waitUntil(lambda: len(changes_of(page, name)) == 1, timeout=PATIENCE)
    page.stop()
    wait_for(qtbot, page, "stopped")
    context.changes.undo()
    assert str(failed[-1]).startswith(f"{name} is stopped: its learning rate stays as it is.")
    assert context.changes.words(-1) == ""


def test_before_the_run_has_read_a_request_its_old_value_holds(qtbot, page, begin, context):  # noqa: F811
    name = begin("steps = 5\npause = 1.0")
    wait_for(qtbot, page, "running")
    page.watches[name].ask = (asked := []).append
    context.changes.show_page("runs")
    page.change({"steps": "4"})
    context.changes.undo()
    assert asked == ["set steps 4", "set steps 5"]
