"""The tokenizer files of a hub id: size first, only what belongs to a tokenizer, whole or not at all. The hub is a
stand-in on this machine."""

import hashlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.tokens import vocabularies as v
from tokstudio.cli import main
from tokstudio.errors import TokenizerError
from tokstudio.tokens.catalog import catalog
from tokstudio.tokens.download import Stopped, fetch, plan
from tokstudio.tokens.reference import load_tokenizer

SHA = "a" * 40


class Hub(BaseHTTPRequestHandler):
    """What the real one answers to the two questions that are asked."""

    files: dict[str, bytes]
    listed: dict[str, dict]
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        if self.path.startswith("/api/models/gated"):
            return self._answer(401, b"")
        if self.path == "/api/models/someone/small/revision/main?blobs=true":
            return self._answer(
                200, json.dumps({"sha": SHA, "siblings": list(self.listed.values())}).encode()
            )
        if self.path == "/api/models/odd/odd/revision/main?blobs=true":
            return self._answer(200, b"<html>Please log in</html>")
        prefix = f"/someone/small/resolve/{SHA}/"
        if self.path.startswith(prefix) and (name := self.path.removeprefix(prefix)) in self.files:
            return self._answer(200, self.files[name])
        return self._answer(404, b"")

    def _answer(self, code: int, data: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_) -> None:
        """Nothing on stderr."""


def listing(name: str, data: bytes) -> dict:
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return {"rfilename": name, "size": len(data), "blobId": blob}


@pytest.fixture
def hub(monkeypatch):
    tokenizer = (Path(v.byte_bpe()) / "tokenizer.json").read_bytes()
    Hub.files = {
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": b'{"chat_template": "hello"}',
        "model.safetensors": b"weights",
        "modeling_small.py": b"import os",
        "onnx/tokenizer.json": b"{}",
        "../tokenizer.json": b"{}",
    }
    Hub.listed = {name: listing(name, data) for name, data in Hub.files.items()}
    large = {"sha256": hashlib.sha256(tokenizer).hexdigest(), "size": len(tokenizer)}
    Hub.listed["tokenizer.json"]["lfs"] = large
    Hub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield Hub
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_plan_names_address_files_and_size_and_fetches_nothing(hub):
    found = plan("someone/small")
    assert found.address.endswith("/someone/small")
    assert [file.name for file in found.files] == ["tokenizer.json", "tokenizer_config.json"]
    assert found.bytes == sum(len(hub.files[file.name]) for file in found.files)
    assert not found.folder.exists()
    assert len(hub.asked) == 1


def test_what_was_fetched_is_found_by_its_id(hub):
    seen = []
    with pytest.raises(TokenizerError, match="not on this machine") as caught:
        load_tokenizer("someone/small")
    assert "tokstudio download someone/small" in caught.value.hint
    folder = fetch(plan("someone/small"), lambda done, total: seen.append((done, total)))
    assert sorted(p.name for p in folder.iterdir()) == [
        "download.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    tokenizer = load_tokenizer("someone/small")
    assert tokenizer.fingerprint == load_tokenizer(v.byte_bpe()).fingerprint
    assert ("someone/small", "Downloaded") in [(entry.reference, entry.group) for entry in catalog()]
    fetch(plan("someone/small"))  # again: what is there is replaced
    assert sorted(p.name for p in folder.parent.iterdir()) == ["someone--small"]


def test_stopping_leaves_nothing(hub):
    found = plan("someone/small")
    with pytest.raises(Stopped):
        fetch(found, cancelled=lambda: True)
    assert list(found.folder.parent.iterdir()) == []


def test_stopping_does_not_wait_for_a_slow_server(hub, monkeypatch):
    """It sends a little and then nothing: what there is of the file is enough to be asked."""
    stopped, waited = threading.Event(), []
    found = plan("someone/small")

    def trickle(handler, code, data):
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:100])
        waited.append(stopped.wait(20))

    monkeypatch.setattr(Hub, "_answer", trickle)
    with pytest.raises(Stopped):
        fetch(found, cancelled=lambda: True)
    stopped.set()
    assert waited in ([], [True])
    assert list(found.folder.parent.iterdir()) == []


@pytest.mark.parametrize("change", ["other", "longer", "shorter", "gone"])
def test_something_else_than_announced_is_refused_and_leaves_nothing(hub, change):
    found = plan("someone/small")
    data = hub.files["tokenizer_config.json"]
    changed = {"other": data[:-1] + b"]", "longer": data + b" ", "shorter": data[:-1]}
    if change == "gone":
        del hub.files["tokenizer_config.json"]
    else:
        hub.files["tokenizer_config.json"] = changed[change]
    with pytest.raises(TokenizerError) as caught:
        fetch(found)
    assert caught.value.hint
    assert list(found.folder.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("someone/missing", "cannot be fetched: Not Found"),
        ("gated/model", "cannot be fetched: Unauthorized"),
        ("odd/odd", "did not answer as a hub does"),
        ("../../etc", "neither a hub id"),
        ("a/../b", "neither a hub id"),
        ("", "neither a hub id"),
        ("tiktoken:none", "no encoding named"),
    ],
)
def test_what_cannot_be_planned_is_a_sentence(hub, name, says):
    with pytest.raises(TokenizerError, match=says) as caught:
        plan(name)
    assert caught.value.hint


def test_a_file_that_is_no_tokenizer_by_its_size(hub):
    hub.listed["tokenizer_config.json"]["size"] = 1 << 40
    with pytest.raises(TokenizerError, match="a tokenizer never does"):
        plan("someone/small")


def test_a_model_without_tokenizer_files(hub):
    hub.listed = {"model.safetensors": hub.listed["model.safetensors"]}
    Hub.listed = hub.listed
    with pytest.raises(TokenizerError, match="has no tokenizer files"):
        plan("someone/small")


def test_offline_means_offline(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(TokenizerError, match="HF_HUB_OFFLINE is set"):
        plan("someone/small")
    assert hub.asked == []


def test_a_token_goes_to_the_hub_only(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    plan("someone/small")
    assert hub.asked[-1][1] == "Bearer hf_secret"


def test_a_hub_that_is_not_there(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(TokenizerError, match="cannot be fetched"):
        plan("someone/small")


def test_the_command_asks_first(hub, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["download", "someone/small"]) == 2
    printed = capsys.readouterr()
    assert "2 files" in printed.err
    assert "--yes" in printed.err
    assert len(hub.asked) == 1
    assert main(["download", "someone/small", "--yes", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["files"]) == {"tokenizer.json", "tokenizer_config.json"}

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert main(["download", "someone/small"]) == 1
    assert "nothing was fetched" in capsys.readouterr().err
