"""The encode worker: answers, staleness, death, and that no process stays."""

import contextlib
import io
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from tokstudio.errors import TokenizerError
from tokstudio.tokens import service
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.service import Answer, EncodeService, receive, send, serve

TEXT = Path(psutil.__file__).read_text(encoding="utf-8")[:30_000]


def workers() -> list[psutil.Process]:
    """Encode workers of this process that run. What another test has left is none, and a zombie has no command
    line to tell by."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # ended meanwhile, or a zombie
            if "encode-worker" in child.cmdline():
                found.append(child)
    return found


def assert_none_stays(started: Callable[[], list[subprocess.Popen]]) -> None:
    """Every worker has ended and was waited for, so none is a zombie either."""
    assert started(), "no worker was seen to start"
    assert [worker for worker in started() if worker.returncode is None] == []
    assert workers() == []


@pytest.fixture
def started(monkeypatch) -> Callable[[], list[subprocess.Popen]]:
    """The workers that the service has started in this test."""
    made, real = [], service._start
    monkeypatch.setattr(service, "_start", lambda: made.append(real()) or made[-1])
    return lambda: made


class Listener:
    """Collects answers in a thread, as the window does."""

    def __init__(self):
        self.service = EncodeService()
        self.answers: list[Answer] = []
        self.arrived = threading.Condition()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        for answer in self.service.answers():
            with self.arrived:
                self.answers.append(answer)
                self.arrived.notify_all()

    def wait(self, count: int) -> list[Answer]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.answers) >= count, timeout=60)
            return list(self.answers)

    def worker(self) -> psutil.Process:
        return workers()[0]

    def close(self) -> None:
        self.service.close()
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def listener(started):
    made = Listener()
    yield made
    made.close()
    assert_none_stays(started)


def test_answers_equal_those_of_this_process(listener):
    for reference in ("bytes", "bert-base-uncased", "tiktoken:cl100k_base"):
        listener.service.submit(reference, TEXT, special=True, generation=1)
    for answer in listener.wait(3):
        own = load_tokenizer(answer.reference).encode(TEXT, special=True)
        assert answer.error is None
        assert answer.encoding.text == TEXT.encode()
        assert np.array_equal(answer.encoding.ids, own.ids)
        assert np.array_equal(answer.encoding.spans, own.spans)
    assert [answer.request for answer in listener.answers] == [1, 2, 3]


def test_errors_come_back_with_their_hint_and_the_worker_stays(listener, tmp_path):
    listener.service.submit(str(tmp_path / "none.json"), "a", generation=1)
    listener.service.submit("bytes", "", generation=1)
    failed, empty = listener.wait(2)
    assert isinstance(failed.error, TokenizerError)
    assert "none.json" in str(failed.error)
    assert failed.error.hint
    assert failed.encoding is None
    assert len(empty.encoding) == 0


def test_only_the_newest_generation_is_answered(listener):
    for generation in range(1, 40):
        listener.service.submit("bert-base-uncased", TEXT, generation=generation)
    listener.service.submit("bytes", "x", generation=39)
    last = listener.wait(2)[-2:]
    assert [answer.generation for answer in last] == [39, 39]
    assert [answer.reference for answer in last] == ["bert-base-uncased", "bytes"]
    generations = [answer.generation for answer in listener.answers]
    assert generations == sorted(generations)
    assert len(generations) < 39


def test_a_late_answer_of_an_older_generation_is_dropped():
    """Without a thread: the request is with the worker when a newer one comes."""
    service = EncodeService()
    service.submit("bytes", "old", generation=1)
    answers = service.answers()
    original = service._asked

    def overtaken(request):
        if request.generation == 1:
            service.submit("bytes", "new", generation=2)
        return original(request)

    service._asked = overtaken
    assert next(answers).encoding.text == b"new"
    service.close()
    assert list(answers) == []


def test_a_killed_worker_is_reported_and_replaced(listener):
    listener.service.submit("bytes", "a", generation=1)
    listener.wait(1)
    worker = listener.worker()
    worker.suspend()  # so that the request is certainly with it when it dies
    listener.service.submit("bert-base-uncased", TEXT, generation=2)
    while listener.service._busy is None:
        time.sleep(0.01)
    worker.kill()
    died = listener.wait(2)[1]
    assert "signal 9" in str(died.error)
    assert died.error.hint
    listener.service.submit("bytes", "b", generation=3)
    assert listener.wait(3)[2].encoding.text == b"b"


def test_a_worthless_long_request_does_not_keep_the_worker(listener, monkeypatch):
    monkeypatch.setattr("tokstudio.tokens.service.PATIENCE", 0.0)
    listener.service.submit("bytes", "a", generation=1)
    listener.wait(1)
    worker = listener.worker()
    worker.suspend()  # stands for a text that takes for ever
    listener.service.submit("bytes", TEXT, generation=2)
    while listener.service._busy is None:
        time.sleep(0.01)
    listener.service.submit("bytes", "b", generation=3)
    answers = listener.wait(2)
    assert [answer.generation for answer in answers] == [1, 3]
    assert answers[1].encoding.text == b"b"


def test_close_ends_a_worker_in_the_middle_of_a_text(started):
    made = Listener()
    made.service.submit("bytes", "a", generation=1)
    made.wait(1)
    made.worker().suspend()
    made.service.submit("bytes", TEXT, generation=2)
    made.close()
    made.close()
    assert_none_stays(started)


def test_a_client_that_goes_leaves_no_worker(started):
    client = EncodeService()
    client.submit("bytes", "a", generation=1)
    answers = client.answers()
    next(answers)
    answers.close()
    assert_none_stays(started)


def test_a_text_with_half_a_character_is_refused_at_once():
    with pytest.raises(TokenizerError, match="half a character"):
        EncodeService().submit("bytes", "a\ud800", generation=1)


def test_messages_survive_and_torn_ones_end_the_conversation():
    pipe = io.BytesIO()
    send(pipe, {"reference": "bytes"}, b"\0\n{}")
    whole = pipe.getvalue()
    assert receive(io.BytesIO(whole)) == ({"reference": "bytes", "size": 4}, b"\0\n{}")
    for size in range(len(whole)):
        assert receive(io.BytesIO(whole[:size])) is None


def test_serve_answers_each_request_and_ends_with_its_input():
    incoming, outgoing = io.BytesIO(), io.BytesIO()
    for text in ("é", ""):
        send(incoming, {"reference": "bytes", "special": False}, text.encode())
    incoming.seek(0)
    serve(incoming, outgoing)
    outgoing.seek(0)
    header, body = receive(outgoing)
    assert header["tokens"] == 2
    assert np.frombuffer(body, "<i4").tolist() == [0xC3, 0xA9, 0, 1, 1, 2]
    assert receive(outgoing)[0]["tokens"] == 0
    assert receive(outgoing) is None
