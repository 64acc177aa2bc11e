"""A stand-in for the hub on this machine: the part of its interface that data sets are read by, with its mishaps."""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from tokstudio.tokens import remote

COMMIT = "c0ffee" * 6 + "c0ff"


class Hub:
    """`files`: of the data set `some/texts`, by name. What is asked is noted; what shall go wrong is set."""

    def __init__(self, files: dict[str, bytes]):
        self.files = files
        self.commit = COMMIT
        self.asked: list[tuple[str, str]] = []  # path, Range
        self.sent = 0  # bytes of files
        self.drop_after: list[int] = []  # bytes after which the next answers are cut off
        self.refuse: list[int] = []  # what the next requests for a file are answered with
        self.allowed: int | None = (
            None  # how many requests for a file are answered before the server is too busy
        )
        self.gated = False
        self.ranges = True
        self.listed: dict[str, int] = {}  # sizes that are announced, where they are not true
        self.hold = threading.Event()  # answers wait for it
        self.hold.set()

    def listing(self) -> bytes:
        named = [
            {
                "rfilename": name,
                "size": self.listed.get(name, len(data)),
                "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
            }
            for name, data in self.files.items()
        ]
        return json.dumps({"sha": self.commit, "siblings": named}).encode()


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            path = unquote(self.path)
            hub.asked.append((path, self.headers.get("Range", "")))
            if hub.gated and "Authorization" not in self.headers:
                return self._answer(401, b"")
            if re.fullmatch(r"/api/datasets/some/texts/revision/\w+\?blobs=true", path):
                return self._answer(200, hub.listing())
            prefix = f"/datasets/some/texts/resolve/{hub.commit}/"
            data = hub.files.get(path.removeprefix(prefix)) if path.startswith(prefix) else None
            if data is None:
                return self._answer(404, b"")
            if hub.refuse:
                return self._answer(hub.refuse.pop(0), b"", {"Retry-After": "0"})
            if hub.allowed is not None:
                hub.allowed -= 1
                if hub.allowed < 0:
                    return self._answer(503, b"")
            return self._file(data)

        def _file(self, data: bytes) -> None:
            found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not found or not hub.ranges:
                return self._answer(200, data)
            start, stop = int(found[1]), int(found[2] or len(data) - 1) + 1
            part = data[start:stop]
            if not part:
                return self._answer(416, b"")
            told = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
            return self._answer(206, part, {"Content-Range": told})

        def _answer(self, code: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            if code in (200, 206) and hub.drop_after and "/resolve/" in self.path:
                data = data[: hub.drop_after.pop(0)]
            for start in range(0, len(data), 1 << 15):
                hub.hold.wait()
                self.wfile.write(data[start : start + (1 << 15)])
                if "/resolve/" in self.path:
                    hub.sent += len(data[start : start + (1 << 15)])

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # who asked has hung up
                super().handle()

        def log_message(self, *_) -> None:
            """Nothing on stderr."""

    return Handler


@contextlib.contextmanager
def reached(monkeypatch, files: dict[str, bytes]) -> Iterator[Hub]:
    """One that this process takes for the hub, and asks again without waiting."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.001)
    made = Hub(files)
    with serving(made) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield made


@contextlib.contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        hub.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
