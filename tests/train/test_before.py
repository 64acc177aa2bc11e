"""What a run would fail of at once is said before its folder is made, by the command as by the engine."""

from dataclasses import replace

import pytest

from tokstudio.cli import main
from tokstudio.errors import ConfigError, TokstudioError
from tokstudio.models.device import available, pick_device
from tokstudio.runs.device import probe
from tokstudio.train import before
from tokstudio.train.before import check_start
from tokstudio.train.config import demo
from tokstudio.train.settings import apply_overrides, to_toml

BAD = [
    ("model=nowhere/at-all", "There is no model folder"),
    ("teacher=nowhere/at-all", "There is no model folder"),
    ("tokenizer=nowhere/at-all", "is not on this machine"),
    ("tokenizer=tiktoken:cl100k_base", "has no tokenizer.json"),
    ("data.corpus=nowhere/at-all", "There is no file or folder"),
    ("data.held_out=nowhere/at-all", "There is no file or folder"),
    ("data.corpus=hub:some/texts", "is not on this machine"),
    ("train.device=tpu", "There is no device 'tpu' on this machine"),
    ("train.device=cuda:99", "There is no device 'cuda:99' on this machine"),
]
FILES = {
    "empty.txt": (b"", "holds no text"),
    "latin.txt": ("naïve".encode("latin-1") * 1000, "is not UTF-8 text"),
    "other.jsonl": (b'{"size": 1}\n', 'has no "text" field'),
    "short.txt": (b"Hello", "too little text"),
}


def test_the_demo_is_fine():
    check_start(demo())


@pytest.mark.parametrize(("setting", "says"), BAD, ids=[setting for setting, _ in BAD])
def test_the_command_says_it_and_leaves_no_folder(setting, says, capsys, tokstudio_home):
    assert main(["transfer", "--demo", "--set", setting]) != 0
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
    assert not list(tokstudio_home.rglob("run.json"))
    assert not (tokstudio_home / "runs").exists()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("large", [False, True], ids=["read whole", "looked at"])
def test_texts_that_are_none(name, large, tmp_path, monkeypatch):
    content, says = FILES[name]
    (tmp_path / name).write_bytes(content)
    config = apply_overrides(demo(), [f"data.corpus={tmp_path / name}"])
    if large:
        monkeypatch.setattr(before, "READ_WHOLE", -1)
        if name == "short.txt":  # only reading to the end tells
            check_start(config)
            return
    with pytest.raises(TokstudioError, match=says):
        check_start(config)


def test_launch_and_a_dry_run_say_it_too(capsys, tmp_path, tokstudio_home):
    path = tmp_path / "settings.toml"
    path.write_text(to_toml(replace(demo(), model="nowhere/at-all")), encoding="utf-8")
    assert main(["launch", str(path)]) != 0
    assert "There is no model folder" in capsys.readouterr().err
    assert main(["transfer", "--config", str(path), "--dry-run"]) != 0
    assert "There is no model folder" in capsys.readouterr().err
    assert not (tokstudio_home / "runs").exists()


def test_a_device_of_another_machine_is_not_refused():
    check_start(apply_overrides(demo(), ["train.device=tpu"]), here=False)


def test_devices_are_named_in_our_words():
    assert available()[0] == "cpu"
    assert probe()["devices"] == available()
    assert pick_device("cpu").type == "cpu"
    with pytest.raises(ConfigError) as caught:
        pick_device("tpu")
    assert str(caught.value) == "There is no device 'tpu' on this machine."
    assert caught.value.hint.startswith(f"It has: {', '.join(available())}. ")
