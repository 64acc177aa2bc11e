"""What a training will take, before it starts and while it runs; and that nothing of it stays behind."""

from pathlib import Path

import pytest

from tests.tokens import vocabularies as v
from tests.tokens.test_training import settings
from tokstudio.tokens.training.events import Failed, Phase
from tokstudio.tokens.training.forecast import Forecast, Remaining, duration, forecast
from tokstudio.tokens.training.process import TrainingProcess
from tokstudio.tokens.training.sample import sample


def proteins(path: Path) -> Path:
    import random

    chance = random.Random(1)
    lines = [
        f">p{i} made up\n{''.join(chance.choices('ACDEFGHIKLMNPQRSTVWY', k=400))}\n" for i in range(1000)
    ]
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize("kind", ["text", "proteins"])
def test_the_forecast_of_memory_is_right_within_a_fifth(tmp_path, kind):
    source = tmp_path / "topics.txt"
    source.write_text("\n".join(v.lines()), encoding="utf-8")
    source = source if kind == "text" else proteins(tmp_path / "p.fasta")
    about = settings(source, tmp_path / "made", vocab_size=2000)
    expected = forecast(about)
    process = TrainingProcess(about)
    done = list(process.events())[-1]
    assert 0.8 < expected.memory / done.report["peak_memory"] < 1.2


def test_a_sample_tells_how_many_words_there_are(tmp_path):
    file = proteins(tmp_path / "p.fasta")
    found = sample(settings(file, tmp_path / "made"))
    assert found.text == pytest.approx(400_000, rel=0.02)
    assert found.letters_in(found.text) == pytest.approx(400_000, rel=0.05)
    (tmp_path / "same.jsonl").write_text('{"id": 12345, "text": "the same words again"}\n' * 20_000)
    found = sample(settings(tmp_path / "same.jsonl", tmp_path / "made"))
    assert found.text == pytest.approx(400_000, rel=0.02)
    assert found.letters_in(found.text) < 100


def test_the_time_left_follows_what_is_known():
    now = [100.0]
    left = Remaining(Forecast(1000, 0, 1, seconds=20.5, reading=10.5), lambda: now[0])
    assert left.after(Phase("Reading", 0.0)) == pytest.approx(20.5)
    now[0] += 11.0  # twice as long as expected
    assert left.after(Phase("Reading", 0.5)) == pytest.approx(2 * 20.5 - 11)
    now[0] += 10.0
    assert left.after(Phase("Expectation and maximization")) == pytest.approx(2 * 20.5 - 21)
    assert left.after(Phase("Merging", 0.0)) == pytest.approx(2 * 20.5 - 21)
    now[0] += 9_000.0  # longer than expected
    assert left.after(Phase("Merging", 0.0)) is None
    assert left.after(Phase("Merging", 0.05)) == pytest.approx(9_000 * 19)
    left.after(Phase("Other"))
    left.after(Phase("Merging", 0.0))
    now[0] += 3.0
    assert left.after(Phase("Merging", 0.75)) == pytest.approx(1.0)
    assert left.after(Phase("Writing")) is None
    assert Remaining(None).after(Phase("Reading", 0.5)) is None
    assert [duration(s) for s in (0.2, 20, 400, 9000)] == ["1 s", "20 s", "7 min", "2.5 h"]


def test_no_pipe_stays_open_after_a_failure(tmp_path):
    (tmp_path / "empty.txt").write_text("")
    process = TrainingProcess(settings(tmp_path / "empty.txt", tmp_path / "made"))
    events = process.events()
    assert any(isinstance(event, Failed) for event in events)
    assert process._process.stdout.closed
    other = TrainingProcess(settings(tmp_path / "empty.txt", tmp_path / "made"))
    other.cancel()  # before anybody has listened
    assert other._process.stdout.closed
