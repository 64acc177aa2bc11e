"""The decisions of packaging/run.py and test.py. No environment is made here and nothing is installed."""

import importlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGING = ROOT / "packaging"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python sees the folder of the script it runs."""
    monkeypatch.setattr(sys, "path", [str(PACKAGING), *sys.path])


def module(name: str):
    return importlib.import_module(name)


class TestStamp:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stamp, self.venv = module("setup_stamp"), tmp_path / "venv"
        monkeypatch.setenv("TOKSTUDIO_VENV", str(self.venv))
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
        python = Path(self.stamp.venv_python())
        python.parent.mkdir(parents=True)
        python.touch()

    def finish(self, **changes: str) -> None:
        done = {
            "state": "ready",
            "key": self.stamp.key(str(ROOT), str(self.venv)),
            "extras": "none",
            "libraries": "all",
        }
        self.stamp.write(str(self.venv), done | changes)

    def test_a_finished_set_up_is_recognized(self):
        self.finish()
        assert self.stamp.is_ready((), window=True)

    def test_nothing_there_is_not_ready(self):
        assert not self.stamp.is_ready((), window=False)

    @pytest.mark.parametrize("state", ["making", "updating"])
    def test_an_interrupted_one_is_not_ready(self, state):
        self.finish(state=state)
        assert not self.stamp.is_ready((), window=False)

    def test_a_removed_python_is_noticed(self):
        self.finish()
        Path(self.stamp.venv_python()).unlink()
        assert not self.stamp.is_ready((), window=False)

    def test_missing_extras_are_noticed_and_present_ones_do_no_harm(self):
        self.finish()
        assert not self.stamp.is_ready(("test",), window=False)
        self.finish(extras="test")
        assert self.stamp.is_ready(("test",), window=False)
        assert self.stamp.is_ready((), window=False)

    @pytest.mark.parametrize(
        ("libraries", "environment", "window", "ready"),
        [
            ("none", {}, False, True),
            ("none", {}, True, False),
            ("none", {"QT_QPA_PLATFORM": "offscreen"}, True, False),
            ("no-x11", {}, True, False),
            ("no-x11", {"QT_QPA_PLATFORM": "xcb"}, True, False),
            ("no-x11", {"QT_QPA_PLATFORM": "offscreen"}, True, True),
            ("no-x11", {"WAYLAND_DISPLAY": "wayland-0"}, True, True),
            ("all", {}, True, True),
        ],
        ids=str,
    )
    def test_only_a_window_needs_the_libraries_of_its_platform(
        self, libraries, environment, window, ready, monkeypatch
    ):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        self.finish(libraries=libraries)
        assert self.stamp.is_ready((), window=window) == ready

    @pytest.mark.parametrize("name", ["pyproject.toml", "packaging/constraints.txt"])
    def test_the_key_follows_what_is_installed_and_where(self, name, tmp_path):
        (tmp_path / "packaging").mkdir()
        for source in ("pyproject.toml", "packaging/constraints.txt"):
            (tmp_path / source).write_text("one")
        first = self.stamp.key(str(tmp_path), "here")
        assert self.stamp.key(str(tmp_path), "here") == first
        assert self.stamp.key(str(tmp_path), "there") != first
        (tmp_path / name).write_text("two")
        assert self.stamp.key(str(tmp_path), "here") != first


class TestTorch:
    @staticmethod
    def choose(platform="linux", gpu=False, wanted=None, reachable=True):
        return module("setup_torch").choose_index(
            platform=platform, gpu=gpu, wanted=wanted, reachable=lambda: reachable
        )

    def test_linux_without_a_gpu_takes_the_cpu_index(self):
        assert self.choose() == module("setup_torch").CPU_INDEX

    def test_an_index_out_of_reach_leaves_the_default_one(self):
        assert self.choose(reachable=False) is None

    def test_a_gpu_and_other_systems_take_the_default_one(self):
        assert self.choose(gpu=True) is None
        assert self.choose(platform="darwin") is None
        assert self.choose(platform="win32") is None

    def test_a_wish_overrules_everything(self):
        assert self.choose(gpu=True, wanted="https://mirror.example/cpu") == "https://mirror.example/cpu"
        assert self.choose(wanted="") is None

    def test_the_try_is_short(self):
        arguments = module("setup_torch").pip_arguments("torch==1", "https://mirror.example")
        assert "--no-deps" in arguments
        assert arguments[arguments.index("--retries") + 1] == "0"
        assert int(arguments[arguments.index("--timeout") + 1]) <= 15

    def test_a_port_that_listens_is_reached_and_one_that_does_not_is_not(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            assert module("setup_torch").connects("127.0.0.1", port, 5.0)
        assert not module("setup_torch").connects("127.0.0.1", port, 5.0)

    def test_the_pin_is_exact_and_names_no_build(self):
        assert module("setup_packages").pinned("torch") == "torch==2.13.0"


class TestLibraries:
    @staticmethod
    def found(missing=("libEGL.so.1", "libxcb-cursor.so.0"), window="", display=""):
        return module("setup_libraries").Finding(list(missing), window, display)

    def test_a_full_system_lacks_nothing(self):
        assert module("setup_libraries").level(self.found(missing=[])) == "all"

    def test_levels(self):
        level = module("setup_libraries").level
        assert level(self.found(display="libxcb-cursor.so.0: cannot open")) == "no-x11"
        assert level(self.found(window="libEGL.so.1: cannot open", display="x")) == "none"

    @pytest.mark.parametrize(
        ("manager", "line"),
        [
            ("apt", "sudo apt-get install -y libegl1 libxcb-cursor0"),
            ("dnf", "sudo dnf install -y libglvnd-egl xcb-util-cursor"),
            ("pacman", "sudo pacman -S --needed --noconfirm libglvnd xcb-util-cursor"),
            (None, "the system packages that have libEGL.so.1, libxcb-cursor.so.0"),
        ],
    )
    def test_the_line_to_type(self, manager, line):
        assert module("setup_libraries").install_line(self.found(), manager) == line

    def test_a_package_is_named_once(self):
        names = module("setup_libraries").packages(["libxcb-shm.so.0", "libxcb-sync.so.1"], "pacman")
        assert names == ["libxcb"]

    def test_a_library_that_only_qt_knows_is_named_too(self):
        new = self.found(window="libnew.so.7: cannot open shared object file: No such file or directory")
        assert module("setup_libraries").unlisted(new) == ["libnew.so.7"]
        assert "libnew.so.7" in module("setup_libraries").install_line(new, None)

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems bring what Qt needs")
    def test_qt_loads_on_the_machine_that_runs_these_tests(self):
        assert module("setup_libraries").probe(sys.executable).window == ""


class TestPlan:
    @pytest.mark.parametrize(
        ("stamp", "exists", "runs", "moved", "step"),
        [
            ({}, False, False, True, "make"),
            ({}, True, True, True, "update"),  # an environment that somebody made by hand
            ({}, True, False, True, "refuse"),  # somebody's folder
            ({"state": "ready"}, True, True, False, "update"),
            ({"state": "ready"}, True, False, False, "remake"),
            ({"state": "ready"}, True, True, True, "remake"),
            ({"state": "making"}, True, True, False, "remake"),
            ({"state": "updating"}, True, True, False, "remake"),
        ],
    )
    def test_what_is_done_with_the_folder(self, stamp, exists, runs, moved, step):
        assert module("setup_venv").plan(stamp, exists=exists, runs=runs, moved=moved) == step

    def test_a_failed_update_keeps_the_stamp_of_what_works(self, tmp_path, monkeypatch):
        venv, packages, stamp = module("setup_venv"), module("setup_packages"), module("setup_stamp")

        def fail(extras):
            assert stamp.read(str(tmp_path))["state"] == "updating"
            raise packages.SetupError("no network")

        monkeypatch.setattr(packages, "install", fail)
        before = {"state": "ready", "key": "one"}
        with pytest.raises(packages.SetupError):
            venv.fill(str(tmp_path), before, {"key": "two"}, [])
        assert stamp.read(str(tmp_path)) == before

    def test_the_lock_is_held_against_others_and_given_back(self, tmp_path):
        venv, path = module("setup_venv"), str(tmp_path / "lock")
        with venv.locked(path), open(path, "w") as other:
            assert not venv._lock_posix(other.fileno(), wait=False)
        with open(path, "w") as other:
            assert venv._lock_posix(other.fileno(), wait=False)

    @pytest.mark.skipif(os.name != "posix", reason="flock")
    def test_what_a_killed_set_up_started_still_holds_the_lock(self, tmp_path):
        venv, path = module("setup_venv"), str(tmp_path / "lock")
        with venv.locked(path):
            orphan = subprocess.Popen(
                [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
            )
        with open(path, "w") as other:
            assert not venv._lock_posix(other.fileno(), wait=False)
            orphan.communicate(b"\n")
            assert venv._lock_posix(other.fileno(), wait=False)

    def test_a_missing_venv_module_is_explained(self, monkeypatch):
        venv, libraries = module("setup_venv"), module("setup_libraries")
        monkeypatch.setattr(venv, "has_venv_module", lambda: False)
        monkeypatch.setattr(libraries, "can_install", lambda manager: False)
        with pytest.raises(module("setup_packages").SetupError, match=r"apt-get install python3\.\d+-venv"):
            venv.need_venv_module()


def run_script(name: str, *arguments: str, venv: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"TOKSTUDIO_VENV": str(venv)}
    command = [sys.executable, str(PACKAGING / name), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture
def ready_venv(tmp_path: Path) -> Path:
    """An environment that is this one, with a stamp that says it is finished."""
    stamp, venv = module("setup_stamp"), tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "pyvenv.cfg").write_text((Path(sys.prefix) / "pyvenv.cfg").read_text())
    (venv / "lib").symlink_to(Path(sys.prefix) / "lib")
    done = {"state": "ready", "key": stamp.key(str(ROOT), str(venv)), "extras": "test", "libraries": "all"}
    stamp.write(str(venv), done)
    return venv


@pytest.mark.skipif(os.name != "posix", reason="links an environment together")
class TestStart:
    def test_stdout_is_the_commands_alone(self, ready_venv):
        done = run_script("run.py", "--version", venv=ready_venv)
        assert done.stdout.startswith("tokstudio ")
        assert (done.returncode, done.stderr) == (0, "")

    def test_the_exit_code_is_the_commands(self, ready_venv):
        assert run_script("run.py", "no-such-command", venv=ready_venv).returncode == 2

    def test_arguments_go_to_pytest_and_its_exit_code_comes_back(self, ready_venv):
        nothing_collected = 5
        done = run_script("test.py", "tests/test_pyside.py", "-k", "nothing_is_called_this", venv=ready_venv)
        assert done.returncode == nothing_collected

    def test_somebodys_folder_is_refused_and_kept(self, tmp_path):
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "file").touch()
        done = run_script("run.py", "--version", venv=tmp_path / "precious")
        assert (done.returncode, done.stdout) == (2, "")
        assert "TOKSTUDIO_VENV" in done.stderr
        assert (tmp_path / "precious" / "file").exists()
