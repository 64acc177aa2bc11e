"""`tokstudio bench`: shapes, exit codes, and what the start-up benchmark takes for a start."""

import json
import os
import sys
from pathlib import Path

import pytest

from tokstudio import cli
from tokstudio.bench import startup
from tokstudio.bench.base import BENCHMARKS, Benchmark, Figure
from tokstudio.errors import RunError

FAST = Figure(name="first_s", value=0.5, unit="s", target=1.0)
SLOW = Figure(name="last_s", value=2.0, unit="s", target=1.0)
FREE = Figure(name="size_mb", value=9.0, unit="MB")


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """What the one benchmark of this test gives."""
    given: list[Figure] = []
    monkeypatch.setattr(BENCHMARKS, "_discovered", True)
    monkeypatch.setattr(BENCHMARKS, "_items", {"fake": Benchmark("fake", "A fake", lambda repeat: given)})
    return given


def test_a_target_is_an_upper_limit():
    assert [figure.met for figure in (FAST, SLOW, FREE)] == [True, False, None]
    assert Figure(name="lost", value=float("nan"), unit="s", target=1.0).met is False


def test_json_holds_every_figure_with_unit_and_target(figures, capsys):
    figures += [FAST, FREE]
    assert cli.main(["bench", "fake", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["benchmark"] == "fake"
    assert said["met"] is True
    first, size = said["figures"]
    assert first == {"name": "first_s", "value": 0.5, "unit": "s", "target": 1.0, "note": "", "met": True}
    assert (size["target"], size["met"]) == (None, None)


@pytest.mark.parametrize(
    ("found", "check", "code"), [(SLOW, True, 1), (SLOW, False, 0), (FAST, True, 0), (FREE, True, 0)]
)
def test_only_a_missed_target_fails_a_check(figures, found, check, code, capsys):
    figures.append(found)
    assert cli.main(["bench", "fake", *(["--check"] if check else [])]) == code
    assert ("MISSED" in capsys.readouterr().out) == (found is SLOW)


def test_without_a_name_they_are_listed(capsys):
    assert cli.main(["bench", "--json"]) == 0
    assert "startup" in json.loads(capsys.readouterr().out)["benchmarks"]


@pytest.mark.parametrize("wrong", [["no-such"], ["--check"], ["startup", "--repeat", "0"]], ids=" ".join)
def test_a_wrong_call_is_a_plain_sentence(wrong, capsys):
    assert cli.main(["bench", *wrong]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 2


def program(folder: Path, text: str) -> tuple[str, ...]:
    (folder / "program.py").write_text(text)
    return (str(folder / "program.py"),)


def test_a_start_is_timed_to_its_line(tmp_path):
    window = "import sys\nprint('noise\\nfirst-tokens 0.1', file=sys.stderr)\nx = bytearray(50_000_000)\n"
    start = startup.start_once(os.environ, program(tmp_path, window))
    assert start.seconds > 0
    if sys.platform != "win32":
        assert start.peak_bytes > 50_000_000


def test_a_window_that_never_paints_is_reported_with_what_it_said(tmp_path):
    with pytest.raises(RunError, match="no display here"):
        startup.start_once(os.environ, program(tmp_path, "import sys\nsys.exit('no display here')"))


@pytest.mark.skipif(os.name != "posix", reason="process groups")
def test_a_window_that_hangs_is_ended_with_what_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(startup, "PATIENCE", 1.0)
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    window = program(tmp_path, f"import subprocess, sys, time\n{child}\ntime.sleep(60)")
    with pytest.raises(RunError):
        startup.start_once(os.environ, window)


@pytest.mark.parametrize(
    ("environment", "platform"),
    [
        ({}, "offscreen"),
        ({"DISPLAY": ":0"}, ""),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, "offscreen"),
    ],
    ids=str,
)
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="those always have a desktop")
def test_without_a_display_the_window_opens_offscreen(environment, platform):
    assert startup.platform_name(environment) == platform
