"""The maths process through its client: answers, errors, order, cancel, death."""

import io
import os
import signal
import threading

import numpy as np
import pytest

from tests.embed.files import MINILM, random, write
from tokstudio.embed import wire
from tokstudio.embed.service import Client
from tokstudio.errors import InputError, ModelError


@pytest.fixture
def client():
    made = Client()
    yield made
    made.close()
    for _ in made.replies():
        pass
    made.release()


def until(client: Client, request: int) -> list:
    """Replies of `request`, progress left out."""
    found = []
    for reply in client.replies():
        if reply.id == request and reply.kind != "progress":
            found.append(reply)
            if reply.kind != "part":
                return found
        assert reply.kind != "lost", reply.values
    return found


def test_messages_come_back_as_they_were_sent():
    arrays = {"a": random(7, 3), "b": np.arange(5, dtype=np.uint8), "empty": np.zeros((0, 4), np.int64)}
    stream = io.BytesIO()
    wire.write(stream, {"id": 3, "words": "naïve"}, arrays)
    stream.seek(0)
    head, back = wire.read(stream)
    assert head == {"id": 3, "words": "naïve"}
    assert all(np.array_equal(arrays[name], back[name]) for name in arrays)
    assert wire.read(stream) is None


def test_a_torn_message_is_no_message():
    stream = io.BytesIO()
    wire.write(stream, {"id": 1}, {"a": random(7, 3)})
    for size in (0, 3, 9, 30, len(stream.getvalue()) - 1):
        assert wire.read(io.BytesIO(stream.getvalue()[:size])) is None
    with pytest.raises(ValueError, match="no message stream"):
        wire.read(io.BytesIO(b"GET / HTTP/1.1"))


def test_minilm_through_the_process(client):
    path, tensor = str(MINILM), "embeddings.word_embeddings.weight"
    opened = until(client, client.ask("open", path=path))[-1].values
    assert (opened["tensor"], opened["shape"], opened["dtype"]) == (tensor, [30_522, 384], "float32")
    near = until(
        client,
        client.ask("neighbors", path=path, tensor=tensor, token="river", k=5, tokenizer=opened["tokenizer"]),
    )[-1]
    assert near.values["row"] == 2314
    assert near.arrays["rows"].shape == (6, 384)
    tiles = until(
        client,
        client.ask("tiles", path=path, tensor=tensor, pooling="mean", wanted=[[6, 0, 0, 0], [6, 1, 0, 0]]),
    )
    assert [reply.kind for reply in tiles] == ["part", "part", "result"]
    assert tiles[0].arrays["values"].shape == (256, 256)


def test_expected_problems_are_answers(client, tmp_path):
    reply = until(client, client.ask("open", path=str(tmp_path / "nowhere")))[-1]
    assert reply.kind == "error"
    assert isinstance(reply.error(), ModelError)
    assert "does not exist" in str(reply.error())
    write(tmp_path / "x.safetensors", {"w": random(9, 4)})
    reply = until(
        client, client.ask("neighbors", path=str(tmp_path / "x.safetensors"), tensor="w", token="#12")
    )[-1]
    assert isinstance(reply.error(), InputError)
    assert reply.error().hint


def test_what_a_hand_waits_for_overtakes_what_fills_the_page(client):
    path, tensor = str(MINILM), "embeddings.word_embeddings.weight"
    slow = client.ask("project", path=path, tensor=tensor)
    quick = client.ask("neighbors", path=path, tensor=tensor, token="#2314")
    order = []
    for reply in client.replies():
        if reply.kind == "result":
            order.append(reply.id)
        if len(order) == 2:
            break
    assert order == [quick, slow]


def test_a_cancelled_request_says_nothing_more(client):
    path, tensor = str(MINILM), "embeddings.word_embeddings.weight"
    dropped = client.ask("summary", path=path, tensor=tensor)
    client.cancel(dropped)
    kept = client.ask("open", path=path)
    kinds = []
    for reply in client.replies():
        if reply.id == dropped:
            kinds.append(reply.kind)
        if reply.id == kept:
            break
    assert "result" not in kinds


def test_a_killed_process_is_reported_once():
    client = Client()
    os.kill(client._process.pid, signal.SIGKILL)
    replies = list(client.replies())
    assert [reply.kind for reply in replies] == ["lost"]
    assert isinstance(replies[0].error(), ModelError)
    client.ask("open", path="x")  # too late, and no error
    client.close()
    client.release()


def test_closing_ends_a_process_in_the_middle_of_its_work():
    client = Client()
    client.ask("project", path=str(MINILM), tensor="embeddings.word_embeddings.weight")
    reader = threading.Thread(target=lambda: list(client.replies()))
    reader.start()
    client.close()
    reader.join(5)
    assert not reader.is_alive()
    assert client._process.returncode is not None
    client.release()
