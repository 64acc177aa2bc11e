"""New tokenizers, trained and extended on the library's own text."""

import pytest

from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.train import extend_bpe, train_bpe

TEXTS = ["the cat sat on the mat\n", "self.name = self.value\n" * 20, "naïve 東京 🙂\n"]


@pytest.fixture
def parent(tmp_path):
    train_bpe(TEXTS, tmp_path / "parent", vocab_size=300)
    return tmp_path / "parent"


def test_a_trained_tokenizer_knows_every_byte(parent):
    tokenizer = load_tokenizer(str(parent))
    for text in [*TEXTS, "\x00 unseen ℵ"]:
        assert tokenizer.decode(tokenizer.encode(text).ids) == text.encode()
    assert tokenizer.special_tokens == {"<s>": 0, "</s>": 1}


def test_an_extended_one_keeps_the_old_ids_and_joins_what_is_frequent(parent, tmp_path):
    extend_bpe(parent, TEXTS, tmp_path / "child", new_tokens=3)
    old, new = load_tokenizer(str(parent)), load_tokenizer(str(tmp_path / "child"))
    assert len(new) == len(old) + 3
    assert all(new.token_bytes(i) == old.token_bytes(i) for i in range(len(old)))
    assert any(b"self." in (new.token_bytes(i) or b"") for i in range(len(old), len(new)))
    for text in TEXTS:
        assert new.decode(new.encode(text).ids) == text.encode()
        assert len(new.encode(text)) <= len(old.encode(text))


def test_extending_stops_where_nothing_is_left_to_join(parent, tmp_path):
    extend_bpe(parent, ["ab"], tmp_path / "child", new_tokens=50)
    assert len(load_tokenizer(str(tmp_path / "child"))) <= len(load_tokenizer(str(parent))) + 1
