"""Bytes that see subwords: golden test 24 of cross-tokenizer distillation, and what becomes of it in a run."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tokstudio.errors import TransferError
from tokstudio.models.expanded_bytes import NO_BYTE, ExpandedEmbedding
from tokstudio.models.load import load_model
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import TransferConfig
from tokstudio.train.data import token_batch
from tokstudio.train.forward import scores_of
from tokstudio.train.packing import packed_batch
from tokstudio.train.student_config import ExpansionConfig
from tokstudio.transfer.expansion import expand, expansion_of, reversed_trie
from tokstudio.transfer.export import export
from tokstudio.transfer.surgery import numpy_of, replace_vocabulary
from tokstudio.transfer.verify import check

TEXTS = ["def join(self, *args):\n    return 'naïve 🙂'\n", "The quick brown fox.\n", "x", ""]


def matcher(words: "list[bytes | None]", longest: int = 16) -> ExpandedEmbedding:
    keys, entry, tokens = reversed_trie(words, longest)
    made = ExpandedEmbedding(256, 1, len(tokens), len(keys), longest=longest)
    made.keys.copy_(torch.from_numpy(keys))
    made.entry.copy_(torch.from_numpy(entry))
    made.tokens = tokens
    return made


def by_force(data: bytes, end: int, words: "list[bytes | None]", longest: int) -> int:
    for size in range(min(longest, end), 0, -1):
        if data[end - size : end] in words:
            return words.index(data[end - size : end])
    return -1


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(st.none(), st.binary(max_size=20), st.text("ab", max_size=5).map(str.encode)), max_size=12
    ),
    st.one_of(st.binary(max_size=40), st.text("ab", max_size=40).map(str.encode)),
    st.integers(1, 16),
)
def test_24_longest_suffix_by_brute_force(words, data, longest):
    made = matcher(words, longest)
    found = made.match(torch.tensor([list(data)], dtype=torch.int64).reshape(1, -1))[0]
    tokens = [-1 if f < 0 else int(made.tokens[f]) for f in found.tolist()]
    words = [None if w is None or len(w) > longest else w for w in words]  # longer ones never match early
    assert tokens == [by_force(data, end, words, longest) for end in range(1, len(data) + 1)]


def test_24_hello_and_no_match():
    made = matcher([b"Hello", b"H", b"He", b"l", b"Hell"])
    found = made.match(torch.tensor([list(b"Hello!")]))[0].tolist()
    assert [None if f < 0 else int(made.tokens[f]) for f in found] == [1, 2, 3, 4, 0, None]
    codes = torch.tensor([[*b"Hel", NO_BYTE, *b"lo"]])
    assert made.match(codes)[0].tolist()[3:] == [-1, found[2], -1]  # nothing reaches across a special token


def byte_model(folder, source):
    model, target = load_model(str(folder)), load_tokenizer(f"{folder}:conversion=byte")
    rows = numpy_of(model.get_input_embeddings().weight).copy()
    replace_vocabulary(model, source, target, method="mean-pieces", seed=1)
    torch.manual_seed(0)
    expand(model, source, target, rows)
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_()
    return model.eval(), target


def test_24_incremental_decoding_is_the_full_computation(tiny_folder, english):
    model, target = byte_model(tiny_folder, english)
    ids = torch.from_numpy(target.encode(TEXTS[0]).ids.astype(np.int64))[None]
    with torch.no_grad():
        full = model(input_ids=ids).logits
        for size in (1, 5):
            cache, parts = None, []
            for start in range(0, ids.shape[1], size):
                out = model(input_ids=ids[:, start : start + size], past_key_values=cache, use_cache=True)
                cache = out.past_key_values
                parts.append(out.logits)
            assert torch.allclose(torch.cat(parts, 1), full, atol=1e-4)
    cache.crop(-1)
    with pytest.raises(ValueError, match="cache was changed"):
        model(input_ids=ids[:, -1:], past_key_values=cache)


def test_left_padding_and_packing_change_nothing(tiny_folder, english):
    model, target = byte_model(tiny_folder, english)
    alone = token_batch(target, TEXTS, limit=256)
    packed = packed_batch(target, alone.encodings, [[3, 2, 0], [1]])
    with torch.no_grad():
        one, other = (scores_of(model, b, needs=frozenset(), precision="fp32") for b in (alone, packed))
        assert other.picked.sum().item() == pytest.approx(one.picked.sum().item(), rel=1e-5)
        ids = alone.input_ids[1:2, : len(alone.encodings[1]) + 1]
        left = torch.cat(
            [torch.full((1, 7), 101), ids], 1
        )  # of a byte that would be seen, were it no padding
        mask = (torch.arange(left.shape[1]) >= 7).long()[None]
        plain = model(input_ids=ids).logits
        padded = model(
            input_ids=left, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0)
        ).logits
    assert torch.allclose(padded[:, 7:], plain, atol=1e-4)


@pytest.mark.parametrize("beams", [1, 3])
def test_generation_with_a_cache_is_generation_without(tiny_folder, english, tmp_path, beams):
    model, target = byte_model(tiny_folder, english)
    folder = export(model, target, tmp_path / "out")
    loaded = load_model(str(folder)).eval()
    rows = [target.encode(t).ids.astype(np.int64) for t in ("import os", "def f")]
    width = max(map(len, rows))
    ids = torch.stack([torch.from_numpy(np.pad(r, (width - len(r), 0))) for r in rows])
    mask = torch.stack([torch.arange(width) >= width - len(r) for r in rows]).long()
    options = {
        "attention_mask": mask,
        "max_new_tokens": 12,
        "do_sample": False,
        "num_beams": beams,
        "pad_token_id": 0,
    }
    assert torch.equal(loaded.generate(ids, **options), loaded.generate(ids, use_cache=False, **options))


def test_26_the_export_opens_with_its_own_file_and_not_without(make_model, english, tmp_path):
    tiny_folder = make_model("english")
    model, target = byte_model(tiny_folder, english)
    folder = export(model, target, tmp_path / "out")
    assert check(folder)["max_abs_logit_difference"] == 0
    assert str(tiny_folder) not in (folder / "config.json").read_text()
    assert "expanded_bytes.py" in (folder / "HOW_TO_OPEN.txt").read_text()
    assert json.loads((folder / "config.json").read_text())["vocab_size"] == len(target)
    program = (
        "import sys, torch, transformers; sys.path.insert(0, sys.argv[1]); sys.modules['tokstudio'] = None\n"
        "try: transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], trust_remote_code=False)\n"
        "except ValueError as error: print('refused')\n"
        "import expanded_bytes\n"
        "model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1])\n"
        "print(model(input_ids=torch.arange(20)[None]).logits.double().sum().item())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True, timeout=280
    )
    refused, total = done.stdout.split()
    with torch.no_grad():
        expected = model(input_ids=torch.arange(20)[None]).logits.double().sum().item()
    assert refused == "refused"
    assert float(total) == pytest.approx(expected, rel=1e-5)


def test_long_tokens_have_no_place_in_it(tiny_folder, english, code):
    model = load_model(str(tiny_folder))
    replace_vocabulary(model, english, code, method="mean", seed=1)
    with pytest.raises(TransferError, match="several bytes"):
        expand(model, english, code, np.zeros((len(english), 32), np.float32))


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_a_run_with_expansion_resumes_and_exports(mode, tiny_config: TransferConfig, tmp_path):
    from tokstudio.train.transfer import run

    config = replace(
        tiny_config,
        tokenizer="bytes",
        mode=mode,
        objectives=("next_token", "byte_kl"),
        expansion=ExpansionConfig(longest=16),
        check_export=False,
    )

    def losses(folder, resume=False, stop_at=99):
        class Now:
            step = 0

            def poll(self):
                return "stop" if self.step >= stop_at else None

        control, found = Now(), {}
        folder.mkdir(exist_ok=True)
        for event in run(config, folder, control, resume):
            if type(event).__name__ == "Metrics" and "loss" in event.values:
                control.step = event.step
                found[event.step] = event.values["loss"]
        return found

    whole = losses(tmp_path / "a")
    first = losses(tmp_path / "b", stop_at=2)
    rest = losses(tmp_path / "b", resume=True)
    assert max(first) == 2
    assert {**first, **rest} == whole
    exported = load_model(str(tmp_path / "a" / "export"))
    assert check(tmp_path / "a" / "export")["checked"]
    assert expansion_of(exported) is not None
