"""TensorBoard's files, a Trainer's state, and reports."""

import json
import struct

import pytest

from tests.runs.conftest import follow
from tokstudio.cli import main
from tokstudio.errors import InputError
from tokstudio.events import Metrics
from tokstudio.runs import report
from tokstudio.runs.store import RunStore
from tokstudio.runs.tensorboard import crc32c
from tokstudio.runs.trainer_state import import_state


def records(data: bytes):
    """The payloads, each checksum looked at. Written from the format's description, not from the writer."""
    place = 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        for start, count in ((place, 8), (place + 12, length)):
            (mask,) = struct.unpack_from("<I", data, start + count)
            turned = (mask - 0xA282EAD8) & 0xFFFFFFFF
            assert ((turned >> 17) | (turned << 15)) & 0xFFFFFFFF == crc32c(data[start : start + count])
        yield data[place + 12 : place + 12 + length]
        place += 16 + length


def fields(data: bytes):
    """(number, value) of a Protocol Buffers message."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while place < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        yield key >> 3, data[place : place + size]
        place += size


def test_the_checksum_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_tensorboard_reads_what_the_events_say(make_run):
    run = make_run(steps=12)
    run.start()
    told = [e for e in follow(run) if isinstance(e, Metrics)]
    (path,) = (run.folder / "tensorboard").glob("events.out.tfevents.*")
    first, *rest = [dict(fields(data)) for data in records(path.read_bytes())]
    assert first[3] == b"brain.Event:2"
    assert [entry.get(2, 0) for entry in rest] == [event.step for event in told]
    assert struct.unpack("<d", rest[0][1])[0] == pytest.approx(told[0].at)
    value = dict(fields(next(v for n, v in fields(rest[3][5]) if n == 1)))
    assert value[1].decode() in told[3].values
    assert struct.unpack("<f", value[2])[0] == pytest.approx(told[3].values[value[1].decode()], rel=1e-6)


def test_a_trainer_state_becomes_a_run(tmp_path, tokstudio_home, capsys):
    folder = tmp_path / "checkpoint-20"
    folder.mkdir()
    history = [
        {"epoch": 0.5, "grad_norm": 1.25, "learning_rate": 3e-4, "loss": 2.5, "step": 10},
        {"epoch": 1.0, "eval_loss": 2.25, "step": 20},
    ]
    (folder / "trainer_state.json").write_text(
        json.dumps({"global_step": 20, "max_steps": 40, "log_history": history})
    )
    assert main(["runs", "import", str(folder)]) == 0
    info = RunStore().info("checkpoint-20-01")
    assert (info.state, info.step, info.total_steps, info.title) == ("finished", 20, 40, "Imported run")
    state = report.read(info.folder)
    assert state.columns["gradient_norm"].values.tolist() == [1.25]
    assert state.columns["loss/held_out"].steps.tolist() == [20]
    (folder / "trainer_state.json").write_text("[]")
    with pytest.raises(InputError):
        import_state(RunStore(), folder)


def test_reports(make_run, tmp_path, capsys):
    run = make_run(steps=30)
    run.start()
    follow(run)
    page = report.write(run.folder, tmp_path / "out.html").read_text()
    assert "1.4500 bits per byte" in page
    assert page.count("<svg") == 3
    assert "http" not in page.replace("http://www.w3.org", "")
    text = report.write(run.folder, tmp_path / "out.md").read_text()
    assert "![Training loss](out-loss.svg)" in text
    assert (tmp_path / "out-loss.svg").read_text().startswith("<svg")
    assert "| steps | 30 |" in text
