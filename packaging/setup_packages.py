"""What pip puts into the environment, in which order, and what is said when it cannot."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

import setup_stamp
import setup_torch

CONSTRAINTS = os.path.join(setup_stamp.ROOT, "packaging", "constraints.txt")


class SetupError(Exception):
    """The set-up cannot go on; the message says what to do."""


def say(line: str) -> None:
    sys.stderr.write(f"tokstudio set-up: {line}\n")
    sys.stderr.flush()


def install(extras: Sequence[str]) -> None:
    """The program and all it needs, from the constraints. Raises SetupError where pip fails."""
    install_torch()
    say("installing packages; a first set-up takes minutes")
    # the build back end goes into the environment, so that it too is pinned, and later builds fetch nothing
    pip(["install", "-c", CONSTRAINTS, "hatchling", "editables"])
    project = setup_stamp.ROOT + (f"[{','.join(extras)}]" if extras else "")
    pip(["install", "-c", CONSTRAINTS, "--no-build-isolation", "--editable", project])
    compile_packages()


def install_torch() -> None:
    """From PyTorch's CPU index where that is the right place; else `install` finds it on the default one."""
    if has_pinned_torch():
        return
    gpu = setup_torch.has_nvidia_gpu()
    wanted = os.environ.get("TOKSTUDIO_TORCH_INDEX")
    ask = setup_torch.cpu_index_reachable
    index = setup_torch.choose_index(platform=sys.platform, gpu=gpu, wanted=wanted, reachable=ask)
    say(f"{'NVIDIA GPU found' if gpu else 'no NVIDIA GPU'}; PyTorch from {index or 'the default index'}")
    if index is None:
        return
    try:
        pip(setup_torch.pip_arguments(pinned("torch"), index))
    except SetupError:
        say("that did not work; taking PyTorch from the default index (on Linux that may be several GB)")


def pinned(name: str) -> str:
    """The line of constraints.txt for `name`, e.g. "torch==2.13.0"."""
    with open(CONSTRAINTS, encoding="utf-8") as file:
        return next(line.strip() for line in file if line.startswith(f"{name}=="))


def has_pinned_torch() -> bool:
    """In any build: the version before "+cpu" counts."""
    code = (
        "import importlib.metadata as m, sys; sys.exit(m.version('torch').partition('+')[0] != sys.argv[1])"
    )
    command = [setup_stamp.venv_python(), "-c", code, pinned("torch").partition("==")[2]]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def pip(arguments: Sequence[str]) -> None:
    quiet = [] if sys.stderr.isatty() else ["-qq"]  # a person gets the progress bar, a log only errors
    options = ["--disable-pip-version-check", "--no-input", *quiet]
    command = [setup_stamp.venv_python(), "-m", "pip", *options, arguments[0], "--no-compile", *arguments[1:]]
    if run(command):
        return
    free = shutil.disk_usage(setup_stamp.venv_folder()).free / 1e9
    raise SetupError(
        f"pip could not install this; its reason is above ({free:.1f} GB of disk are free).\n"
        "Put that right and start again: what has been fetched is in pip's cache."
    )


def compile_packages() -> None:
    """Byte code on all cores, where pip would use one. Templates that are no Python fail: they never run."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    python = setup_stamp.venv_python()
    folder = subprocess.run(
        [python, "-c", code], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    command = [python, "-m", "compileall", "-q", "-q", "-j", "0", folder]
    subprocess.run(command, stdout=sys.stderr, stderr=subprocess.DEVNULL)


def run(command: Sequence[str]) -> bool:
    """Did it succeed? Its stdout goes to our stderr: our stdout belongs to the program that starts later."""
    # close_fds: what is started here holds the set-up's lock too
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, close_fds=False)
    return done.returncode == 0
