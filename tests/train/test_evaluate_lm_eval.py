"""Task files of lm-eval: only local ones are read; where it is installed, its figures are ours."""

import json
import os

import pytest

from tokstudio.errors import InputError
from tokstudio.models.load import load_model
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.corpus import Document
from tokstudio.train.evaluation.choices import answer
from tokstudio.train.evaluation.choices_file import read_questions
from tokstudio.train.evaluation.lm_eval_tasks import read_task, run_tasks
from tokstudio.train.evaluation.subject import Subject
from tokstudio.train.evaluation.texts import measure
from tokstudio.train.evaluation.windows import cut_windows

DATA = "dataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\ntest_split: test\n"
CHOICES = f"""task: my_choices
{DATA}output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
metric_list: [{{metric: acc}}, {{metric: acc_bytes}}]
"""
ROLLING = f"""task: my_text
{DATA}output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{{{text}}}}"
metric_list: [{{metric: bits_per_byte}}]
"""
QUESTIONS = [
    {"question": "2 + 2 =", "choices": ["3", "4"], "answer": 1},
    {"question": "The with statement is used to wrap the", "choices": ["execution", "zebra"], "answer": 0},
    {"question": "import", "choices": ["os", "umbrella", "of"], "answer": 0},
]
TEXTS = ["The with statement is used to wrap the execution of a block.", "import os\n\nprint(os.sep)"]


def write(tmp_path, task: str, rows=()):
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "task.yaml").write_text(task)
    return tmp_path / "task.yaml"


def test_data_files_are_sought_beside_the_task(tmp_path):
    found = read_task(write(tmp_path, CHOICES))
    assert found["dataset_kwargs"]["data_files"] == {"test": str(tmp_path / "data.jsonl")}
    assert found["task"] == "my_choices"


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("nonsense", "no task"),
        ("task: a\ndataset_path: hellaswag\n", "'hellaswag', which is not on this machine"),
        ("task: a\ndataset_path: json\n", "names no data files"),
        (CHOICES.replace("data.jsonl", "gone.jsonl"), "no data file gone.jsonl"),
        (CHOICES.replace("data.jsonl", "'hf://datasets/x'"), "no data file hf://datasets/x"),
        (CHOICES + "include: other.yaml\n", "includes another"),
        (CHOICES + "process_docs: !function utils.process\n", "plain YAML"),
        ("a: [", "plain YAML"),
    ],
)
def test_what_is_not_local_or_runs_python_is_refused(tmp_path, task, said):
    with pytest.raises(InputError, match=said):
        read_task(write(tmp_path, task))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_task(tmp_path / "gone.yaml")


@pytest.fixture
def subject(monkeypatch):
    """Where lm-eval is installed; it leaves the environment as it was."""
    for name in ("HF_DATASETS_OFFLINE", "HF_EVALUATE_OFFLINE", "HF_DATASETS_CACHE"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    pytest.importorskip("lm_eval", reason="the extra tokstudio[lm-eval]")
    return Subject("demo:english", load_model("demo:english"), load_tokenizer("demo:english"))


@pytest.mark.filterwarnings("ignore")  # its libraries' own
def test_multiple_choice_is_ours(tmp_path, subject):
    path = write(tmp_path, CHOICES, QUESTIONS)
    theirs = run_tasks(subject, [path])["my_choices"]
    ours = answer([subject], read_questions(tmp_path / "data.jsonl")).summary(0)
    assert theirs["acc,none"] == pytest.approx(ours["accuracy"])
    assert theirs["acc_bytes,none"] == pytest.approx(ours["accuracy_bytes"])


@pytest.mark.filterwarnings("ignore")
def test_bits_per_byte_are_ours(tmp_path, subject):
    path = write(tmp_path, ROLLING, [{"text": text} for text in TEXTS])
    theirs = run_tasks(subject, [path])["my_text"]["bits_per_byte,none"]
    documents = [Document(str(i), text) for i, text in enumerate(TEXTS)]
    windows = cut_windows(
        documents, [subject.tokenizer], cut="common", window_bytes=1024, total_bytes=1 << 62
    )
    assert theirs == pytest.approx(measure([subject], windows).result(0).value, rel=1e-6)
