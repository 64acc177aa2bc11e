"""How the pages lie on screens of other sizes and scales."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scale", ["1", "1.25", "1.5", "2"])
@pytest.mark.parametrize("size", [("1600", "1000"), ("1100", "700"), ("880", "600")])
def test_no_word_is_cut_and_nothing_lies_outside(tokstudio_home, scale, size):
    environment = {**os.environ, "QT_SCALE_FACTOR": scale, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "tests.ui.layout_facts", *size]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.stdout.splitlines()[-1:] == ["looked"], done.stderr
    assert done.stdout.splitlines()[:-1] == []
