"""Special tokens of two tokenizers, matched by hand, and what their absence breaks."""

from tokstudio.align.special_map import GONE, KEPT, NEW, RENAMED, special_map
from tokstudio.tokens.reference import load_tokenizer


class Bytes:
    """A tokenizer of single bytes and these special tokens, from id 256 on."""

    def __init__(self, *names: str):
        self.special_tokens = {name: 256 + place for place, name in enumerate(names)}

    def __len__(self) -> int:
        return 256 + len(self.special_tokens)

    def token_bytes(self, token: int) -> bytes | None:
        return bytes([token]) if token < 256 else None


def fates(found) -> list[tuple[str, str, str]]:
    return [(p.source[0] if p.source else "", p.target[0] if p.target else "", p.fate) for p in found.pairs]


def test_every_special_token_has_a_fate():
    found = special_map(Bytes("<s>", "</s>", "<|user|>"), Bytes("<|begin_of_text|>", "</s>", "<|tool|>"))
    assert fates(found) == [
        ("<s>", "<|begin_of_text|>", RENAMED),
        ("</s>", "</s>", KEPT),
        ("", "<|tool|>", NEW),
        ("<|user|>", "", GONE),
    ]
    assert [p.role for p in found.pairs] == ["begin", "end", "", ""]
    assert found.warnings == (
        "The target lacks <|user|>: chats and other formats that use them would not work.",
    )


def test_warnings_say_what_follows():
    told = lambda source, target: special_map(Bytes(*source), Bytes(*target)).warnings  # noqa: E731
    assert told(["<s>", "</s>"], ["<s>", "</s>"]) == ()
    assert "its end token stands in" in told(["<s>", "</s>"], ["</s>"])[0]
    assert "texts begin without one" in told(["<s>"], [])[0]
    assert "never seen" in told([], ["<s>"])[0]
    assert "where to stop" in told(["</s>"], [])[0]


def test_the_demo_pair_loses_nothing():
    found = special_map(load_tokenizer("demo:english"), load_tokenizer("demo:code"))
    assert found.warnings == ()
    assert {pair.fate for pair in found.pairs} <= {KEPT, RENAMED}
    assert len(found.pairs) > 0
