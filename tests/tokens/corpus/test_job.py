"""The comparison in a process of its own, as the window asks for it."""

import contextlib
import json

import pytest

from tests.tokens import vocabularies as v
from tokstudio.tokens.corpus.job import CorpusJob
from tokstudio.tokens.corpus.run import Request


@contextlib.contextmanager
def started(*references: str, data):
    job = CorpusJob(Request(references, str(data)))
    events = job.events()
    try:
        yield job, events
    finally:
        job.close()
        list(events)
        job.release()


def until(events, name: str) -> dict:
    for event in events:
        if event["event"] == name:
            return event
    pytest.fail(f"no {name}")


def test_figures_causes_and_export(tmp_path):
    data, out = tmp_path / "text.txt", tmp_path / "out.csv"
    data.write_text("The unhappiness of dogs. " * 100)
    with started(v.CL100K, v.BERT, data=data) as (job, events):
        end = until(events, "finished")
        assert not end["cancelled"]
        assert [row["name"] for row in end["result"]["tokenizers"]] == ["cl100k_base", "bert-base-uncased"]
        job.causes(1, "fertility")
        found = until(events, "causes")
        assert found["rows"][0]["text"] == "unhappiness"
        job.export(out)
        assert until(events, "exported")["path"] == str(out)
        job.export(tmp_path / "out.doc")
        assert "format" in until(events, "refused")["error"]
    assert out.read_text().startswith("tokenizer,")


def test_cancel_keeps_what_was_counted(tmp_path):
    data = tmp_path / "text.txt"
    data.write_text("The unhappiness of dogs. " * 400_000)
    with started(v.BERT, data=data) as (job, events):
        until(events, "progress")
        job.cancel()
        end = until(events, "finished")
        assert end["cancelled"]
        assert 0 <= end["text"] < data.stat().st_size
        json.dumps(end)


def test_an_error_is_an_event(tmp_path):
    with started("tiktoken:nothing", data=tmp_path / "missing.txt") as (_, events):
        found = until(events, "error")
        assert found["error"]
        assert found["hint"]


def test_closing_at_once(tmp_path):
    data = tmp_path / "text.txt"
    data.write_text("x " * 2_000_000)
    with started(v.BERT, data=data):
        pass
