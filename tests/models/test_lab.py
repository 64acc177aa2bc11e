"""The lab on the demo model itself; what it says is worked out a second way, by plain transformers and torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.embed.files import MINILM
from tests.embed.files import model as write_model
from tests.embed.test_classic import read, spelled
from tokstudio.errors import InputError, ModelError
from tokstudio.models.lab.change import changes
from tokstudio.models.lab.jobs import JOBS, State, check_memory
from tokstudio.models.lab.score import prefix_of, score, spread
from tokstudio.models.lab.structure import tree, vocabulary_cost
from tokstudio.models.lab.watch import attention, logit_lens, outputs
from tokstudio.models.lab.write import Sampling, draw, write
from tokstudio.models.load import load_model
from tokstudio.paths import resource
from tokstudio.tokens.base import Encoding
from tokstudio.tokens.reference import load_tokenizer

TEXT = "import os\nimport sys\n\n\ndef main(argv=None):\n    return 'naïve 🙂'\n"


@pytest.fixture(scope="module")
def model():
    return load_model("demo:english").eval()


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("demo:english")


@pytest.fixture(scope="module")
def ids(tokenizer):
    return [*prefix_of(tokenizer), *tokenizer.encode(TEXT).ids.tolist()]


def finished(job):
    parts = []
    while True:
        try:
            parts.append(next(job))
        except StopIteration as end:
            return end.value, [p for p in parts if not isinstance(p, float)]


def test_tree_counts_every_parameter_once(model):
    nodes = {node.path: node for node in tree(model)}
    everything = sum(p.numel() for p in model.parameters())  # transformers gives tied weights once
    assert nodes[""].parameters == everything
    for path, node in nodes.items():
        below = [n for p, n in nodes.items() if p.rpartition(".")[0] == path and p]
        own = 0 if node.tied_to else sum(int(np.prod(shape)) for shape in node.shapes.values())
        assert node.parameters == own + sum(n.parameters for n in below)
    assert nodes["lm_head"].tied_to == "model.embed_tokens"
    assert nodes["lm_head"].parameters == 0


def test_vocabulary_cost_is_that_of_a_resized_model(model):
    other = load_model("demo:english")
    other.resize_token_embeddings(5000)
    cost = vocabulary_cost(model, 5000)
    assert cost.total == sum(p.numel() for p in other.parameters())
    assert cost.embeddings == 5000 * 256


def test_outputs_are_those_of_the_modules_and_leave_no_hook(model, ids):
    hooks = [len(module._forward_hooks) for module in model.modules()]
    found = outputs(model, ids)
    assert [len(module._forward_hooks) for module in model.modules()] == hooks
    with torch.inference_mode():
        states = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
    layers = [o for o in found if o.path in {f"model.layers.{i}" for i in range(4)}]
    assert [o.path for o in layers] == [f"model.layers.{i}" for i in range(4)]  # in the order of execution
    for number in range(3):  # the fourth state in the list has been through the last norm
        assert layers[number].norms == pytest.approx(states[number + 1][0].norm(dim=-1).numpy(), rel=1e-5)
        assert layers[number].std == pytest.approx(states[number + 1].std(correction=0).item(), rel=1e-5)


def test_attention_rows_are_distributions_over_the_past(model, ids):
    before = model.config._attn_implementation
    weights = attention(model, ids, 1)
    assert weights.shape == (4, len(ids), len(ids))
    assert weights.sum(-1) == pytest.approx(np.ones(weights.shape[:2]), abs=1e-5)
    assert (np.triu(weights[0], 1) == 0).all()
    assert model.config._attn_implementation == before


def test_the_last_row_of_the_lens_is_the_models_answer(model, ids):
    lens = logit_lens(model, ids, k=3)
    with torch.inference_mode():
        p = torch.softmax(model(input_ids=torch.tensor([ids])).logits[0], -1)
    best = p.topk(3)
    assert (lens.ids[-1] == best.indices.numpy()).all()
    assert lens.probabilities[-1] == pytest.approx(best.values.numpy(), rel=1e-4)
    assert lens.ids.shape == (5, len(ids), 3)
    assert (lens.entropy >= 0).all()


def test_greedy_writing_is_transformers_own(model, tokenizer):
    start = [*prefix_of(tokenizer), *tokenizer.encode("def __init__(self").ids.tolist()]
    new = [d.token for d in write(model, start, Sampling(max_new_tokens=12))]
    theirs = model.generate(
        torch.tensor([start]),
        max_new_tokens=12,
        do_sample=False,
        attention_mask=torch.ones(1, len(start)),
        pad_token_id=0,
    )
    assert new == theirs[0, len(start) :].tolist()


def test_a_seed_gives_the_same_text_and_another_one_another(model, tokenizer):
    start = [*prefix_of(tokenizer), *tokenizer.encode("The ").ids.tolist()]

    def texts(seed):
        return [d.token for d in write(model, start, Sampling(temperature=1.0, seed=seed, max_new_tokens=16))]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


def test_writing_stops_at_an_end_token_and_at_the_context(model, tokenizer):
    start = [*prefix_of(tokenizer), *tokenizer.encode("x").ids.tolist()]
    first = next(write(model, start, Sampling()))
    stopped = list(write(model, start, Sampling(), ends=frozenset({first.token})))
    assert [d.ends for d in stopped] == [True]
    room = model.config.max_position_embeddings
    assert len(list(write(model, [5] * (room - 2), Sampling(max_new_tokens=10)))) == 2
    with pytest.raises(ModelError, match="reads"):
        next(write(model, [5] * (room + 1), Sampling()))
    with pytest.raises(ModelError, match="no token"):
        next(write(model, [], Sampling()))


@given(
    logits=st.lists(st.floats(-20, 20), min_size=2, max_size=30),
    k=st.integers(0, 8),
    p=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_a_drawn_token_passes_every_filter(logits, k, p, seed):
    values = torch.tensor(logits)
    token = draw(
        values, [0], Sampling(temperature=0.8, top_k=k, top_p=p), torch.Generator().manual_seed(seed)
    )
    better = int((values > values[token]).sum())
    if k:
        assert better < k
    kept = (
        values if not k else values.masked_fill(values < values.topk(min(k, len(values))).values[-1], -np.inf)
    )
    mass = (kept / 0.8).softmax(-1)
    assert better == 0 or float(mass[values > values[token]].sum()) < p + 1e-5


def test_the_repetition_penalty_lowers_what_was_said():
    logits = torch.tensor([2.0, 1.9, -1.0])
    random = torch.Generator()
    assert draw(logits, [0], Sampling(), random) == 0
    assert draw(logits, [0], Sampling(repetition_penalty=1.5), random) == 1
    assert logits.tolist() == pytest.approx([2.0, 1.9, -1.0])


def test_settings_out_of_range_are_named():
    with pytest.raises(InputError, match="top_p"):
        Sampling(top_p=1.5)


def test_score_is_the_evaluations_bits_per_byte(model, tokenizer):
    from tokstudio.train.evaluate import bits_per_byte

    found = score(model, tokenizer, TEXT)
    assert found.bits_per_byte == pytest.approx(bits_per_byte(model, tokenizer, [TEXT]).value, rel=1e-4)
    assert np.nansum(found.byte_bits) == pytest.approx(found.bits.sum(), rel=1e-4)
    assert not np.isnan(found.byte_bits).any()


def test_bits_go_to_the_bytes_of_their_token():
    encoding = Encoding(b"abcd", np.array([1, 2, 3], np.int32), np.array([[0, 3], [3, 3], [3, 4]], np.int32))
    assert spread(encoding, np.array([6, 9, 1], np.float32)).tolist() == pytest.approx([2, 2, 2, 1])


def test_changes_between_two_checkpoints(tmp_path):
    from safetensors.torch import save_file

    for name, factor in (("a", 0.0), ("b", 1.0)):
        (tmp_path / name).mkdir()
        grown = torch.cat([torch.eye(3), torch.zeros(int(factor), 3)])
        grown[1] += factor
        tensors = {"embed": grown, "norm": torch.ones(3) * (1 + factor), f"only_{name}": torch.ones(2)}
        save_file(tensors, tmp_path / name / "model.safetensors")
    found = {c.name: c for c in changes(tmp_path / "a", tmp_path / "b")}
    assert found["embed"].relative == pytest.approx(1.0)  # ||(1,1,1)|| / ||identity||
    assert found["embed"].rows[0] == 1
    assert found["embed"].distances[:2] == pytest.approx([3**0.5, 0])
    assert found["norm"].cosine == pytest.approx(1.0)
    assert found["norm"].relative == pytest.approx(1.0)
    assert found["only_a"].other_shape == ()
    assert found["only_b"].shape == ()
    with pytest.raises(ModelError, match="has no"):
        list(changes(tmp_path, tmp_path / "b"))


def test_a_model_beyond_the_memory_is_refused_with_the_figure(monkeypatch):
    import psutil

    class Memory:
        available = 1_000_000

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory)
    with pytest.raises(ModelError, match=r"0.0 GB of memory; 0.0 GB are free"):
        check_memory(resource("demo/english"))


def test_jobs_answer_by_name():
    state = State()
    opened, _ = finished(JOBS["open"][0](state, model="demo:english"))
    assert opened.values["architecture"] == "LlamaForCausalLM"
    assert (opened.values["layers"], opened.values["heads"]) == (4, 4)
    answer, parts = finished(
        JOBS["generate"][0](state, model="demo:english", prompt="import", max_new_tokens=5)
    )
    assert [p.values["name"] for p in parts] == [p.values["alternatives"][0][0] for p in parts]  # greedy
    assert "".join(p.values["name"] for p in parts) == answer.values["text"]
    read, _ = finished(JOBS["read"][0](state, model="demo:english", text="import os"))
    assert read.arrays["norms"].shape == (len(read.values["modules"]), len(read.values["tokens"]))
    looked, _ = finished(JOBS["look"][0](state, model="demo:english", text="import os", layer=3))
    assert looked.arrays["weights"].shape == (4, 3, 3)
    seen, _ = finished(JOBS["lens"][0](state, model="demo:english", text="import os"))
    assert {str(i) for i in seen.arrays["ids"].reshape(-1)} <= set(seen.values["names"])
    same, _ = finished(JOBS["differ"][0](state, before="demo:english", after="demo:english"))
    assert {c["relative"] for c in same.values["changes"]} == {0.0}
    assert same.values["shared"] is None


def test_rows_of_another_vocabulary_are_compared_by_their_tokens(tmp_path):
    """The same row number is another word there: "the" is row 1,255 of the one and 1,996 of the other."""
    name, folder = "model.embed_tokens.weight", resource("demo/english")
    rows, table, other = read(folder), spelled(folder), spelled(MINILM)
    shared = table.keys() & other.keys()
    made = np.random.default_rng(2).normal(0, 0.1, (30_522, rows.shape[1]))
    for token in shared:
        made[other[token]] = rows[table[token]]
    made[other[b"the"]] *= 2
    written = write_model(tmp_path / "bert", {name: made.astype(np.float32)}, vocab_size=30_522)
    (written / "tokenizer.json").write_bytes((MINILM / "tokenizer.json").read_bytes())
    found, _ = finished(JOBS["differ"][0](State(), before="demo:english", after=str(written)))
    assert found.values["shared"] == len(shared)
    change = next(c for c in found.values["changes"] if c["name"] == name)
    the = np.linalg.norm(rows[table[b"the"]])
    whole = np.linalg.norm([rows[table[token]] for token in shared])
    assert change["relative"] == pytest.approx(the / whole, rel=1e-5)
    assert (change["rows"][0], change["tokens"][0]) == (table[b"the"], "the")


def test_an_encoder_without_a_head_is_looked_into_and_does_not_write():
    state = State()
    opened, _ = finished(JOBS["open"][0](state, model=str(MINILM)))
    assert (opened.values["kind"], opened.values["layers"]) == ("body", 6)
    looked, _ = finished(JOBS["look"][0](state, model=str(MINILM), text="a river", layer=0))
    assert looked.arrays["weights"].sum(-1) == pytest.approx(
        np.ones(looked.arrays["weights"].shape[:2]), abs=1e-5
    )
    read, _ = finished(JOBS["read"][0](state, model=str(MINILM), text="a river"))
    assert read.values["modules"]
    with pytest.raises(ModelError, match="what comes next"):
        finished(JOBS["generate"][0](state, model=str(MINILM), prompt="a"))
    with pytest.raises(ModelError, match="nothing to look through"):
        finished(JOBS["lens"][0](state, model=str(MINILM), text="a"))


def test_a_masked_model_is_looked_into_and_says_why_it_does_not_write(tmp_path):
    """A small BERT with random weights and MiniLM's real vocabulary."""
    import shutil

    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    made = BertForMaskedLM(BertConfig(vocab_size=30_522, max_position_embeddings=64, **sizes)).eval()
    made.save_pretrained(tmp_path)
    shutil.copy(MINILM / "tokenizer.json", tmp_path)
    state = State()
    opened, _ = finished(JOBS["open"][0](state, model=str(tmp_path)))
    assert (opened.values["kind"], opened.values["architecture"]) == ("masked", "BertForMaskedLM")
    now = next(c for c in opened.values["costs"] if c["vocab_size"] == opened.values["rows"])
    assert now["total"] == sum(p.numel() for p in made.parameters())
    looked, _ = finished(JOBS["look"][0](state, model=str(tmp_path), text="the river", layer=1))
    assert looked.values["tokens"] == ["[CLS]", "the", "river", "[SEP]"]
    assert looked.arrays["weights"].sum(-1) == pytest.approx(np.ones((2, 4)), abs=1e-5)
    for job in ("bits", "generate"):
        what = {"text" if job == "bits" else "prompt": "the river"}
        with pytest.raises(ModelError, match="does not predict what comes next"):
            finished(JOBS[job][0](state, model=str(tmp_path), **what))


def test_a_missing_shard_is_said_before_anything_is_loaded(tmp_path):
    import json
    import shutil

    for name in ("config.json", "tokenizer.json"):
        shutil.copy(resource("demo/english") / name, tmp_path)
    shutil.copy(resource("demo/english/model.safetensors"), tmp_path / "model-00001-of-00002.safetensors")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    with pytest.raises(ModelError, match="1 of 2 files of the model are missing"):
        finished(JOBS["open"][0](State(), model=str(tmp_path)))


@pytest.mark.parametrize("kept", [7, 2_000_000], ids=["header", "values"])
def test_torn_weights_are_an_answer_and_not_the_end_of_the_process(tmp_path, kept):
    import shutil

    for name in ("config.json", "tokenizer.json"):
        shutil.copy(resource("demo/english") / name, tmp_path)
    whole = resource("demo/english/model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:kept])
    with pytest.raises(ModelError, match=r"no intact safetensors file|cut off"):
        finished(JOBS["open"][0](State(), model=str(tmp_path)))
