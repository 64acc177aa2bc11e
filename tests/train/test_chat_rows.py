"""Chats and prompts with answers: what is learnt of them, and what is measured."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tokstudio.errors import InputError
from tokstudio.events import Metrics
from tokstudio.models.load import load_model
from tokstudio.train.config import DataConfig
from tokstudio.train.control import NoControl
from tokstudio.train.data import token_batch
from tokstudio.train.evaluate import bits_per_byte, token_nats
from tokstudio.train.kinds import own_tokenizer
from tokstudio.train.marked import cut, encode, marked, trained_bytes, trained_tokens
from tokstudio.train.packing import batches
from tokstudio.train.sources import load_data
from tokstudio.train.transfer import run


def chat(question, answer):
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture(scope="module")
def chats(tmp_path_factory):
    path = tmp_path_factory.mktemp("chats") / "chats.jsonl"
    rows = [chat(f"What is {i}?", f"It is {i}, the number after {i - 1}.") for i in range(60)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def loaded(path, **changes):
    return load_data(DataConfig(corpus=str(path), chat_template="TinyLlama", **changes), "demo:english")


def learnt(text):
    return [text.encode()[a:b].decode() for a, b in text.trained]


def test_only_answers_and_their_end_are_learnt(chats, english):
    for document in loaded(chats).train:
        assert "<|user|>\nWhat is" in document.text
        (answer,) = learnt(document.text)
        assert answer.startswith("It is")
        assert answer.endswith(".</s>")
        encoding = encode(english, document.text)
        flags = trained_tokens(document.text, encoding)
        assert encoding.ids[flags][-1] == english.special_tokens["</s>"]
        spelled = b"".join(english.token_bytes(int(i)) or b"</s>" for i in encoding.ids[flags])
        assert spelled.decode() == answer


def test_all_turns_are_learnt_where_that_is_asked_for(chats):
    text = loaded(chats, learn="all").train[0].text
    assert learnt(text) == [str(text)]


def test_what_a_person_wrote_is_text_and_no_special_token(tmp_path, english):
    path = tmp_path / "a.jsonl"
    rows = [chat("Say </s> twice", f"</s></s> {i}") for i in range(30)]
    path.write_text("\n".join(map(json.dumps, rows)))
    encoding = encode(english, loaded(path).train[0].text)
    end = english.special_tokens["</s>"]
    assert int((encoding.ids == end).sum()) == 2  # of the two turns, and none of the three that were written
    assert encoding.tiles


def test_pairs_end_with_the_end_of_a_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n".join(json.dumps({"prompt": f"{i} + 1 =", "completion": f" {i + 1}"}) for i in range(40))
    )
    corpus = load_data(DataConfig(corpus=str(path)), "demo:english")
    assert {tuple(learnt(d.text)) for d in corpus.train} <= {(f" {i + 1}</s>",) for i in range(40)}


def test_sharegpt_names_are_known(tmp_path):
    path = tmp_path / "a.jsonl"
    row = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}]}
    path.write_text("\n".join([json.dumps(row)] * 30))
    assert learnt(loaded(path).train[0].text) == ["Hello.</s>"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"messages": []}, "Line 2 of .* no list of messages"),
        ({"messages": [{"role": "user"}]}, "Line 2 of .* message 1 has no role or no content"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "Line 2 of .* nobody answers"),
        ({"prompt": "a", "completion": 3}, 'Line 2 of .* "prompt" and "completion" must be texts'),
    ],
)
def test_a_bad_chat_is_named_by_its_line(row, says, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(chat("Hi", "Hello.")) + "\n" + json.dumps(row))
    with pytest.raises(InputError, match=says):
        loaded(path)


def test_a_model_without_a_template_says_where_to_get_one(chats):
    with pytest.raises(InputError, match=r"Line 1 of .* has no chat template") as caught:
        load_data(DataConfig(corpus=chats), "demo:english")
    assert "data.chat_template" in caught.value.hint


def test_windows_keep_their_marks():
    text = marked("ask\nanswer one\nask again\nanswer two\n", ((4, 14), (25, 35)))
    pieces = list(cut(text, 16))
    assert "".join(map(str, pieces)).count("answer") == 2
    assert [learnt(p) for p in pieces] == [["answer one"], ["answer two"]]
    assert sum(map(trained_bytes, pieces)) == trained_bytes(text) == 20


@pytest.mark.parametrize("pack", [False, True])
def test_scored_is_what_is_learnt(pack, chats, english):
    texts = [d.text for d in loaded(chats).train[:5]]
    wanted = sum(int(trained_tokens(t, encode(english, t)).sum()) for t in texts)
    (batch,) = batches([(english, 256)], texts, DataConfig(pack=pack))
    scored = batch.counted()
    assert int(scored.sum()) == wanted
    following = batch.input_ids[:, 1:][scored]
    assert int((following == english.special_tokens["</s>"]).sum()) == 5


def test_bits_are_of_the_answers_alone(chats, tiny_folder, english):
    model = load_model(str(tiny_folder))
    texts = [d.text for d in loaded(chats).held_out]
    found = bits_per_byte(model, english, texts)
    assert found.bytes == sum(map(trained_bytes, texts)) < sum(len(t.encode()) for t in texts)
    batch = token_batch(english, texts, limit=256)
    with torch.inference_mode():
        every = token_nats(model, replace(batch, learned=()))
    nats = sum(
        every[row, : len(e)][flags].sum()
        for row, (e, flags) in enumerate(zip(batch.encodings, batch.learned, strict=True))
    )
    assert found.value == pytest.approx(nats / np.log(2) / found.bytes, rel=1e-6)


@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
def test_a_model_learns_to_answer(chats, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr("tokstudio.transfer.verify.verify_in_fresh_process", lambda path: {"checked": True})
    config = replace(
        own_tokenizer(tiny_config),
        objectives=("next_token",),
        weights=(1.0,),
        data=DataConfig(
            corpus=chats, chat_template="TinyLlama", window_bytes=256, held_out_bytes=1024, pack=True
        ),
    )
    events = list(run(config, tmp_path, NoControl(), False))
    report = events[-2].values
    assert report["trained"]["bits_per_byte"] < report["source"]["bits_per_byte"]
    assert all(np.isfinite(e.values["loss"]) for e in events if isinstance(e, Metrics) and "loss" in e.values)


@pytest.mark.parametrize("tiny_folder", [True], indirect=True, ids=["tied"])
def test_answers_are_learnt_from_a_teacher_with_and_without_a_cache(chats, tiny_config, tmp_path):
    """Chunk likelihoods of what an assistant says; the loss of a batch is that of its answers."""
    config = replace(
        tiny_config,
        objectives=("next_token", "alm"),
        data=DataConfig(corpus=chats, chat_template="TinyLlama", window_bytes=256, held_out_bytes=1024),
        check_export=False,
    )
    curves = []
    for name, changes in {
        "live": config,
        "cached": replace(config, train=replace(config.train, teacher_cache=True)),
        "all": replace(config, data=replace(config.data, learn="all")),
    }.items():
        (tmp_path / name).mkdir()
        events = run(changes, tmp_path / name, NoControl(), False)
        told = [e for e in events if isinstance(e, Metrics) and "loss/alm" in e.values and e.step]
        curves.append([e.values["loss/alm"] for e in told])
        assert len(told) == config.train.steps
        assert all(value > 0 for value in curves[-1])
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)
    assert curves[0][0] != pytest.approx(curves[2][0], rel=1e-3)
