"""The file that tells a finished set-up from none, a half-made or an outdated one.

`.venv/tokstudio-setup` has one `name value` pair a line:

    state      making (nothing of it can be trusted), updating (the same), or ready
    key        hash of pyproject.toml, constraints.txt and of where checkout and environment are
    place      checkout|environment, as in the key: a set-up that was moved is made again
    extras     the extras that are installed, e.g. "test", or none
    libraries  all; no-x11 (Qt loads, but opens no window on X11); none (Qt does not load)

Read at every start, so it imports nothing that takes time. Reads on older Pythons.
"""

import hashlib
import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAME = "tokstudio-setup"
SOURCES = ("pyproject.toml", os.path.join("packaging", "constraints.txt"))


def venv_folder():
    return os.path.abspath(
        os.path.expanduser(os.environ.get("TOKSTUDIO_VENV") or os.path.join(ROOT, ".venv"))
    )


def venv_python():
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(venv_folder(), *parts)


def key(root, venv):
    """The installation is editable and its scripts name the environment: both places are part of it."""
    digest = hashlib.sha256()
    for name in SOURCES:
        with open(os.path.join(root, name), "rb") as file:
            digest.update(file.read())
    digest.update(f"\0{root}\0{venv}".encode())
    return digest.hexdigest()


def read(venv):
    """The stamp as a dict, empty where there is none."""
    try:
        with open(os.path.join(venv, NAME), encoding="utf-8") as file:
            return dict(line.rstrip("\n").split(" ", 1) for line in file if " " in line)
    except (FileNotFoundError, NotADirectoryError):
        return {}


def write(venv, stamp):
    """At once or not at all: a start that reads it meanwhile sees the old one or the new one."""
    path = os.path.join(venv, NAME)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.writelines(f"{name} {value}\n" for name, value in stamp.items())
    os.replace(path + ".new", path)


def suffices(libraries, environment):
    """Can a window open, given the stamp's word on libraries? X11 is assumed where nothing else is chosen."""
    other = environment.get("WAYLAND_DISPLAY") or environment.get("QT_QPA_PLATFORM", "xcb") != "xcb"
    return libraries == "all" or bool(libraries == "no-x11" and other)


def extras(stamp):
    return [name for name in stamp.get("extras", "none").split(",") if name != "none"]


def installed(stamp, wanted, needed):
    """Are the packages those that the key `wanted` asks for, with the extras `needed`?"""
    return stamp.get("state") == "ready" and stamp.get("key") == wanted and set(needed) <= set(extras(stamp))


def is_installed(needed):
    venv = venv_folder()
    # exists() follows the link: the Python that the environment was made with may have been removed
    return os.path.exists(venv_python()) and installed(read(venv), key(ROOT, venv), needed)


def is_ready(needed, window):
    """Is nothing left to do? A window needs Qt's libraries; a command works without them."""
    libraries = read(venv_folder()).get("libraries")
    known = libraries is not None and (not window or suffices(libraries, os.environ))
    return known and is_installed(needed)
