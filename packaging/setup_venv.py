"""Make, finish, update or repair the environment that run.py and test.py start from.

The installation is editable: the checkout stays the program, so a changed source file needs no set-up, and
only pyproject.toml and constraints.txt decide whether there is something to install.
"""

import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import setup_libraries
import setup_packages
import setup_stamp
from setup_packages import SetupError, say


def main(extras: Sequence[str], window: bool) -> None:
    """Returns with a finished environment, or exits with a sentence: 2, or 130 after Ctrl+C."""
    try:
        prepare(extras, window)
    except SetupError as error:
        say(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        say("stopped; the next start takes it up")
        sys.exit(130)


def prepare(extras: Sequence[str], window: bool) -> None:
    venv = setup_stamp.venv_folder()
    os.makedirs(os.path.dirname(venv), exist_ok=True)
    with locked(venv + ".lock"):
        if not setup_stamp.is_installed(extras):  # asked again: another start may have done it meanwhile
            install(venv, extras)
        if not setup_stamp.is_ready(extras, window):
            check_libraries(venv, window)


@contextmanager
def locked(path: str) -> Iterator[None]:
    """One set-up at a time. The system drops the lock with the last process that has the file open: a set-up
    that was killed blocks nobody, but a pip that it leaves behind still does, for it is still writing."""
    with open(path, "w", encoding="utf-8") as file:
        os.set_inheritable(file.fileno(), True)
        lock = _lock_windows if os.name == "nt" else _lock_posix
        if not lock(file.fileno(), wait=False):
            say("another start is setting up; waiting for it")
            lock(file.fileno(), wait=True)
        yield


def _lock_posix(descriptor: int, wait: bool) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _lock_windows(descriptor: int, wait: bool) -> bool:
    import msvcrt

    while True:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            if not wait:
                return False
            time.sleep(1)
        else:
            return True


def plan(stamp: dict[str, str], *, exists: bool, runs: bool, moved: bool) -> str:
    """What to do with the folder: make, remake, update, or refuse.

    `exists`: it is there and not empty. `runs`: it has a Python that can start. `moved`: it was made for
    another place, which its scripts still name. Only a folder with this program's stamp is ever cleared.
    """
    if not stamp:
        return "make" if not exists else "update" if runs else "refuse"
    return "update" if stamp.get("state") == "ready" and runs and not moved else "remake"


def install(venv: str, extras: Sequence[str]) -> None:
    before, started = setup_stamp.read(venv), time.monotonic()
    place = f"{setup_stamp.ROOT}|{venv}"
    step = plan(
        before,
        exists=os.path.isdir(venv) and bool(os.listdir(venv)),
        runs=os.path.exists(setup_stamp.venv_python()),
        moved=before.get("place") != place,
    )
    if step == "refuse":
        raise SetupError(
            f"{venv} holds something else. Move it away, or name another folder in TOKSTUDIO_VENV."
        )
    if step == "remake":
        say(f"clearing {venv}, which an interrupted or moved set-up left")
        shutil.rmtree(venv)
    if step != "update":
        make(venv)
    wanted = sorted(set(setup_stamp.extras(before)) | set(extras))
    stamp = {
        "key": setup_stamp.key(setup_stamp.ROOT, venv),
        "place": place,
        "extras": ",".join(wanted) or "none",
    }
    fill(venv, before if step == "update" else {}, stamp, wanted)
    say(f"installed after {time.monotonic() - started:.0f} s")


def fill(venv: str, before: dict[str, str], stamp: dict[str, str], extras: Sequence[str]) -> None:
    """Install into the environment; while that goes on, its stamp says that nothing in it can be trusted."""
    setup_stamp.write(venv, stamp | {"state": "updating"})
    try:
        setup_packages.install(extras)
    except SetupError:
        if before:  # pip has taken back what it began, so what worked still does
            setup_stamp.write(venv, before)
        raise
    setup_stamp.write(venv, stamp | {"state": "ready"})


def make(venv: str) -> None:
    need_venv_module()
    say(f"making {venv} with Python {sys.version.split()[0]}")
    os.makedirs(venv, exist_ok=True)
    setup_stamp.write(venv, {"state": "making"})
    if not setup_packages.run([sys.executable, "-m", "venv", venv]):
        raise SetupError(f"Python could not make {venv}; its reason is above.")


def need_venv_module() -> None:
    """Debian and Ubuntu keep `venv` and `ensurepip` in a package of their own."""
    if has_venv_module():
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if setup_libraries.can_install(setup_libraries.package_manager()):
        say(f"installing {package}")
        setup_libraries.apt_install([package])
        importlib.invalidate_caches()
    if not has_venv_module():
        raise SetupError(
            "this Python cannot make environments: its module venv or ensurepip is missing.\n"
            f"On Debian and Ubuntu: sudo apt-get install {package}"
        )


def has_venv_module() -> bool:
    return bool(importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"))


def check_libraries(venv: str, window: bool) -> None:
    """Find out whether Qt loads, install what it lacks or say how, and note it in the stamp."""
    level = look_at_libraries() if sys.platform == "linux" else "all"
    setup_stamp.write(venv, setup_stamp.read(venv) | {"libraries": level})
    if window and not setup_stamp.suffices(level, os.environ):
        raise SetupError("no window without them; commands such as `run.py tokenize` work.")


def look_at_libraries() -> str:
    finding = setup_libraries.probe(setup_stamp.venv_python())
    manager = setup_libraries.package_manager()
    if finding.missing and setup_libraries.level(finding) != "all" and setup_libraries.can_install(manager):
        names = setup_libraries.packages(finding.missing, "apt")
        say(f"installing system libraries for Qt: {' '.join(names)}")
        setup_libraries.apt_install(names)
        finding = setup_libraries.probe(setup_stamp.venv_python())
    if setup_libraries.level(finding) != "all":
        say(f"Qt lacks system libraries: {finding.window or finding.display}")
        say(f"install them:\n  {setup_libraries.install_line(finding, manager)}")
    return setup_libraries.level(finding)
