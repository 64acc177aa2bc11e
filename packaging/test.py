#!/usr/bin/env python3
"""Set up what the tests need, then run all of them with no display.

    python3 packaging/test.py                         the whole suite
    python3 packaging/test.py tests/cli -k startup    arguments go to pytest; paths count from the checkout

The exit code is pytest's.
"""

import os
import sys

import run
import setup_stamp


def main(arguments):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if not setup_stamp.is_ready(("test",), window=True):  # pytest-qt imports Qt before the first test
        run.use_a_newer_python()
        import setup_venv

        setup_venv.main(extras=("test",), window=True)
    os.chdir(setup_stamp.ROOT)
    run.start(["-P", "-m", "pytest", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
