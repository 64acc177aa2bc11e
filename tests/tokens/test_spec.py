"""Specs in the field's notation, model families as data, grafts, byte tokenizers, and what is saved."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.tokens import vocabularies as v
from tokstudio.cli import main
from tokstudio.errors import TokenizerError
from tokstudio.paths import data_home
from tokstudio.tokens.chat import Renderer, specials_of, template_of
from tokstudio.tokens.families import SLOTS, families, family, family_of
from tokstudio.tokens.reference import file_of, load_tokenizer
from tokstudio.tokens.save import save_tokenizer
from tokstudio.tokens.spec import Spec, notes_of, parse_spec

NAMES = ["DeepSeek", "Gemma2", "Gemma3", "GPT2", "Llama3", "Mistral", "Phi3", "Qwen2", "Qwen3", "TinyLlama"]


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("Qwen/Qwen2.5-1.5B", Spec("Qwen/Qwen2.5-1.5B")),
        (
            "Qwen/Qwen2.5-1.5B:source=Qwen2:target=Llama3",
            Spec("Qwen/Qwen2.5-1.5B", source="Qwen2", target="Llama3"),
        ),
        ("a/b:conversion=byte:source=Qwen2", Spec("a/b", source="Qwen2", conversion="byte")),
        ("tiktoken:cl100k_base:target=Llama3", Spec("tiktoken:cl100k_base", target="Llama3")),
        (r"C:\models\my model", Spec(r"C:\models\my model")),
        (r"C:\models\x:target=Llama3", Spec(r"C:\models\x", target="Llama3")),
        (r"C:\a=b\x:conversion=byte", Spec(r"C:\a=b\x", conversion="byte")),
        ("/data/a:b/c:target=Phi3", Spec("/data/a:b/c", target="Phi3")),
        (" bytes ", Spec("bytes")),
    ],
)
def test_specs_are_parsed(text, spec):
    assert parse_spec(text) == spec
    assert parse_spec(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a/b:tarket=Llama3", "no setting 'tarket'"),
        ("a/b:target=", "has no value"),
        ("a/b:target=Llama3:target=Qwen2", "there twice"),
        ("a/b:conversion=sausage", "no conversion 'sausage'"),
        (":target=Llama3", "names no tokenizer"),
        ("bytes:target=Lama", "no model family named 'Lama'"),
        ("bytes:source=Lama", "no model family named 'Lama'"),
        ("not/here:target=Llama3", "not on this machine"),
    ],
)
def test_wrong_specs_are_a_sentence(text, says):
    with pytest.raises(TokenizerError, match=says) as caught:
        load_tokenizer(text)
    assert caught.value.hint


def test_a_file_whose_name_looks_like_a_spec_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x:target=Llama3").mkdir()
    assert parse_spec("x:target=Llama3").plain


def test_the_families_are_all_there_and_whole():
    assert list(families()) == sorted(NAMES, key=str.lower)
    for one in families().values():
        assert set(one.slots) == set(SLOTS)
        assert set(one.named.values()) <= set(one.special)
        assert one.about
    assert family("llama3") is family("Llama3")


def test_a_new_family_is_a_file(tokstudio_home):
    folder = data_home() / "families"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(
        'name = "Mine"\nbegin = true\nspecial = ["<a>", "<b>"]\n[named]\nbos_token = "<a>"\n'
        "[chat]\ntemplate = '{{ messages[0].content }}<b>'\n"
    )
    tokenizer = load_tokenizer("bytes:target=Mine")
    assert tokenizer.encode("x", special=True).ids.tolist() == [256, 120]
    assert template_of("bytes:target=Mine") == "{{ messages[0].content }}<b>"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name = 3 =", "cannot be read"),
        ('name = "X"', "it has no 'special'"),
        ('name = "X"\nspecial = ["a", "a"]', "there twice"),
        ('name = "X"\nspecial = ["a"]\n[named]\nbos_token = "b"', "not among its special tokens"),
        ('name = "X"\nspecial = ["a"]\n[slots]\nnose = "b"', "'nose' is not known"),
        ('name = "X"\nspecial = ["a"]\nbegin = true', "does not name"),
    ],
)
def test_a_broken_family_is_a_sentence(tokstudio_home, content, says):
    folder = data_home() / "families"
    folder.mkdir(parents=True)
    (folder / "bad.toml").write_text(content)
    with pytest.raises(TokenizerError, match=says) as caught:
        families()
    assert caught.value.hint


def test_a_family_is_known_by_its_special_tokens():
    assert family_of({"<|endoftext|>", "<|im_start|>", "<|im_end|>", "more"}).name in ("Qwen2", "Qwen3")
    assert family_of({"<unk>", "<s>", "</s>"}).name == "TinyLlama"
    assert family_of({"<unk>", "<s>", "</s>", "[INST]", "[/INST]"}).name == "Mistral"
    assert family_of({*family("DeepSeek").special, "more"}).name == "DeepSeek"
    assert family_of({"nothing"}) is None


BASES = {
    "bert": lambda: v.BERT,
    "byte-bpe": v.byte_bpe,
    "llama": v.llama_like,
    "demo": lambda: "demo:english",
    "cl100k": lambda: v.CL100K,
    "mistral": lambda: v.mistral("v3"),
    "bytes": lambda: v.BYTES,
}
TALK = [
    {"role": "user", "content": "Hi 😀"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "And?"},
]
SHOWN = {  # worked by hand from each family's documentation
    "Qwen2": "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi 😀<|im_end|>\n"
    "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n",
    "Qwen3": "<|im_start|>user\nHi 😀<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
    "<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n",
    "Llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi 😀<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nAnd?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "Gemma2": "<bos><start_of_turn>user\nHi 😀<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n"
    "<start_of_turn>user\nAnd?<end_of_turn>\n<start_of_turn>model\n",
    "Phi3": "<|user|>\nHi 😀<|end|>\n<|assistant|>\nHello<|end|>\n<|user|>\nAnd?<|end|>\n<|assistant|>\n",
    "TinyLlama": "<|user|>\nHi 😀</s>\n<|assistant|>\nHello</s>\n<|user|>\nAnd?</s>\n<|assistant|>\n",
    "Mistral": "<s>[INST] Hi 😀[/INST] Hello</s>[INST] And?[/INST]",
    "DeepSeek": "<｜begin▁of▁sentence｜><｜User｜>Hi 😀<｜Assistant｜>Hello<｜end▁of▁sentence｜>"  # noqa: RUF001
    "<｜User｜>And?<｜Assistant｜>",  # noqa: RUF001
}
SHOWN["Gemma3"] = SHOWN["Gemma2"]
TRAINED = {  # what an assistant learns to write
    "Qwen2": "Hello<|im_end|>",
    "Qwen3": "Hello<|im_end|>",
    "Llama3": "Hello<|eot_id|>",
    "Gemma2": "Hello<end_of_turn>",
    "Gemma3": "Hello<end_of_turn>",
    "Phi3": "Hello<|end|>",
    "TinyLlama": "Hello</s>",
    "Mistral": "Hello</s>",
    "DeepSeek": "Hello<｜end▁of▁sentence｜>",  # noqa: RUF001
}


@pytest.fixture(scope="module")
def renderer():
    with Renderer() as one:
        one.render("", [])
        yield one


@pytest.mark.parametrize("name", SHOWN)
def test_the_chat_of_each_family(renderer, name):
    one = family(name)
    chat = renderer.render(
        one.template,
        TALK,
        special_tokens={**one.named, "special_tokens": list(one.special)},
        add_generation_prompt=True,
    )
    assert chat.text == SHOWN[name]
    data = chat.text.encode()
    assert "".join(data[s.start : s.end].decode() for s in chat.segments if s.trained) == TRAINED[name]
    plain = renderer.render(one.template, TALK[:2], special_tokens=one.named)  # no prompt at the end
    data = plain.text.encode()
    learned = "".join(data[s.start : s.end].decode() for s in plain.segments if s.trained)
    assert learned.removeprefix("<think>\n\n</think>\n\n") == TRAINED[name]  # Qwen3 shows the last thought
    for slot in ("start_header", "end_header", "user", "assistant"):
        assert one.slots[slot] in chat.text


def test_system_messages_and_thoughts(renderer):
    system = {"role": "system", "content": "Be brief."}
    texts = {
        name: renderer.render(f.template, [system, *TALK]).text
        for name, f in families().items()
        if f.template and name != "Gemma2"
    }
    assert all(text.count("Be brief.") == 1 for text in texts.values())
    assert "[INST] Be brief.\n\nAnd?[/INST]" in texts["Mistral"]
    assert "<start_of_turn>user\nBe brief.\n\nHi" in texts["Gemma3"]
    with pytest.raises(TokenizerError, match="knows no system message"):
        renderer.render(family("Gemma2").template, [system, *TALK])
    thought = [TALK[0], {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello"}]
    qwen = family("Qwen3").template
    assert "<think>\nhm\n</think>\n\nHello" in renderer.render(qwen, thought).text
    assert "hm" not in renderer.render(qwen, [*thought, TALK[2]]).text
    quiet = renderer.render(qwen, TALK, add_generation_prompt=True, enable_thinking=False).text
    assert quiet.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_target_grafts_special_tokens_and_template():
    reference = f"{v.byte_bpe()}:target=Llama3"
    plain, made = load_tokenizer(v.byte_bpe()), load_tokenizer(reference)
    text = "The value <|eot_id|> of é"
    assert made.encode("The value of é").ids.tolist() == plain.encode("The value of é").ids.tolist()
    assert set(family("Llama3").special) <= set(made.special_tokens)
    assert len(made) == len(plain) + 5
    framed = made.encode(text, special=True, written="parse")
    names = {i: name for name, i in made.special_tokens.items()}
    assert names[int(framed.ids[0])] == "<|begin_of_text|>"
    assert "<|eot_id|>" in [names.get(i) for i in framed.ids.tolist()]
    assert "</s>" not in [names.get(i) for i in framed.ids.tolist()]
    assert template_of(reference) == family("Llama3").template
    assert specials_of(reference)["eos_token"] == "<|eot_id|>"
    assert made.reference == reference
    assert load_tokenizer(reference) is made
    assert file_of(reference).name == "tokenizer.json"


def test_without_target_everything_stays():
    reference = f"{v.byte_bpe()}:source=TinyLlama"
    plain, made = load_tokenizer(v.byte_bpe()), load_tokenizer(reference)
    assert made.special_tokens == plain.special_tokens
    assert made.encode("a b", special=True).ids.tolist() == plain.encode("a b", special=True).ids.tolist()
    assert notes_of(reference) == ["byte-bpe lacks special tokens of the family TinyLlama: <unk>."]
    assert notes_of(v.byte_bpe()) == []


def test_a_bos_that_disappears_is_told():
    begin, end = notes_of(f"{v.byte_bpe()}:target=Qwen2")
    assert "The begin token <s> disappears" in begin
    assert "The end token </s> disappears" in end
    (end,) = notes_of(f"{v.byte_bpe()}:target=Gemma2")
    assert "The end token </s> disappears" in end


@pytest.mark.parametrize("base", BASES)
def test_conversion_to_bytes(base, tmp_path):
    from transformers import AutoTokenizer

    reference = f"{BASES[base]()}:target=Llama3:conversion=byte"
    made = load_tokenizer(reference)
    assert len(made) == 256 + 5
    text = "assistant user\n\n 😀 héllo\r\n\x00 漢字"
    encoding = made.encode(text)
    assert encoding.ids.tolist() == list(text.encode())
    assert encoding.tiles
    assert made.decode(encoding.ids) == text.encode()
    save_tokenizer(reference, tmp_path / "saved")
    theirs = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert theirs.encode(text, add_special_tokens=False) == list(text.encode())
    assert theirs.encode("a<|eot_id|>")[0] == theirs.bos_token_id == made.special_tokens["<|begin_of_text|>"]
    assert theirs.decode(theirs.encode(text, add_special_tokens=False)) == text
    chat = theirs.apply_chat_template(TALK, tokenize=False)
    assert chat.startswith("<|begin_of_text|><|start_header_id|>user")


@pytest.mark.slow  # transformers takes 5 s to import
def test_bytes_load_where_tokstudio_is_not_installed(tmp_path):
    save_tokenizer(f"{v.byte_bpe()}:target=Llama3:conversion=byte", tmp_path / "saved")
    code = (
        "import sys; sys.modules['tokstudio'] = None\n"
        "from transformers import AutoTokenizer\n"
        "made = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=False)\n"
        "print(made.encode('h\\u00e9', add_special_tokens=False), made.bos_token, made.decode([104, 195, 169]))"
    )
    environment = {k: value for k, value in os.environ.items() if k != "PYTHONPATH"}
    found = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "saved")],
        cwd=tmp_path,
        env=environment | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert found.stdout.split() == ["[104,", "195,", "169]", "<|begin_of_text|>", "hé"]


def test_bytes_without_a_family_keep_their_own_special_tokens():
    made = load_tokenizer(f"{v.byte_bpe()}:conversion=byte")
    assert made.special_tokens == {"<s>": 256, "</s>": 257}
    assert made.encode("a", special=True).ids.tolist() == [256, 97, 257]


def test_a_megabyte_of_bytes():
    made = load_tokenizer("bytes:conversion=byte")
    data = np.random.default_rng(0).integers(97, 123, 1_000_000, dtype=np.uint8).tobytes()
    assert made.encode(data.decode()).ids.tolist() == list(data)


@pytest.mark.parametrize("base", ["bert", "byte-bpe", "llama", "demo", "mistral", "cl100k", "bytes"])
def test_what_is_saved_is_what_transformers_loads(base, tmp_path):
    from transformers import AutoTokenizer

    folder = tmp_path / "saved"
    save_tokenizer(f"{BASES[base]()}:target=Qwen2", folder)
    ours, theirs = load_tokenizer(str(folder)), AutoTokenizer.from_pretrained(folder)
    text = "Hello <|im_start|> world 😀"
    assert theirs.encode(text) == ours.encode(text, special=True, written="parse").ids.tolist()
    assert theirs.chat_template == family("Qwen2").template
    assert theirs.eos_token == "<|im_end|>"


def test_the_command(tmp_path, capsys):
    assert main(["tokenizer", "save", f"{v.byte_bpe()}:target=Qwen2", str(tmp_path / "a"), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["vocabulary"] == 1205
    assert "The begin token <s> disappears" in printed.err
    assert main(["tokenizer", "save", "bytes", str(tmp_path / "a")]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["tokenizer", "save", "bytes", str(tmp_path / "a"), "--force"]) == 0
    assert not (tmp_path / "a" / "chat_template.jinja").exists()
    assert main(["tokenizer", "families"]) == 0
    assert "Qwen2" in capsys.readouterr().out
    assert main(["tokenizer", "families", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(NAMES)


def test_bytes_of_bert_keep_its_whole_frame_and_its_names(tmp_path):
    from transformers import AutoTokenizer

    save_tokenizer(f"{v.BERT}:conversion=byte", tmp_path / "saved")
    theirs = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert theirs.convert_ids_to_tokens(theirs.encode("ab")) == ["[CLS]", "a", "b", "[SEP]"]
    pair = theirs("a", "b", return_token_type_ids=True)
    assert theirs.convert_ids_to_tokens(pair["input_ids"]) == ["[CLS]", "a", "[SEP]", "b", "[SEP]"]
    assert pair["token_type_ids"] == [0, 0, 0, 1, 1]
    named = (theirs.cls_token, theirs.sep_token, theirs.mask_token, theirs.pad_token, theirs.unk_token)
    assert named == ("[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]")


def test_an_end_that_disappears_is_told_and_the_unknown_token_stays(tmp_path):
    notes = save_tokenizer(f"{v.BERT}:target=Llama3", tmp_path / "saved")
    assert any("The end token [SEP] disappears: Llama3 puts none behind a text" in note for note in notes)
    named = json.loads((tmp_path / "saved" / "tokenizer_config.json").read_text())
    assert (named["unk_token"], named["mask_token"]) == ("[UNK]", "[MASK]")
    assert named["bos_token"] == "<|begin_of_text|>"
    assert "sep_token" not in named
