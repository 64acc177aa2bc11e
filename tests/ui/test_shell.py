"""The window around the pages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QPlainTextEdit

from tests.ui.walk import StrayWindows
from tokstudio.errors import InputError, TokenizerError
from tokstudio.ui import page_list, theme
from tokstudio.ui.context import Context, Settings
from tokstudio.ui.drop import read_text, target_of
from tokstudio.ui.guard import CrashGuard
from tokstudio.ui.main_window import MainWindow
from tokstudio.ui.report import redact, report_text


@pytest.fixture
def context(qapp, tokstudio_home):
    theme.apply(qapp, "light")
    yield Context(Settings(tokstudio_home / "window.ini"))
    theme.load_scale(1.0)
    theme.apply(qapp, "light")


@pytest.fixture
def window(qtbot, context):
    made = MainWindow(context)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


def test_pages_in_their_order():
    assert [entry.title for entry in page_list.entries()][:6] == [
        *("Compare", "Vocabulary", "Embeddings", "Model", "Transfer", "Runs")
    ]


def test_only_compare_is_built_at_the_start(window):
    assert list(window._pages) == ["compare"]
    assert window.rail.buttons["compare"].isChecked()
    assert window.top.title.text() == "Compare"


def test_no_part_is_shown_as_a_window_of_its_own(qapp, qtbot, context):
    stray = StrayWindows(MainWindow)
    qapp.installEventFilter(stray)
    made = MainWindow(context)
    qtbot.addWidget(made)
    made.show()
    context.job("one", "A job", 0.5, lambda: None)
    for name in ("transfer", "runs", "embeddings"):
        made.show_page(name)
    qapp.removeEventFilter(stray)
    made.end(0)
    assert stray.found == []


def test_everything_interactive_has_an_accessible_name(window):
    window.palette_.open_with(window.choices())
    kinds = (QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit)
    nameless = [
        widget
        for kind in kinds
        for widget in window.findChildren(kind)
        if not widget.accessibleName() and not widget.objectName().startswith("qt_")
    ]
    assert nameless == []


@pytest.mark.parametrize(
    ("width", "size_class", "rail", "find"),
    [(1440, "wide", 72, 320), (1279, "medium", 72, 30), (1039, "narrow", 48, 30), (880, "narrow", 48, 30)],
)
def test_breakpoints(window, qapp, width, size_class, rail, find):
    window.resize(width, 700)
    qapp.processEvents()
    assert window.width() == width  # nothing inside asks for more
    assert window.context.size_class == size_class
    assert (window.rail.width(), window.top.find.width()) == (rail, find)


def test_it_fits_its_minimum(window, qapp):
    window.resize(880, 600)
    qapp.processEvents()
    assert (window.width(), window.height()) == (880, 600)
    assert window.minimumSizeHint().width() <= 880


def test_the_palette_lists_pages_actions_and_tokenizers(qtbot, window):
    window.open_palette()
    names = [choice.text for choice in window.palette_.model.rows]
    assert {"Runs", "Next disagreement", "Dark colors", "cl100k_base"} <= set(names)
    qtbot.keyClicks(window.palette_.field, "dark colors")
    qtbot.keyClick(window.palette_.field, Qt.Key_Return)
    assert theme.current() == "dark"


def test_scheme_scale_page_and_place_are_remembered(qtbot, window, tokstudio_home):
    window.rail.scheme.click()
    window.zoom(1)
    window.resize(880, 700)
    window.close()
    kept = Settings(tokstudio_home / "window.ini")
    assert kept.get("look/mode") == "dark"
    assert kept.get("look/scale") == 1.15
    assert kept.get("window/page") == "compare"
    again = MainWindow(Context(kept))
    qtbot.addWidget(again)
    assert (again.width(), again.height()) == (880, 700)
    again.close()


def test_a_missing_page_says_so(qtbot, context):
    entry = page_list.PageEntry("poems", "Poems", "file", 9, "Nothing yet.")
    made = page_list.build(entry, context)
    qtbot.addWidget(made)
    assert "Poems is not part of this version" in [words.text() for words in made.findChildren(QLabel)]


def test_jobs_come_and_go(window):
    window.context.job("index", "Indexing", 0.62, cancel=lambda: None)
    assert window.status._jobs["index"].share.text() == "62 %"
    window.context.job_done("index")
    assert window.status._jobs == {}


def test_a_live_run_marks_the_rail(window):
    window.context.badge("runs", True)
    assert window.rail.buttons["runs"].alive


def test_f6_walks_the_regions(qtbot, window):
    seen = set()
    for _ in range(8):
        window.next_region(1)
        seen.add(QApplication.focusWidget())
    assert window.page("compare").text.editor.edit in seen
    assert window.top.find in seen


def drop(window, path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier))


def test_a_dropped_text_opens_and_undo_brings_the_old_one_back(window, tmp_path):
    page, path = window.page("compare"), tmp_path / "note.txt"
    before = page.text.editor.text()
    path.write_text("dropped", encoding="utf-8")
    drop(window, path)
    assert page.text.editor.text() == "dropped"
    window.toast.undo.click()
    assert page.text.editor.text() == before


@pytest.mark.parametrize(("data", "words"), [(b"\xff\xfe\x00", "no UTF-8"), (None, "There is no file")])
def test_a_file_that_cannot_be_opened_is_said_in_words(window, tmp_path, data, words):
    path, before = tmp_path / "note.txt", window.page("compare").text.editor.text()
    if data is not None:
        path.write_bytes(data)
    window.open_path(str(path))
    assert words in window.toast.text.text()
    assert window.toast.hint.text()
    assert window.page("compare").text.editor.text() == before
    window.toast.dismiss()


def test_files_go_to_the_page_that_takes_them(tmp_path):
    for name, page in (
        ("m.safetensors", "embeddings"),
        ("a.model", "compare"),
        ("tokenizer.json", "compare"),
    ):
        (tmp_path / name).write_bytes(b"x")
        assert target_of(tmp_path / name)[0] == page
    with pytest.raises(InputError):
        target_of(tmp_path / "missing")


def test_line_ends_stay_and_a_byte_order_mark_goes(tmp_path):
    (tmp_path / "w.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\rc")
    assert read_text(tmp_path / "w.txt") == "a\r\nb\rc"


def test_the_report_names_nobody():
    try:
        raise ValueError(str(Path.home() / "secret"))
    except ValueError as error:
        text = report_text(type(error), error, error.__traceback__)
    assert str(Path.home() / "secret") not in text
    assert "ValueError" in text
    assert redact("nothing here") == "nothing here"


def test_expected_errors_become_a_toast_and_bugs_a_dialog(qtbot, context, capsys):
    guard, failed = CrashGuard(context), []
    context.failed.connect(failed.append)
    try:
        error = TokenizerError("Not a tokenizer.")
        sys.excepthook(type(error), error, None)
        bug = ZeroDivisionError("division by zero")
        sys.excepthook(type(bug), bug, None)
        sys.excepthook(type(bug), bug, None)
    finally:
        guard.uninstall()
    assert failed == [error]
    assert "ZeroDivisionError" in guard._dialog.report
    qtbot.addWidget(guard._dialog)
    guard._dialog.accept()
    assert "ZeroDivisionError" in capsys.readouterr().err


TOUR = """
import locale, sys
from tokstudio.ui.app import make_application
app = make_application([])
assert locale.setlocale(locale.LC_NUMERIC) == "C", locale.setlocale(locale.LC_NUMERIC)
from tokstudio.ui import theme
from tokstudio.ui.context import Context
from tokstudio.ui.main_window import MainWindow
theme.apply(app, "light")
window = MainWindow(Context())
window.show()
for name in list(window._entries):
    window.show_page(name)
    for _ in range(20):
        app.processEvents()
theme.apply(app, "dark")
window.show_page("compare")
window.page("compare").text.step(1)
window.open_palette()
app.processEvents()
window.close()
heavy = sorted({"torch", "transformers", "scipy", "sklearn", "pandas", "matplotlib"} & set(sys.modules))
print("heavy:", ",".join(heavy))
import psutil
print("resident:", psutil.Process().memory_info().rss // 1_000_000)
"""


def test_a_tour_of_all_pages_imports_nothing_heavy(tmp_path):
    environment = {**os.environ, "TOKSTUDIO_HOME": str(tmp_path / "tour"), "LC_ALL": "de_DE.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", TOUR], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "heavy: \n" in done.stdout


def test_first_tokens_are_reported(tmp_path):
    environment = {**os.environ, "TOKSTUDIO_HOME": str(tmp_path / "probe"), "TOKSTUDIO_STARTUP_PROBE": "1"}
    command = [sys.executable, "-m", "tokstudio"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stderr.splitlines() if line.startswith("first-tokens"))
    assert float(line.split()[1]) > 0
