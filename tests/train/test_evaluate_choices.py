"""Multiple choice: read from files, scored from the same place, by bytes and beyond chance."""

import json

import numpy as np
import pytest
import torch

from tokstudio.errors import InputError
from tokstudio.models.load import load_model
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.evaluation.choices import Answered, answer, point, shared_tokens, spelled
from tokstudio.train.evaluation.choices_file import Question, read_questions
from tokstudio.train.evaluation.subject import Subject

THREE = Question(1, "Q:", ("yes", "certainly", "no"), 1)


def write(tmp_path, name: str, text: str):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("given", [1, "1", "B", "b", "4"], ids=repr)
def test_an_answer_is_a_text_a_letter_or_a_place(tmp_path, given):
    row = {"question": "2 + 2 =", "choices": ["3", "4"], "answer": given}
    assert read_questions(write(tmp_path, "q.jsonl", json.dumps(row) + "\n\n")) == [
        Question(1, "2 + 2 =", ("3", "4"), 1)
    ]


@pytest.mark.parametrize(
    "text",
    [
        'question,choices,answer\n"Is, it?",yes|no,no\n',
        'Question,Answer,Choices\n"Is, it?",B,"[""yes"", ""no""]"\n',
        '\ufeffquestion,A,B,C,answer\n"Is, it?",yes,no,,1\n',
        'question,choice1,choice2,answer\n"Is, it?",yes,no,no\n',
    ],
)
def test_tables_of_several_shapes(tmp_path, text):
    assert read_questions(write(tmp_path, "q.csv", text)) == [Question(1, "Is, it?", ("yes", "no"), 1)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("q.jsonl", "", "no question"),
        ("q.jsonl", "nonsense", "Line 1"),
        ("q.jsonl", '[{"question": 1}]', "no JSON object"),
        ("q.jsonl", '{"choices": ["a", "b"], "answer": 0}', "Row 1"),
        ("q.jsonl", '{"question": "q", "choices": ["a"], "answer": 0}', "1 choices"),
        ("q.jsonl", '{"question": "q", "choices": ["a", ""], "answer": 0}', "empty one"),
        ("q.jsonl", '{"question": "q", "choices": ["a", "b"], "answer": 2}', "none of its choices"),
        ("q.jsonl", '{"question": "q", "choices": ["a", "b"], "answer": true}', "none of its choices"),
        ("q.jsonl", '{"question": "q", "choices": ["a", "b"], "answer": "²"}', "none of its choices"),
        ("q.csv", "a,b\n1,2\n", "no columns"),
        ("q.csv", "", "no columns"),
        ("q.csv", 'question,choices,answer\n"q,a|b,0', "no CSV"),
    ],
)
def test_a_file_of_something_else_is_told(tmp_path, name, text, said):
    with pytest.raises(InputError, match=said):
        read_questions(write(tmp_path, name, text))


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_questions(tmp_path / "gone.csv")
    (tmp_path / "q.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        read_questions(tmp_path / "q.csv")


def test_points_by_hand():
    nats = np.array([2.0, 4.5, 3.0])  # 3, 9 and 2 bytes: 0.67, 0.5 and 1.5 a byte
    assert point(THREE, nats, by_bytes=False) == 0
    assert point(THREE, nats, by_bytes=True) == 1
    assert point(THREE, np.array([4.0, 4.0, 5.0]), by_bytes=False) == 0.5
    assert point(THREE, np.array([4.0, 4.0, 4.0]), by_bytes=False) == pytest.approx(1 / 3)


def answered(*rows: list[float]) -> Answered:
    """Question 1 has three choices, question 2 two; the right ones are 1 and 0."""
    questions = (THREE, Question(2, "R:", ("ab", "cd"), 0))
    subject = Subject("m", torch.nn.Linear(1, 1), load_tokenizer("demo:english"))
    nats = tuple((np.array(row[:3]), np.array(row[3:])) for row in rows)
    return Answered((subject,) * len(rows), questions, nats)


def test_chance_is_taken_off():
    found = answered([2.0, 4.5, 3.0, 1.0, 2.0], [2.0, 9.9, 3.0, 1.0, 2.0])
    one, other = found.summary(0), found.summary(1)
    chance = (1 / 3 + 1 / 2) / 2
    assert one["chance"] == pytest.approx(chance)
    assert (one["accuracy"], one["accuracy_bytes"]) == (0.5, 1.0)
    assert one["accuracy_bytes_chance_corrected"] == 1
    assert one["accuracy_chance_corrected"] == pytest.approx((0.5 - chance) / (1 - chance))
    assert other["accuracy_bytes"] == 0.5
    difference = found.difference(0, 1)
    assert difference["accuracy_bytes"] == -0.5
    assert difference["accuracy"] == 0
    assert difference["accuracy_interval"]["low"] == difference["accuracy_interval"]["high"] == 0
    assert difference["accuracy_bytes_retention_chance_corrected"] == pytest.approx(
        (0.5 - chance) / (1 - chance)
    )


@pytest.mark.parametrize(
    "reference", ["demo:english", "demo:code", "bert-base-uncased", "tiktoken:cl100k_base"]
)
def test_choices_are_scored_from_one_place(reference):
    tokenizer = load_tokenizer(reference)
    question = Question(1, "The capital of France is", ("Paris", "Rome", "is"), 0)
    group = [tokenizer.encode(text) for text in spelled(question)]
    shared = shared_tokens(group, len(question.text))
    assert shared == len(tokenizer.encode(question.text))
    assert len({tuple(e.ids[:shared].tolist()) for e in group}) == 1


def test_a_choice_that_changes_the_question_is_scored_with_what_it_changed():
    tokenizer = load_tokenizer("tiktoken:cl100k_base")
    question = Question(1, "1 2\n", ("4", "\n3"), 0)  # "\n\n" is one token
    group = [tokenizer.encode(text) for text in spelled(question)]
    shared = shared_tokens(group, len(question.text))
    assert shared < len(tokenizer.encode(question.text))
    assert all(e.spans[shared - 1, 1] <= len(question.text) for e in group)


def test_spaces_are_put_where_there_is_none():
    assert spelled(Question(1, "a ", ("b", " c"), 0)) == ["a b", "a  c"]
    assert spelled(Question(1, "a", ("b", "\nc"), 0)) == ["a b", "a\nc"]


def test_a_model_is_asked(english, tiny_folder):
    model = load_model(str(tiny_folder)).eval()
    subject = Subject("tiny", model, english)
    question = Question(1, "The value of x is", ("an integer", "a list"), 0)
    found = answer([subject], [question, question])
    for nats, text in zip(found.nats[0][0], spelled(question), strict=True):
        ids = [subject.prefix, *english.encode(text).ids.tolist()]
        first = 1 + len(english.encode(question.text))
        with torch.no_grad():
            log_p = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0].double(), -1)
        by_hand = -sum(float(log_p[i - 1, ids[i]]) for i in range(first, len(ids)))
        assert nats == pytest.approx(by_hand, rel=1e-5)
    each = found.each()[0]
    assert each["bits"][0] == pytest.approx((found.nats[0][0] / np.log(2)).tolist())


def test_choices_that_the_tokenizer_makes_equal_share_the_point():
    tokenizer = load_tokenizer("bert-base-uncased")
    rows = torch.nn.Embedding(len(tokenizer), 1)
    model = torch.nn.Module()
    model.weight = torch.nn.Parameter(torch.zeros(1))
    model.config = type("Config", (), {"max_position_embeddings": 64})
    model.get_input_embeddings = lambda: rows
    model.forward = lambda input_ids, use_cache: type(
        "Output", (), {"logits": torch.zeros(*input_ids.shape, len(tokenizer))}
    )
    found = answer([Subject("even", model, tokenizer)], [Question(1, "who", ("Me", "me"), 0)])
    assert found.summary(0)["accuracy"] == 0.5
    assert found.summary(0)["indistinguishable"] == 1
