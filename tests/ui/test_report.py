"""The dialog for a mistake of the program, and the report that names nobody."""

import getpass
import platform
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel

from tokstudio.ui.report import KEPT, CrashDialog, cause_of, redact, report_text, reports_folder, save


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            'File "/opt/venv/lib/python3.11/site-packages/a/b.py", line 3',
            'File "…/python3.11/site-packages/a/b.py"',
        ),
        ('File "/srv/my work/tokstudio/ui/app.py", line 3', 'File "…/tokstudio/ui/app.py"'),
        ("No such file: '/data/Anna Muster/secret.txt'", "No such file: '<path>'"),
        ("cannot open /data/anna/secret.txt now", "cannot open <path> now"),
        (r"cannot open C:\Users\anna\secret.txt now", "cannot open <path> now"),
        (r"cannot open 'C:\Users\Anna M\secret.txt'", "cannot open '<path>'"),
        ("3 / 4 and a/b and 1.5/2", "3 / 4 and a/b and 1.5/2"),
    ],
)
def test_paths_go(text, kept):
    assert kept in redact(text)
    assert "nna" not in redact(text)
    assert "my work" not in redact(text)


def test_names_of_people_and_machines_go():
    text = f"{Path.home() / 'a.txt'} of {getpass.getuser()} on {platform.node()}"
    found = redact(text)
    assert str(Path.home()) not in found
    assert f"of {getpass.getuser()}" not in found
    assert platform.node() not in found


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (MemoryError(), "memory"),
        (OSError(28, "No space left on device"), "disk is full"),
        (PermissionError(13, "no"), "may not"),
        (OSError(24, "Too many open files"), "Too many files"),
        (KeyError("x"), "KeyError"),
    ],
)
def test_why_and_what_to_do(error, word):
    cause, hint = cause_of(error)
    assert word in cause
    assert hint.endswith(".")


def test_the_dialog(qtbot, tokstudio_home):
    try:
        raise ValueError("/data/anna/secret.txt is odd")
    except ValueError as caught:
        error = caught
    dialog = CrashDialog(error, report_text(type(error), error, error.__traceback__), None)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.details.isVisible()
    dialog.more.click()
    assert dialog.details.isVisible()
    assert "ValueError: <path> is odd" in dialog.details.toPlainText()
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == dialog.report
    assert dialog.log.isEnabled()
    assert dialog.path.read_text(encoding="utf-8") == dialog.report
    words = " ".join(part.text() for part in dialog.findChildren(QLabel))
    assert "ValueError" in words
    assert "anna" not in words


def test_old_reports_go(tokstudio_home):
    reports_folder().mkdir(parents=True)
    for number in range(KEPT + 5):
        (reports_folder() / f"report-20200101-0000{number:02}.txt").write_text("old")
    assert save("new").read_text() == "new"
    assert len(list(reports_folder().iterdir())) == KEPT


def test_a_folder_that_cannot_be_written_stops_nothing(tokstudio_home):
    tokstudio_home.mkdir(parents=True)
    reports_folder().write_text("a file in the way")
    assert save("new") is None
