#!/usr/bin/env python3
"""Set Tokstudio up where that is still to do, then start it.

    python3 packaging/run.py                   open the window
    python3 packaging/run.py COMMAND ...       any command of `tokstudio`, with its exit code

Needs nothing but Python 3.11 or newer. The set-up goes into `.venv` in the checkout, or into $TOKSTUDIO_VENV,
and reports on stderr alone. A finished set-up is recognized by its stamp, and this file then costs one more
start of Python, so it imports little and waits for nothing. Older Pythons can read it, to say what is wrong.
"""

import os
import sys

import setup_stamp


def main(arguments):
    window = not arguments
    if not setup_stamp.is_ready((), window=window):
        use_a_newer_python()
        import setup_venv

        setup_venv.main(extras=(), window=window)
    # -P: a folder called tokstudio or packaging where the person stands must not be imported
    start(["-P", "-m", "tokstudio", *arguments])


def start(arguments):
    """Replace this process by the environment's Python; does not return."""
    python = setup_stamp.venv_python()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execv(python, [python, *arguments])
    import subprocess  # Windows' exec returns to the shell before the program has ended

    sys.exit(subprocess.call([python, *arguments]))


def use_a_newer_python():
    """Go on under a newer Python of this machine where this one is too old; exits where there is none."""
    if sys.version_info >= (3, 11):  # noqa: UP036  the one file that has to run below it
        return
    import shutil

    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        python = shutil.which(name)
        if python:
            os.execv(python, [python, *sys.argv])
    sys.stderr.write("Tokstudio needs Python 3.11 or newer; this is {}.{}.\n".format(*sys.version_info))
    sys.stderr.write(
        "Install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv) and start again.\n"
    )
    sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
