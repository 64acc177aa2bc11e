"""Texts of a data set: size first, only files of text, whole or not at all. The hub is a stand-in on this machine."""

import hashlib
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tokstudio.cli import main
from tokstudio.errors import InputError, TokenizerError
from tokstudio.tokens.download_texts import plan_texts, texts_folder
from tokstudio.train.corpus import load_corpus

SHA = "b" * 40
ROWS = "\n".join(json.dumps({"text": f"Text number {i}."}) for i in range(60)).encode()


class Hub(BaseHTTPRequestHandler):
    files: dict[str, bytes]

    def do_GET(self) -> None:
        if self.path == "/api/datasets/some/texts/revision/main?blobs=true":
            listed = [_listed(name, data) for name, data in self.files.items()]
            return self._answer(200, json.dumps({"sha": SHA, "siblings": listed}).encode())
        prefix = f"/datasets/some/texts/resolve/{SHA}/"
        found = self.files.get(self.path.removeprefix(prefix)) if self.path.startswith(prefix) else None
        return self._answer(404 if found is None else 200, found or b"")

    def _answer(self, code: int, data: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_) -> None:
        """Nothing on stderr."""


def _listed(name, data):
    return {
        "rfilename": name,
        "size": len(data),
        "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
    }


@pytest.fixture
def hub(monkeypatch, tmp_path):
    Hub.files = {
        "data/train-0.jsonl": ROWS,
        "data/train-1.jsonl": ROWS,
        "data/test-0.jsonl": b'{"text": "a"}',
        "load.py": b"import os",
        "weights.pkl": b"no",
        "../up.txt": b"no",
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("TOKSTUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_texts_are_planned_and_no_more_than_allowed(hub):
    assert [f.name for f in plan_texts("some/texts").files] == [
        "data--train-0.jsonl",
        "data--train-1.jsonl",
        "data--test-0.jsonl",
    ]
    one = plan_texts("some/texts", under="data/train", most=len(ROWS) + 5)
    assert [f.name for f in one.files] == ["data--train-0.jsonl"]
    with pytest.raises(TokenizerError, match="more than the 10 that were allowed"):
        plan_texts("some/texts", most=10)
    with pytest.raises(TokenizerError, match="no files of text under 'nothing'") as caught:
        plan_texts("some/texts", under="nothing")
    assert "data" in caught.value.hint
    for wrong in ("../etc", "a b", "https://x/y"):
        with pytest.raises(TokenizerError, match="no id"):
            plan_texts(wrong)


def test_what_was_fetched_is_trained_on_by_its_id(hub, capsys):
    with pytest.raises(InputError, match="is not on this machine") as caught:
        load_corpus("hub:some/texts")
    assert "tokstudio data download some/texts" in caught.value.hint
    assert main(["data", "download", "some/texts", "--files", "data/train", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == {"data--train-0.jsonl": len(ROWS), "data--train-1.jsonl": len(ROWS)}
    assert told["folder"] == str(texts_folder("some/texts"))
    corpus = load_corpus("hub:some/texts")
    assert len(corpus.train) + len(corpus.held_out) == 120


def test_nobody_there_means_nothing_is_fetched(hub, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["data", "download", "some/texts"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert not texts_folder("some/texts").exists()
