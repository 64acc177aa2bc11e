"""What every command shares: how it is found, how it fails, what goes to which stream."""

import argparse
import importlib
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tokstudio import __version__, cli
from tokstudio.errors import TokenizerError


def main_with(monkeypatch: pytest.MonkeyPatch, run) -> int:
    """The exit code of a command whose `run` is this one."""
    command = SimpleNamespace(HELP="help", arguments=lambda parser: None, run=run)
    monkeypatch.setattr(cli, "command_names", lambda: ["some-command"])
    monkeypatch.setattr(
        importlib, "import_module", lambda name: {"tokstudio.cli.commands.some_command": command}[name]
    )
    return cli.main(["some-command"])


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"tokstudio {__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "--help", "help"])
def test_the_overview_names_every_command_that_has_a_help_text(flag, capsys):
    assert cli.main([flag]) == 0
    overview = capsys.readouterr().out
    for name in cli.command_names():
        has_help = bool(importlib.import_module("tokstudio.cli.commands." + name.replace("-", "_")).HELP)
        assert (f"tokstudio {name} " in overview) == has_help


@pytest.mark.parametrize("name", cli.command_names())
def test_every_command_declares_its_arguments(name):
    command = importlib.import_module("tokstudio.cli.commands." + name.replace("-", "_"))
    command.arguments(argparse.ArgumentParser(prog=name))
    assert callable(command.run)


def test_an_unknown_command_is_a_plain_sentence(capsys):
    assert cli.main(["tokenzie"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "no command" in said.err
    assert "bench" in said.err


def test_an_expected_problem_prints_its_hint_and_exits_with_2(monkeypatch, capsys):
    def run(args):
        raise TokenizerError("It is broken.", hint="Mend it.")

    assert main_with(monkeypatch, run) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "tokstudio some-command: It is broken.\nMend it.\n"


def test_a_bug_is_not_dressed_up(monkeypatch):
    def run(args):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main_with(monkeypatch, run)


def test_the_exit_code_is_the_commands(monkeypatch):
    assert main_with(monkeypatch, lambda args: 7) == 7


def test_ctrl_c_is_no_traceback(monkeypatch, capsys):
    def run(args):
        raise KeyboardInterrupt

    assert main_with(monkeypatch, run) == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes end differently on Windows")
def test_a_reader_that_has_gone_is_no_error():
    """As in `tokstudio --help | true`, but sure to write after the reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tokstudio", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
