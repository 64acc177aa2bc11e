"""What no file of the repository may hold."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = {".py", ".toml", ".md", ".txt", ".spec", ".desktop", ".json", ".svg", ".jsonl", ".cfg", ".yml", ""}
LARGEST_LINE_COUNT = 400  # of a Python file

# Spelled in two halves, so that this file does not find itself.
MACHINE_PATHS = [
    r"/work" r"/",
    r"/tmp" r"/",
    r"/root" r"/",
    r"/home" r"/[a-z]",
    r"\.\./sha" r"red",
    r"/opt/(py" r"pi|wh" r"eels)",
]
BRITISH = (
    r"(?i)\b(colou"
    r"r|(normal|token|initial|optim|serial|recogn|visual)is(e|ed|er|ing|ation)|behaviou"
    r"r|licenc"
    r"e)"
)


def tracked() -> list[Path]:
    """Files under version control, or all of them where there is none (an unpacked archive)."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    """Ours to word: not the demo model's data, which is what was found, and not the licenses of others."""
    ours = [path for path in tracked() if path.suffix in TEXT and "licen" not in path.name.lower()]
    return [
        (path, path.read_text(encoding="utf-8"))
        for path in ours
        if "resources" not in path.relative_to(ROOT).parts
    ]


def found(pattern: str, files: list[tuple[Path, str]]) -> list[str]:
    """`file:line: text` of every match."""
    expression = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path, text in files
        for number, line in enumerate(text.splitlines(), 1)
        if expression.search(line)
    ]


@pytest.mark.parametrize("pattern", MACHINE_PATHS)
def test_no_file_names_a_place_on_one_machine(pattern):
    assert found(pattern, texts()) == []


def test_the_spelling_is_american():
    """One spelling, so that a search finds everything."""
    assert found(BRITISH, texts()) == []


def test_packaging_is_no_package():
    """With an __init__.py it would hide the library of that name from everything started in the root."""
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_no_python_file_has_grown_too_long():
    long = {
        path.name: count
        for path, text in texts()
        if path.suffix == ".py" and (count := text.count("\n")) > LARGEST_LINE_COUNT
    }
    assert long == {}


def test_nothing_is_read_by_executing_it():
    """No pickle, no code that arrives with a model."""
    code = [(path, text) for path, text in texts() if path.suffix == ".py" and "tokstudio" in path.parts]
    assert found(r"^\s*(import|from) (pickle|dill|cloudpickle|marshal|shelve)\b", code) == []
    assert found(r"trust_remote_code\s*=\s*True|weights_only\s*=\s*False", code) == []
