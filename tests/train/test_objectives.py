"""Each objective by its own known truths, and all of them by what an objective is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tokstudio.errors import ConfigError
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.chunks import chunk, edges
from tokstudio.train.config import AlmConfig, KdConfig, LatentsConfig, TransferConfig
from tokstudio.train.data import TokenBatch, token_batch
from tokstudio.train.distances import distribution_distance
from tokstudio.train.nearest import edit_distances, nearest, nearest_map
from tokstudio.train.objectives.base import OBJECTIVES, Widths
from tokstudio.train.scores import Scores
from tokstudio.train.transfer import Pair

CPU = torch.device("cpu")
TEXTS = ["def join(self, *args):\n    return 'naïve 🙂'\n", "The quick brown fox.\n", "x = 1234.5\t# 東京\n"]


def made(name, source, target, config=None):
    return OBJECTIVES[name].build(Pair(source, target, CPU), config or TransferConfig())


def target_of(name, english, code):
    others = {"kl": english, "byte_kl": load_tokenizer("demo:english:conversion=byte")}
    return others.get(name, code)


def scores_of(batch: TokenBatch, size: int, seed: int = 0, latents=()) -> Scores:
    generator = torch.Generator().manual_seed(seed)
    logits = (torch.randn(*batch.input_ids.shape, size, generator=generator) * 2).requires_grad_()
    states = [torch.randn(*batch.input_ids.shape, 8, generator=generator).requires_grad_() for _ in range(2)]
    latents = {name: states for name in ("hidden", "all_hidden", "qkv", "embeddings")}
    return Scores.of(logits, batch, {**latents, "head": [torch.randn(size, 8, generator=generator)]})


def loss_of(objective, student, teacher, mine, theirs):
    with torch.no_grad():
        prepared = objective.prepare(student, teacher, theirs)
    return objective.loss_sum(mine, student, prepared) / max(objective.count(student, prepared), 1)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_an_objective_counts_what_it_sums_and_has_a_finite_gradient(name, english, code):
    target = target_of(name, english, code)
    objective = made(name, english, target)
    objective.module(Widths(8, 8))
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(target, TEXTS, limit=256)
    mine = scores_of(student, len(target), 1)
    theirs = scores_of(teacher, len(english), 2)
    loss = loss_of(objective, student, teacher, mine, theirs)
    assert torch.isfinite(loss)
    leaf = mine.latents["hidden"][0] if name in ("alm_latents", "dskd") else mine.logits
    gradient = torch.autograd.grad(loss, leaf)[0]
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("name", list(OBJECTIVES))
@pytest.mark.parametrize("texts", [["", ""], ["x"], ["", "a b"]], ids=["empty", "one token", "both"])
def test_empty_and_one_token_texts_give_a_finite_loss(name, texts, english, code):
    target = target_of(name, english, code)
    objective = made(name, english, target)
    objective.module(Widths(8, 8))
    for bare in (False, True):
        teacher, student = token_batch(english, texts, limit=256), token_batch(target, texts, limit=256)
        if bare:  # a tokenizer without a BOS
            teacher = TokenBatch(teacher.encodings, teacher.input_ids[:, 1:], 0)
            if teacher.input_ids.shape[1] < 2:
                teacher = TokenBatch(teacher.encodings, torch.nn.functional.pad(teacher.input_ids, (0, 1)), 0)
        loss = loss_of(
            objective,
            student,
            teacher,
            scores_of(student, len(target), 1),
            scores_of(teacher, len(english), 2),
        )
        assert torch.isfinite(loss)


@pytest.mark.parametrize("name", ["kl", "uld", "gold", "projected_kl", "alm", "alm_latents"])
def test_equal_sides_cost_nothing(name, english):
    objective = made(name, english, english)
    objective.module(Widths(8, 8))
    batch = token_batch(english, TEXTS, limit=256)
    same = scores_of(batch, len(english), 3)
    assert loss_of(objective, batch, batch, same, same).item() == pytest.approx(0, abs=1e-5)


def test_kl_is_torchs(english):
    batch = token_batch(english, TEXTS, limit=256)
    mine, theirs = scores_of(batch, len(english), 1), scores_of(batch, len(english), 2)
    for direction, order in (("forward", (mine, theirs)), ("reverse", (theirs, mine))):
        config = TransferConfig(kd=KdConfig(direction=direction, temperature=2.0))
        found = loss_of(made("kl", english, english, config), batch, batch, mine, theirs)
        logs = [torch.log_softmax(s.logits[:, :-1][batch.scored()] / 2, -1) for s in order]
        expected = torch.nn.functional.kl_div(*logs, log_target=True, reduction="batchmean") * 4
        assert found.item() == pytest.approx(expected.item(), rel=1e-4)


def test_kl_of_two_vocabularies_is_refused_with_what_to_choose(english, code):
    with pytest.raises(ConfigError, match="one vocabulary") as caught:
        made("kl", english, code)
    assert "projected_kl" in caught.value.hint


def test_js_is_symmetric_and_bounded():
    a, b = torch.randn(5, 9) * 4, torch.randn(5, 9) * 4
    there, back = (distribution_distance(x, y, direction="js") for x, y in ((a, b), (b, a)))
    assert torch.allclose(there, back, atol=1e-6)
    assert (there <= np.log(2)).all()
    assert (there > 0).all()


def test_23_uld_does_not_care_about_names_or_padding_of_tokens(english, code):
    """Golden test 23: permuting either vocabulary, or adding tokens of probability 0, leaves the loss."""
    uld = made("uld", english, code)
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    mine, theirs = scores_of(student, len(code), 1), scores_of(teacher, len(english), 2)
    before = loss_of(uld, student, teacher, mine, theirs).item()
    mixed = replace(mine, logits=mine.logits[..., torch.randperm(len(code))])
    assert loss_of(uld, student, teacher, mixed, theirs).item() == pytest.approx(before, rel=1e-5)
    uld.source, uld.size = uld.source + 50, uld.size + 50
    padded = replace(theirs, logits=torch.nn.functional.pad(theirs.logits, (0, 50), value=-1e9))
    assert loss_of(uld, student, teacher, mine, padded).item() == pytest.approx(before, rel=1e-5)


def test_edit_distances_by_hand():
    words = np.frombuffer(b"sittingsittensitttttmittens", np.uint8)[:21].reshape(3, 7)
    assert edit_distances(b"kitten", words).tolist() == [3, 2, 5]


def test_22_mined_map_is_the_nearest_by_brute_force(english, code):
    """Golden test 22: exact matches stay; others have the least distance there is."""
    found = nearest_map(english, code)
    known = {i: english.token_bytes(i) for i in range(len(english)) if english.token_bytes(i)}
    for token in [*range(300, 320), *range(len(code) - 12, len(code))]:
        data = code.token_bytes(token)
        if data in known.values():
            assert known[found[token]] == data
            continue
        least = min(_distance(data, other) for other in known.values())
        assert _distance(data, known[int(found[token])]) == least


def _distance(a: bytes, b: bytes) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, last = [i, *[0] * len(b)], row
        for k, y in enumerate(b, 1):
            row[k] = min(last[k] + 1, row[k - 1] + 1, last[k - 1] + (x != y))
    return row[-1]


def test_nearest_prefers_the_same_length():
    known = {
        3: (np.array([7]), np.frombuffer(b"cat", np.uint8)[None]),
        4: (np.array([2]), np.frombuffer(b"cats", np.uint8)[None]),
    }
    assert nearest(b"cut", known) == 7


def test_mined_compares_single_tokens_and_teaches_the_rest(english, code):
    mined = made("mined", english, code)
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    wanted = mined.prepare(student, teacher, scores_of(teacher, len(english), 2))
    assert len(wanted.single) + len(wanted.last) == len(chunk(teacher, student).text)
    assert mined.count(student, wanted) == len(chunk(teacher, student).text)


@pytest.mark.parametrize("norm", ["l2", "l2_channelwise"])
def test_25_latents_do_not_care_about_scale(norm, english, code):
    """Golden test 25: scaling both sides alike changes nothing, of each channel where the norm is of each."""
    objective = made("alm_latents", english, code, TransferConfig(latents=LatentsConfig(norm=norm)))
    objective.module(Widths(8, 8))
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    mine, theirs = scores_of(student, len(code), 1), scores_of(teacher, len(english), 2)
    before = loss_of(objective, student, teacher, mine, theirs).item()
    factor = torch.linspace(0.5, 9, 8) if norm == "l2_channelwise" else 7.0
    scaled = [
        replace(s, latents={"hidden": [h * factor for h in s.latents["hidden"]]}) for s in (mine, theirs)
    ]
    assert loss_of(objective, student, teacher, *scaled).item() == pytest.approx(before, rel=1e-4)


def test_latents_of_other_sizes_need_a_projection(english, code):
    with pytest.raises(ConfigError, match="channels") as caught:
        made("alm_latents", english, code).module(Widths(16, 8))
    assert "project" in caught.value.hint
    config = TransferConfig(latents=LatentsConfig(project=True))
    assert made("alm_latents", english, code, config).module(Widths(16, 8)).weight.shape == (16, 8)


def test_space_chunks_end_before_white_space_or_with_the_text(english, code):
    alm = made("alm", english, code, TransferConfig(alm=AlmConfig(chunks="space")))
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    groups = alm.prepare(student, teacher, scores_of(teacher, len(english), 2))
    following = student.input_ids.flatten()[torch.clamp(groups.end + 1, max=student.input_ids.numel() - 1)]
    ends = {student.base(k) + len(e) for k, e in enumerate(student.encodings)}
    for end, token in zip(groups.end.tolist(), following.tolist(), strict=True):
        assert end in ends or code.token_bytes(token)[:1].isspace()


@pytest.mark.parametrize("numerator", ["chunk_count", "token_count", "log1p_token_count"])
@pytest.mark.parametrize("denominator", ["chunk_count", "token_count"])
def test_each_merged_chunk_is_counted_once(numerator, denominator, english, code):
    config = TransferConfig(
        alm=AlmConfig(numerator=numerator, denominator=denominator, divergence="absolute")
    )
    alm = made("alm", english, code, config)
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    mine = scores_of(student, len(code), 1)
    groups = alm.prepare(student, teacher, scores_of(teacher, len(english), 2))
    assert groups.tokens.sum() == teacher.tokens
    assert alm.count(student, groups) == (len(groups) if denominator == "chunk_count" else teacher.tokens)
    plain = made(
        "alm", english, code, TransferConfig(alm=AlmConfig(divergence="absolute", numerator="chunk_count"))
    )
    if numerator == "chunk_count":
        assert alm.loss_sum(mine, student, groups).item() == pytest.approx(
            plain.loss_sum(mine, student, groups).item()
        )


def test_edges_leave_out_what_only_one_side_goes_on_with(english, code):
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    theirs, mine = edges(teacher, student)
    assert len(theirs) == len(mine) == len(chunk(teacher, student).text)  # a begin for each text, no end


def test_dskd_does_not_see_padding_or_neighbors_beyond_its_means(english, code):
    """A text alone, and the same text padded: the same loss."""
    dskd = made("dskd", english, code)
    torch.manual_seed(1)
    dskd.module(Widths(8, 8))
    teacher, student = token_batch(english, TEXTS[:1], limit=256), token_batch(code, TEXTS[:1], limit=256)
    mine, theirs = scores_of(student, len(code), 1), scores_of(teacher, len(english), 2)
    before = loss_of(dskd, student, teacher, mine, theirs).item()

    def padded(batch, scores):
        wider = TokenBatch(batch.encodings, torch.nn.functional.pad(batch.input_ids, (0, 5)), batch.offset)
        pad = {
            n: [torch.nn.functional.pad(s, (0, 0, 0, 5), value=9.0) for s in v]
            for n, v in scores.latents.items()
        }
        pad["head"] = scores.latents["head"]
        return wider, Scores.of(torch.nn.functional.pad(scores.logits, (0, 0, 0, 5), value=1.0), wider, pad)

    (t, ts), (s, ss) = padded(teacher, theirs), padded(student, mine)
    assert loss_of(dskd, s, t, ss, ts).item() == pytest.approx(before, rel=1e-4)


def test_dskd_does_not_teach_input_rows(english, code):
    objective = made("dskd", english, code)
    objective.module(Widths(8, 8))
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    mine, theirs = scores_of(student, len(code), 1), scores_of(teacher, len(english), 2)
    rows = [torch.randn_like(mine.latents["embeddings"][0]).requires_grad_()]
    mine = replace(mine, latents={**mine.latents, "embeddings": rows})
    loss = loss_of(objective, student, teacher, mine, theirs)
    gradients = torch.autograd.grad(loss, [rows[0], mine.latents["hidden"][0]], allow_unused=True)
    assert gradients[0] is None
    assert gradients[1].abs().max() > 0


def test_dskd_learns_to_carry_states_over(english, code):
    """Its maps alone bring the loss down: what it teaches is learnable."""
    dskd = made("dskd", english, code)
    torch.manual_seed(1)
    maps = dskd.module(Widths(8, 8))
    teacher, student = token_batch(english, TEXTS, limit=256), token_batch(code, TEXTS, limit=256)
    mine, theirs = scores_of(student, len(code), 1), scores_of(teacher, len(english), 2)
    optimizer, losses = torch.optim.Adam(maps.parameters(), lr=0.03), []
    for _ in range(25):
        loss = loss_of(dskd, student, teacher, mine, theirs)
        maps.zero_grad()
        loss.backward(retain_graph=True)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
