"""SentencePiece reads numbers with the C library, and a window sets the locale: a decimal comma must not
matter."""

import shutil
import subprocess
import sys

import pytest

from tests.tokens import vocabularies as v
from tokstudio.tokens.reference import load_tokenizer

CODE = """
import locale, sys
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
assert locale.localeconv()["decimal_point"] == ","
from tokstudio.tokens.reference import load_tokenizer
for reference in sys.argv[1:]:
    print(load_tokenizer(reference).encode("The value 1,5 is returned.").ids.tolist())
"""


def test_a_german_locale_changes_no_ids(tmp_path, monkeypatch):
    compiler = shutil.which("localedef")
    made = compiler and subprocess.run(
        [compiler, "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")],
        capture_output=True,
        check=False,
    )
    if made and made.returncode == 0:
        monkeypatch.setenv("LOCPATH", str(tmp_path))
    references = [v.sentencepiece_bpe(), v.sentencepiece_unigram(), v.CL100K, v.llama_like()]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *references], capture_output=True, text=True, check=False
    )
    if "unsupported locale setting" in done.stderr:
        pytest.skip("no German locale here, and none can be made")
    assert done.returncode == 0, done.stderr
    expected = [load_tokenizer(r).encode("The value 1,5 is returned.").ids.tolist() for r in references]
    assert done.stdout.split("\n")[:-1] == [str(ids) for ids in expected]
