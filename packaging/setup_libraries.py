"""The system libraries that Qt needs on Linux: which are missing, which packages have them, installing them.

What is missing is found by loading it. A list alone would be wrong on the next system, so Qt itself is loaded
too, and a library that only Qt knows to be missing is named as the loader names it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from typing import NamedTuple


class Library(NamedTuple):
    soname: str
    apt: str
    dnf: str
    pacman: str


LIBRARIES = [
    Library(*line.split())
    for line in """
libglib-2.0.so.0       libglib2.0-0         glib2                glib2
libEGL.so.1            libegl1              libglvnd-egl         libglvnd
libGL.so.1             libgl1               libglvnd-glx         libglvnd
libX11.so.6            libx11-6             libX11               libx11
libX11-xcb.so.1        libx11-xcb1          libX11-xcb           libx11
libdbus-1.so.3         libdbus-1-3          dbus-libs            dbus
libfontconfig.so.1     libfontconfig1       fontconfig           fontconfig
libxkbcommon.so.0      libxkbcommon0        libxkbcommon         libxkbcommon
libxkbcommon-x11.so.0  libxkbcommon-x11-0   libxkbcommon-x11     libxkbcommon-x11
libxcb-cursor.so.0     libxcb-cursor0       xcb-util-cursor      xcb-util-cursor
libxcb-icccm.so.4      libxcb-icccm4        xcb-util-wm          xcb-util-wm
libxcb-image.so.0      libxcb-image0        xcb-util-image       xcb-util-image
libxcb-keysyms.so.1    libxcb-keysyms1      xcb-util-keysyms     xcb-util-keysyms
libxcb-render-util.so.0 libxcb-render-util0 xcb-util-renderutil  xcb-util-renderutil
libxcb-util.so.1       libxcb-util1         xcb-util             xcb-util
libxcb-randr.so.0      libxcb-randr0        libxcb               libxcb
libxcb-render.so.0     libxcb-render0       libxcb               libxcb
libxcb-shape.so.0      libxcb-shape0        libxcb               libxcb
libxcb-shm.so.0        libxcb-shm0          libxcb               libxcb
libxcb-sync.so.1       libxcb-sync1         libxcb               libxcb
libxcb-xfixes.so.0     libxcb-xfixes0       libxcb               libxcb
libxcb-xinerama.so.0   libxcb-xinerama0     libxcb               libxcb
libxcb-xkb.so.1        libxcb-xkb1          libxcb               libxcb
""".strip().splitlines()
]
MANAGERS = {"apt": "apt-get install -y", "dnf": "dnf install -y", "pacman": "pacman -S --needed --noconfirm"}
PROGRAMS = {"apt": "apt-get", "dnf": "dnf", "pacman": "pacman"}

# Runs in a process of its own: a library, once loaded, cannot be unloaded and tried again.
PROBE = """
import ctypes, json, pathlib, sys
def load(name):
    try:
        ctypes.CDLL(str(name))
    except OSError as error:
        return str(error)
    return ""
missing = [name for name in sys.argv[1:] if load(name)]
window = display = ""
try:
    import PySide6, PySide6.QtGui, PySide6.QtSvg, PySide6.QtTest, PySide6.QtWidgets
except ImportError as error:
    window = str(error)
else:
    folder = pathlib.Path(PySide6.__file__).parent / "Qt" / "plugins" / "platforms"
    display = load(folder / "libqxcb.so")
print(json.dumps({"missing": missing, "window": window, "display": display}))
"""


class Finding(NamedTuple):
    missing: list[str]  # sonames of LIBRARIES that do not load
    window: str  # why Qt's modules do not load, or ""
    display: str  # why Qt cannot show a window on X11, or "" (headless and Wayland work without)


def probe(python: str) -> Finding:
    """Load everything once. Raises subprocess.CalledProcessError where `python` itself does not run."""
    command = [python, "-P", "-c", PROBE, *(library.soname for library in LIBRARIES)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Finding(**json.loads(answer.stdout))


def level(finding: Finding) -> str:
    """The stamp's word for it: all, no-x11 or none."""
    return "none" if finding.window else "no-x11" if finding.display else "all"


def packages(sonames: Iterable[str], manager: str) -> list[str]:
    """Names of the packages that have `sonames`, each once."""
    missing = set(sonames)
    return list(
        dict.fromkeys(getattr(library, manager) for library in LIBRARIES if library.soname in missing)
    )


def unlisted(finding: Finding) -> list[str]:
    """Libraries that Qt asks for and LIBRARIES does not know."""
    named = re.findall(r"(\S+\.so[.\d]*): cannot open shared object", f"{finding.window}\n{finding.display}")
    return [name for name in dict.fromkeys(named) if name not in finding.missing]


def install_line(finding: Finding, manager: str | None) -> str:
    """What a person types to get what is missing."""
    if manager is None:
        return "the system packages that have " + ", ".join([*finding.missing, *unlisted(finding)])
    return " ".join(["sudo", MANAGERS[manager], *packages(finding.missing, manager)])


def package_manager() -> str | None:
    return next((name for name, program in PROGRAMS.items() if shutil.which(program)), None)


def can_install(manager: str | None) -> bool:
    """Only Debian's family is tried unasked, and only where no password is needed."""
    return sys.platform == "linux" and manager == "apt" and os.geteuid() == 0


def apt_install(names: list[str]) -> bool:
    """Install `names`; with fresh lists where the ones at hand do not do. False where apt cannot."""
    limits = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "DPkg::Lock::Timeout=120"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}

    def apt(*arguments: str) -> bool:
        # what goes wrong is on stderr, the rest is dpkg's chat
        command = ["apt-get", "-qq", *limits, *arguments]
        # close_fds: like pip, an apt that outlives a killed set-up goes on holding the set-up's lock
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "close_fds": False}
        return subprocess.run(command, env=environment, **quiet).returncode == 0

    install = ("install", "-y", "--no-install-recommends", *names)
    return apt(*install) or (apt("update") and apt(*install))
