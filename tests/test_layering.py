"""The engine runs without Qt, the window never pays for torch, and imports point downwards."""

import subprocess
import sys

import pytest

ENGINE = [
    "errors",
    "paths",
    "registry",
    "events",
    "tokens",
    "align",
    "embed",
    "models",
    "transfer",
    "train",
    "runs",
    "bench",
    "cli",
]
QT = ["PySide6", "PySide2", "PyQt6", "PyQt5", "qtpy", "shiboken6", "pyqtgraph"]
HEAVY = ["torch", "transformers", "peft", "scipy", "sklearn", "sentence_transformers", "accelerate"]
# What the window's process may come to import. Some of these start torch in a worker, inside a function.
LIGHT = ["errors", "paths", "registry", "events", "tokens", "align", "embed", "runs", "ui", "train.config"]
# What the window lists to draw its forms.
LISTED = ["transfer.methods", "train.objectives"]

IMPORT_ALL = """
import importlib, pkgutil, sys
blocked, names = {blocked!r}, {names!r}
for name in blocked:
    sys.modules[name] = None  # importing it now raises ImportError
for name in names:
    module = importlib.import_module("tokstudio." + name)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), module.__name__ + "."):
        importlib.import_module(found.name)
"""


def import_all(names: list[str], blocked: list[str]) -> None:
    """In a process of its own: this one has imported Qt already, and torch perhaps."""
    program = IMPORT_ALL.format(names=names, blocked=blocked)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_engine_imports_without_qt():
    import_all(ENGINE, blocked=QT)


@pytest.mark.parametrize("names", [LIGHT, LISTED], ids=["light", "listed"])
def test_what_the_window_imports_needs_no_torch(names):
    import_all(names, blocked=HEAVY)


TOUR = """
import sys
from PySide6.QtTest import QTest
from tokstudio.ui import app, theme
from tokstudio.ui.context import Context
from tokstudio.ui.main_window import MainWindow

qt = app.make_application([])
theme.apply(qt, "light")
window = MainWindow(Context())
window.show()
for name in ("compare", "vocabulary", "embeddings", "transfer", "runs", "compare"):
    window.show_page(name)
    QTest.qWait(300)
window.toggle_scheme()
window.close()
QTest.qWait(100)
print(*sorted(sys.modules))
"""


def test_a_tour_of_the_window_imports_no_torch():
    done = subprocess.run([sys.executable, "-c", TOUR], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(HEAVY) & set(done.stdout.split()) == set()
    assert "tokstudio.ui.pages.compare" in done.stdout.split()


def test_the_contracts_hold():
    """The same contracts as `lint-imports`, so that one test run tells all."""
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
