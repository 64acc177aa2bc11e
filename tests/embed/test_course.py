"""How rows moved over the checkpoints of a run: against NumPy, on matrices written by hand with real vocabularies."""

from pathlib import Path

import numpy as np
import pytest

from tests.embed.files import model, write
from tokstudio.embed.course import Measured, follow, stops_of
from tokstudio.embed.course_jobs import course, course_row
from tokstudio.embed.jobs import State
from tokstudio.embed.join import join
from tokstudio.embed.known import matrix_path
from tokstudio.embed.matrix import finish
from tokstudio.embed.read import open_model
from tokstudio.embed.run_folder import checkpoints, run_models
from tokstudio.embed.vocabulary import read_vocabulary
from tokstudio.errors import InputError

NAME = "model.embed_tokens.weight"
ROWS = 4160  # of demo:code


def make_run(
    folder: Path, steps: dict[int, np.ndarray], total: int = 100, source: str = "demo:english"
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(
        f'model = "{source}"\ntokenizer = "demo:code"\n[train]\nsteps = {total}\n'
    )
    for step, values in steps.items():
        place = folder / "checkpoints" / f"step-{step}"
        place.mkdir(parents=True)
        write(place / "model.safetensors", {NAME: values, "model.layers.0.x.weight": values[:4]})
        (place / "state.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def before() -> np.ndarray:
    return np.array(open_model(matrix_path("demo:english")).matrix().block(0, 4096))


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray]:
    now, old = (finish(read_vocabulary(name)) for name in ("demo:code", "demo:english"))
    joined = join(now, old, ROWS, len(old))
    return joined.a, joined.b


@pytest.fixture
def values(before, pairs) -> list[np.ndarray]:
    """Three checkpoints: each row copied where both have the token, then pushed a little further every time."""
    rng = np.random.default_rng(5)
    first = rng.normal(0, 0.1, (ROWS, before.shape[1])).astype(np.float32)
    first[pairs[0]] = before[pairs[1]]
    push = rng.normal(0, 0.01, first.shape).astype(np.float32)
    return [first + push * factor for factor in (0, 1, 3)]


def test_movement_and_distance_are_what_numpy_says(tmp_path, before, pairs, values):
    run = make_run(tmp_path / "run", dict(zip((10, 20, 100), values, strict=True)))
    found = finish(follow(run, pairs))
    assert [stop.step for stop in found.stops] == [10, 20, 100]
    length = lambda x: np.linalg.norm(x.astype(np.float64), axis=1)  # noqa: E731
    assert np.isnan(found.moved[0]).all()
    np.testing.assert_allclose(found.moved[2], length(values[2] - values[1]) / length(values[1]), rtol=1e-5)
    np.testing.assert_allclose(found.total[2], length(values[2] - values[0]) / length(values[0]), rtol=1e-5)
    assert not found.total[0].any()
    source = before[pairs[1]]
    np.testing.assert_allclose(
        found.away[1][pairs[0]], length(values[1][pairs[0]] - source) / length(source), rtol=1e-5
    )
    assert not found.away[0][pairs[0]].any(), "copied rows start where they came from"
    alike = (values[2][pairs[0]].astype(np.float64) * source).sum(1)
    alike /= length(values[2][pairs[0]]) * length(source)
    np.testing.assert_allclose(found.cosine[2][pairs[0]], alike, rtol=1e-5)
    new = np.setdiff1d(np.arange(ROWS), pairs[0])
    assert len(new)
    assert np.isnan(found.away[:, new]).all()
    assert np.isnan(found.cosine[:, new]).all()


def test_a_checkpoint_that_is_being_written_is_not_there_yet(tmp_path, values):
    run = make_run(tmp_path / "run", {10: values[0], 9: values[1]})
    (run / "checkpoints" / "step-10" / "state.json").unlink()
    (run / "checkpoints" / ".step-11").mkdir()
    assert [stop.step for stop in checkpoints(run)] == [9]
    assert open_model(run).name == "run, step 9", (
        "a run without an export is looked at in its newest checkpoint"
    )
    assert open_model(run).tokenizer == "demo:code"
    write(run / "plan-start.safetensors", {"input.weights": values[0][0]})
    assert open_model(run).name == "run, step 9", "a plan beside the settings is no model"


def test_the_export_counts_where_the_last_step_has_no_checkpoint(tmp_path, values):
    run = make_run(tmp_path / "run", {10: values[0]}, total=20)
    model(run / "export", {NAME: values[1]}, vocab_size=ROWS)
    assert [stop.step for stop in stops_of(run)] == [10, None]
    whole = make_run(tmp_path / "whole", {20: values[0]}, total=20)
    model(whole / "export", {NAME: values[0]}, vocab_size=ROWS)
    assert [stop.step for stop in stops_of(whole)] == [20], "the export is the last checkpoint then"


def test_what_was_measured_is_not_read_again(tmp_path, pairs, values, monkeypatch):
    from tokstudio.embed import course as module

    run = make_run(tmp_path / "run", {10: values[0], 20: values[1]})
    kept = Measured()
    first = finish(follow(run, pairs, kept))
    read = []
    plain = module._apart
    monkeypatch.setattr(
        module, "_apart", lambda a, b, joined: read.append(a.tensor.file) or plain(a, b, joined)
    )
    again = finish(follow(run, pairs, kept))
    assert not read
    np.testing.assert_array_equal(first.total, again.total)
    make_run(run, {30: values[2]})
    third = finish(follow(run, pairs, kept))
    assert {file.parent.name for file in read} == {"step-30"}
    assert len(third.stops) == 3
    (run / "checkpoints" / "step-10" / "state.json").unlink()
    finish(follow(run, pairs, kept))
    assert not any("step-10" in key[1][0] + key[2][0] for key in kept.known), (
        "nothing is kept of what is gone"
    )


def test_rows_that_are_zero_or_not_finite_have_no_distance(tmp_path, pairs, values):
    second = values[1].copy()
    second[pairs[0][0]], second[pairs[0][1]] = np.nan, 0
    run = make_run(tmp_path / "run", {10: values[0], 20: second})
    found = finish(follow(run, pairs))
    assert np.isnan([found.total[1][pairs[0][0]], found.away[1][pairs[0][0]]]).all()
    assert found.total[1][pairs[0][1]] == 1
    assert np.isnan(found.cosine[1][pairs[0][1]])


def test_another_width_has_no_distance_and_still_moves(tmp_path, pairs, values):
    run = make_run(tmp_path / "run", {10: values[0][:, :64], 20: values[1][:, :64]})
    found = finish(follow(run, pairs))
    assert np.isnan(found.away).all()
    assert np.isfinite(found.total).all()


def test_a_checkpoint_that_is_removed_while_it_is_opened_is_left_out(tmp_path, pairs, values, monkeypatch):
    from tokstudio.embed import course as module
    from tokstudio.embed import read

    run = make_run(tmp_path / "run", {10: values[0], 20: values[1]})
    plain = read.map_matrix

    def mapped(tensor, role):
        if tensor.file.parent.name == "step-10":
            tensor.file.unlink()  # the run goes on between the header and the map
        return plain(tensor, role)

    monkeypatch.setattr(read, "map_matrix", mapped)
    assert [stop.step for stop in finish(module.follow(run, pairs)).stops] == [20]


@pytest.mark.parametrize("words", ["", "model = 3\n", "x = ["])
def test_other_folders_are_no_runs(tmp_path, words):
    (tmp_path / "config.toml").write_text(words)
    with pytest.raises(InputError, match="not the folder of a run"):
        run_models(tmp_path)


def test_a_run_without_token_rows_says_so(tmp_path, pairs, values):
    run = make_run(tmp_path / "run", {})
    with pytest.raises(InputError, match="no checkpoint yet"):
        finish(follow(run, pairs))
    place = run / "checkpoints" / "step-1"
    place.mkdir(parents=True)
    write(place / "model.safetensors", {"layers.0.lora_A.weight": values[0][:8]})
    (place / "state.json").write_text("{}")
    with pytest.raises(InputError, match="no token rows"):
        finish(follow(run, pairs))


def answer(job):
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_the_nearest_source_tokens_of_a_copied_row_begin_with_itself(tmp_path, before, pairs, values):
    run = make_run(tmp_path / "run", {10: values[0], 20: values[1]})
    state = State()
    found = answer(course(state, str(run)))
    assert found.values["shared"] == len(pairs[0])
    assert found.values["source"]["name"] == "Demo model"
    target, source = int(pairs[0][1000]), int(pairs[1][1000])
    stop = found.values["stops"][0]
    near = answer(course_row(state, str(run), stop["path"], stop["tensor"], target, found.values["source"]))
    rows = before.astype(np.float64)
    scores = rows @ rows[source] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[source])
    assert near.arrays["ids"].tolist() == np.argsort(-scores, kind="stable")[:10].tolist()
    np.testing.assert_allclose(near.arrays["scores"], np.sort(scores)[::-1][:10], rtol=1e-9)
