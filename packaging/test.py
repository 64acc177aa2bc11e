#!/usr/bin/env python3
"""Set up what the tests need, then run all of them with no display.

    python3 packaging/test.py                         the whole suite, a process on each core (at most eight)
    python3 packaging/test.py tests/cli -k startup    arguments go to pytest; paths count from the checkout
    python3 packaging/test.py -n 0                    the whole suite in one process

The exit code is pytest's.
"""

import os
import sys

import run
import setup_stamp

# A file's tests stay together: models and windows that they share are made once.
ALL_CORES = ["-n", "logical", "--maxprocesses", "8", "--dist", "loadfile"]


def main(arguments):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if not setup_stamp.is_ready(("test",), window=True):  # pytest-qt imports Qt before the first test
        run.use_a_newer_python()
        import setup_venv

        setup_venv.main(extras=("test",), window=True)
    os.chdir(setup_stamp.ROOT)
    if not arguments:
        arguments = ALL_CORES
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # each process would start a thread for each core
    run.start(["-P", "-m", "pytest", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
