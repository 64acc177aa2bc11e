"""The folder of run folders."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.conftest import follow, until
from tokstudio.errors import ConfigError, InputError, RunError
from tokstudio.events import Failed, Metrics
from tokstudio.runs.process import EXIT_UNRECORDED, Run
from tokstudio.runs.store import RunStore
from tokstudio.runs.tail import is_torn


def test_names_are_numbered_and_never_shared(store):
    names = [store.create("selftest", "English to Code!", "").folder.name for _ in range(3)]
    assert names == [f"english-to-code-{n:02d}" for n in (1, 2, 3)]
    assert [info.name for info in store.runs()] == names[::-1]
    assert {info.state for info in store.runs()} == {"queued"}


def test_reading_writes_nothing(store):
    assert store.runs() == []
    assert not store.folder.exists()


def test_a_refused_config_leaves_no_folder(store):
    with pytest.raises(ConfigError, match="stepz"):
        store.create("selftest", "x", "stepz = 1")
    assert list(store.folder.iterdir()) == []


def test_the_info_follows_the_run(store, make_run):
    run = make_run(steps=20)
    run.start()
    follow(run)
    info = store.info(run.folder.name)
    assert (info.state, info.step, info.total_steps, info.checkpoint) == ("finished", 20, 20, 20)
    assert info.bits_per_byte == pytest.approx(1.45, abs=0.02)
    assert not info.live
    assert store.disk_use() > 0


def test_what_is_over_is_read_once_and_again_after_a_resume(store, make_run):
    run = make_run(steps=30, die_at=15)
    run.start()
    follow(run)
    assert store.info(run.folder.name) is store.info(run.folder.name)
    (run.folder / "config.toml").write_text("steps = 30")
    run.start(resume=True)
    follow(run)
    assert store.info(run.folder.name).state == "finished"


def test_an_unknown_name_says_which_there_are(store, make_run):
    make_run(steps=1)
    for name in ("nothing", "../runs/count-01", ""):
        with pytest.raises(RunError) as caught:
            store.open(name)
        assert "count-01" in caught.value.hint


def test_a_foreign_folder_is_left_out(store):
    (store.folder / "holiday").mkdir(parents=True)
    (store.folder / "notes.txt").write_text("hello")
    assert store.runs() == []


def test_remove_deletes_only_what_is_over(store, make_run):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=1)
    with pytest.raises(InputError, match="is going"):
        store.remove(run.folder.name)
    run.kill()
    follow(run)
    store.remove(run.folder.name)
    assert list(store.folder.iterdir()) == []


def test_a_runs_folder_that_is_a_file(tmp_path):
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(RunError, match="cannot be written") as caught:
        RunStore(tmp_path / "runs").create("selftest", "x", "")
    assert "TOKSTUDIO_HOME" in caught.value.hint


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "is full"), (errno.EROFS, "cannot be written"), (errno.EACCES, "Permission")],
)
def test_a_folder_that_cannot_be_made(store, monkeypatch, number, says):
    def refuse(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(RunError, match=says) as caught:
        store.create("selftest", "x", "")
    assert caught.value.hint


# A disk of its own, full after some steps. Needs the right to mount inside a user namespace.
FULL = """
set -e
mount -t tmpfs -o size=400k none {folder}
cp -r {run} {folder}/run
exec {python} -m tokstudio worker {folder}/run
"""


def namespaces() -> bool:
    if sys.platform != "linux":
        return False
    tried = subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    return tried.returncode == 0


@pytest.mark.skipif(not namespaces(), reason="no right to mount a small disk")
def test_a_really_full_disk_is_reported_on_that_disk(make_run, tmp_path):
    run = make_run(steps=100_000, save_every=1_000_000, evaluate_every=1_000_000)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = FULL.format(folder=disk, run=run.folder, python=sys.executable).replace("exec ", "")
    script = script.replace("set -e\n", "") + f"\ncode=$?; cp -r {disk}/run {tmp_path}/after; exit $code\n"
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script], capture_output=True, text=True, timeout=100
    )
    assert done.returncode in (1, EXIT_UNRECORDED), done.stderr
    last = follow(Run(tmp_path / "after"))[-1]
    assert isinstance(last, Failed)
    assert last.message.startswith("The disk is full at step")
    assert "Free some space" in last.hint


def test_a_log_that_cannot_be_written_is_still_told(make_run, monkeypatch):
    run = make_run(steps=10_000, pause=0.01)
    run.start()
    until(run, Metrics, step=2)
    batches = run.events(poll=0.01)
    next(batches)
    run.kill()
    monkeypatch.setattr(Run, "_append", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    last = [event for batch in batches for event in batch][-1]
    assert "was killed" in last.message
    assert "not recorded" in last.detail


@pytest.mark.parametrize(
    "damaged",
    ['{"kind":"transfer","created":"yesterday"}', '{"kind":"transfer","created":null}', "[]", "nonsense"],
)
def test_a_damaged_run_hides_no_other(tmp_path, damaged):
    store = RunStore(tmp_path)
    good = store.create("selftest", "good", "")
    broken = tmp_path / "broken-01"
    broken.mkdir()
    (broken / "run.json").write_text(damaged)
    (broken / "state.json").write_text('{"step":"many","total_steps":null,"bits_per_byte":"x"}')
    found = {info.name: info for info in store.runs()}
    assert set(found) == {good.folder.name, "broken-01"}
    assert (found["broken-01"].step, found["broken-01"].bits_per_byte) == (0, None)


def test_a_torn_file_is_told_from_a_whole_one(tmp_path):
    path = tmp_path / "events.jsonl"
    assert not is_torn(path)
    for data, torn in ((b"", False), (b"{}\n", False), (b"{}\n{", True)):
        path.write_bytes(data)
        assert is_torn(path) is torn
