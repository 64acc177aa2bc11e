"""Fetching a vocabulary: only when asked, only what tiktoken expects, whole or not at all. Served from
here."""

import functools
import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tokstudio.errors import TokenizerError
from tokstudio.tokens import download as module
from tokstudio.tokens.download import download
from tokstudio.tokens.encodings import EncodingSpec, RankFile

CONTENT = b"what tiktoken expects"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        """Nothing on stderr."""


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A web server on this machine; the URL of its one file."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "small.tiktoken").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "tiktoken"))
    monkeypatch.setenv("no_proxy", "*")
    yield f"http://127.0.0.1:{server.server_port}/small.tiktoken"
    server.shutdown()
    thread.join()
    server.server_close()


def expect(monkeypatch, url: str, content: bytes = CONTENT) -> RankFile:
    file = RankFile(url, hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(module, "encoding_spec", lambda name: EncodingSpec(name, ".", {}, (file,)))
    return file


def test_the_file_lands_in_tiktokens_cache(served, monkeypatch, tmp_path):
    file = expect(monkeypatch, served)
    (path,) = download("tiktoken:small")
    assert path == tmp_path / "tiktoken" / hashlib.sha1(file.url.encode()).hexdigest()
    assert path.read_bytes() == CONTENT
    (tmp_path / "web" / "small.tiktoken").unlink()
    assert download("tiktoken:small") == [path]  # there and whole: not fetched again
    assert list(path.parent.iterdir()) == [path]


def test_something_else_is_refused(served, monkeypatch, tmp_path):
    expect(monkeypatch, served, b"another content")
    with pytest.raises(TokenizerError, match="SHA-256 differs") as caught:
        download("tiktoken:small")
    assert caught.value.hint
    assert not (tmp_path / "tiktoken").exists()


@pytest.mark.parametrize("elsewhere", ["/missing", "http://127.0.0.1:1/closed"])
def test_a_failing_network_is_a_sentence(served, monkeypatch, elsewhere):
    expect(monkeypatch, served + elsewhere if elsewhere.startswith("/") else elsewhere)
    with pytest.raises(TokenizerError, match="cannot be fetched") as caught:
        download("tiktoken:small")
    assert caught.value.hint


def test_a_folder_that_cannot_be_written(served, monkeypatch, tmp_path):
    (tmp_path / "tiktoken").write_text("a file where a folder should be")
    expect(monkeypatch, served)
    with pytest.raises(TokenizerError, match="cannot be written"):
        download("tiktoken:small")


@pytest.mark.parametrize("reference", ["bytes", "bert-base-uncased", "tiktoken:none"])
def test_only_encodings_of_tiktoken(reference):
    with pytest.raises(TokenizerError) as caught:
        download(reference)
    assert caught.value.hint
