"""Files that were made to hurt, and files that time has hurt: each is refused in a sentence, soon, or it works."""

import json
import struct
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tokens import vocabularies as v
from tokstudio.errors import TokenizerError
from tokstudio.tokens.mistral_data import packaged_file
from tokstudio.tokens.patterns import harmless, known_patterns
from tokstudio.tokens.reference import file_of, load_tokenizer

several = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
SOON = 10.0  # seconds of this process


def refused(path: Path, says: str = ".") -> None:
    before = time.process_time()
    with pytest.raises(TokenizerError, match=says) as caught:
        load_tokenizer(str(path)).encode("a b")
    assert caught.value.hint
    assert time.process_time() - before < SOON


def tokenizer_json(path: Path, vocabulary, merges=(), **other) -> Path:
    model = {"type": "BPE", "vocab": vocabulary, "merges": list(merges)}
    content = {"version": "1.0", "added_tokens": [], **other, "model": {**model, **other.get("model", {})}}
    (path / "tokenizer.json").write_text(json.dumps(content))
    return path / "tokenizer.json"


@pytest.mark.parametrize("name", ["merges.txt", "tokenizer.json", "x.model", "x.tiktoken", "vocab.txt"])
def test_a_file_of_gigabytes_is_not_even_read(tmp_path, name):
    heads = {"tokenizer.json": b'{"model": "', "x.model": b"\x0a\x05\x0a\x03abc", "x.tiktoken": b"YQ== 0\n"}
    with (tmp_path / name).open("wb") as file:
        file.write(heads.get(name, b"#version: 0.2\na b\n"))
        file.truncate(2 << 30)  # a hole: it takes no room
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    refused(tmp_path / name, "never has more than")
    if name == "merges.txt":
        refused(tmp_path, "never has more than")


@pytest.mark.parametrize(
    ("vocabulary", "merges", "says"),
    [
        ({"a": 0, "b": 0}, [], "the id 0 belongs to"),
        ({"a": 0, "b": 4_000_000_000}, [], "2 entries and the id 4,000,000,000"),
        ({"a": 0, "b": 1}, ["a b"], "cannot be read as a tokenizer"),
        ({"a": 0, "b": 1}, ["a c"], "cannot be read as a tokenizer"),
        ({"a": 0, "b": -1}, [], "cannot be read as a tokenizer"),
        ({"a": 0, "b": 1 << 70}, [], "cannot be read as a tokenizer"),
        ({"a": "0"}, [], "cannot be read as a tokenizer"),
        ({"a": 0}, ["a"], "cannot be read as a tokenizer"),
    ],
)
def test_vocabularies_that_cannot_be(tmp_path, vocabulary, merges, says):
    refused(tokenizer_json(tmp_path, vocabulary, merges), says)


@pytest.mark.parametrize(
    ("vocabulary", "merges"),
    [
        ({"a": 0, "": 1}, [["a", ""], ["", "a"]]),  # would merge for ever if nothing were merged with itself
        ({"a": 0, "aa": 1, "aaa": 2}, ["aa a", "a aa", "a a"]),  # each is made of the next
        ({"a": 0, "aa": 1}, ["a a"] * 1000),
    ],
)
def test_merges_in_a_circle_end(tmp_path, vocabulary, merges):
    tokenizer = load_tokenizer(str(tokenizer_json(tmp_path, vocabulary, merges)))
    encoding = tokenizer.encode("a" * 1000)
    assert b"".join(tokenizer.token_bytes(token) for token in encoding.ids.tolist()) == b"a" * 1000


EXPLODING = [
    r"(a+)+$",
    r"(a|aa)+$",
    r"[a-z]*[a-z]*[a-z]*[0-9]",
    r"(?:[a-z]{1,100}){1,100}9",
    r"(((",
]


@pytest.mark.parametrize("pattern", EXPLODING)
@pytest.mark.parametrize("place", ["pre_tokenizer", "normalizer"])
def test_a_pattern_that_explodes(tmp_path, pattern, place):
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    replace = {"type": "Replace", "pattern": {"Regex": pattern}, "content": "x"}
    step = split if place == "pre_tokenizer" else replace
    refused(tokenizer_json(tmp_path, {"a": 0}, **{place: step}), "explodes|cannot be read")


def test_usual_patterns_are_not_tried_out_twice(tmp_path, monkeypatch):
    import tokstudio.tokens.patterns as module

    pattern = r"\p{L}+\s*\p{N}*|\s+"  # two repetitions: it could explode by its form
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    path = tokenizer_json(tmp_path, {"a": 0}, pre_tokenizer=split)
    load_tokenizer(str(path))
    monkeypatch.setattr(module, "BoundedWorker", None)
    (tmp_path / "again").mkdir()
    load_tokenizer(str(path.rename(tmp_path / "again" / "tokenizer.json")))


def test_known_patterns_are_not_tried_out(tmp_path, monkeypatch):
    import tokstudio.tokens.patterns as module

    monkeypatch.setattr(module, "BoundedWorker", None)
    for i, pattern in enumerate(known_patterns()):
        (tmp_path / str(i)).mkdir()
        written = pattern.replace("\\r", "\r").replace("\\n", "\n")  # as DeepSeek's own file has it
        split = {"type": "Split", "pattern": {"Regex": written}, "behavior": "Isolated", "invert": False}
        load_tokenizer(str(tokenizer_json(tmp_path / str(i), {"a": 0}, pre_tokenizer=split)))


def test_harmless_by_form():
    for pattern in (
        r" ?\p{L}+|\d",
        r"\s+",
        r" {2,}",
        r"(?i:'s|'t)|x+",
        r"[^\]a]+|b",
        r"\p{N}{1,3}",
        r"[*+]a",
    ):
        assert harmless(pattern)
    for pattern in (*EXPLODING[:4], r"x*y*", r"(?:ab)*", r"(a"):
        assert not harmless(pattern)
    assert len(known_patterns()) > 10


def test_a_normalizer_that_fills_the_memory(tmp_path):
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10}
    bomb = {"type": "Sequence", "normalizers": [step] * 20}
    refused(tokenizer_json(tmp_path, {"a": 0}, normalizer=bomb), "times as long")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("tokenizer.json", b'{"model": {"type": "BPE", "vocab": {"\xff\xfe": 0}, "merges": []}}'),
        ("tokenizer.json", b'{"model": {"type": "BPE", "vocab": {"\\ud800": 0}, "merges": []}}'),
        ("tokenizer.json", b'{"model": ' + b"[" * 100_000),
        ("tokenizer.json", b'{"model": {"type": "Unigram", "unk_id": 7, "vocab": [["a", 0.0]]}}'),
        ("tokenizer.json", b'{"model": {"type": "Unigram", "unk_id": 0, "vocab": []}}'),
        ("tokenizer.json", b'{"model": {"type": "WordPiece", "vocab": {"a": 0}}}'),
        ("vocab.txt", b"[UNK]\n\xff\xfe\n"),
        ("vocab.txt", b"a\nb\n"),
        ("x.tiktoken", b"YQ== 0\nYQ== 1\n"),
        ("x.tiktoken", b"!!!! 0\n"),
        ("x.tiktoken", b"YQ== 99999999999999999999999\n"),
        ("x.model", b"\x0a\xff\x0a\xff\xff\xff\xff\xff"),
        ("x.gguf", b"GGUF\x03\0\0\0" + b"\xff" * 16),
    ],
)
def test_wrong_content(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    refused(tmp_path / name)


@pytest.mark.parametrize(
    ("vocabulary", "merges"),
    [(b'{"a": 0, "a": "b"}', b""), (b"{", b""), (b"{}", b"\xff\xfe a\n"), (b"[]", b"a b\n")],
)
def test_wrong_pairs(tmp_path, vocabulary, merges):
    (tmp_path / "vocab.json").write_bytes(vocabulary)
    (tmp_path / "merges.txt").write_bytes(merges)
    refused(tmp_path)


def test_merges_that_go_nowhere_in_a_pair(tmp_path):
    (tmp_path / "vocab.json").write_text('{"a": 0, "b": 1}')
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n")
    refused(tmp_path, "cannot be read as a tokenizer")


def text_of(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def gguf(*settings: tuple[bytes, int, bytes]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(settings))
    return head + b"".join(text_of(name) + struct.pack("<I", kind) + value for name, kind, value in settings)


def strings(*entries: bytes) -> bytes:
    return struct.pack("<IQ", 8, len(entries)) + b"".join(map(text_of, entries))


MODEL, TOKENS = b"tokenizer.ggml.model", b"tokenizer.ggml.tokens"
LLAMA, GPT2 = (MODEL, 8, text_of(b"llama")), (MODEL, 8, text_of(b"gpt2"))
GGUFS = {
    "nothing": (gguf(), "holds no tokenizer"),
    "no tokens": (gguf(LLAMA), "holds no tokenizer"),
    "long name": (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 62), "ends in the middle"),
    "many settings": (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 62),
        "promises 4,611,686,018,427,387,904 settings",
    ),
    "old": (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "its version is 1"),
    "many entries": (gguf(LLAMA, (TOKENS, 9, struct.pack("<IQ", 8, 1 << 60))), "promises a list"),
    "short list": (gguf(LLAMA, (TOKENS, 9, struct.pack("<IQ", 8, 1 << 20))), "ends in the middle"),
    "lists of lists": (gguf(LLAMA, (TOKENS, 9, struct.pack("<IQ", 9, 1))), "unknown kind 9"),
    "unknown kind": (gguf((MODEL, 77, b"")), "unknown kind 77"),
    "name is no text": (gguf((b"\xff", 8, text_of(b"a"))), "is no text"),
    "unknown tokenizer": (gguf((MODEL, 8, text_of(b"magic")), (TOKENS, 9, strings(b"a"))), "'magic'"),
    "no unknown token": (gguf(LLAMA, (TOKENS, 9, strings(b"a", b"b"))), "no unknown token"),
    "twice": (gguf(GPT2, (TOKENS, 9, strings(b"a", b"a"))), "there twice"),
    "no utf-8": (gguf(GPT2, (TOKENS, 9, strings(b"a", b"\xff"))), "is no UTF-8"),
    "unknown rule": (
        gguf(GPT2, (TOKENS, 9, strings(b"a")), (b"tokenizer.ggml.pre", 8, text_of(b"strange"))),
        "word rule 'strange'",
    ),
    "wrong merges": (
        gguf(GPT2, (TOKENS, 9, strings(b"a")), (b"tokenizer.ggml.merges", 9, strings(b"a"))),
        "a merge is not two",
    ),
    "too few types": (
        gguf(
            LLAMA,
            (TOKENS, 9, strings(b"a", b"b")),
            (b"tokenizer.ggml.token_type", 9, struct.pack("<IQi", 5, 1, 1)),
        ),
        "not of one number",
    ),
}


@pytest.mark.parametrize("kind", GGUFS)
def test_gguf_files_that_lie(tmp_path, kind):
    data, says = GGUFS[kind]
    (tmp_path / "x.gguf").write_bytes(data)
    refused(tmp_path / "x.gguf", says)


def tekken(**changes) -> dict:
    content = v.tekken_content()
    return {**content, **changes, "config": {**content["config"], **changes.pop("config", {})}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (tekken(config={"default_vocab_size": 10**12}), "cannot have"),
        (tekken(config={"default_num_special_tokens": -1}), "cannot have"),
        (tekken(config={"default_num_special_tokens": 260}), "cannot have"),
        (tekken(config={"default_vocab_size": 300}), "missing or there twice"),
        (tekken(vocab=[]), "missing or there twice"),
        (tekken(vocab=[{"rank": 0}]), "it has no 'token_bytes'"),
        (tekken(vocab=[{"rank": 0, "token_bytes": "!"}] * 256), "cannot be read"),
        (tekken(vocab=[{"rank": 0, "token_bytes": "YQ=="}] * 256), "there twice"),
        (tekken(special_tokens=[{"rank": 9, "token_str": "<s>"}]), "has no place"),
        (tekken(special_tokens=[{"rank": 0, "token_str": "a"}, {"rank": 1, "token_str": "a"}]), "twice"),
        ({"config": {"default_num_special_tokens": 1}}, "it has no"),
        ({"config": [], "default_num_special_tokens": 1}, "cannot be read"),
    ],
)
def test_tekken_files_that_cannot_be(tmp_path, content, says):
    (tmp_path / "tekken.json").write_text(json.dumps(content))
    refused(tmp_path, says)


def test_a_small_tekken_file_works(tmp_path):
    (tmp_path / "tekken.json").write_text(
        json.dumps(tekken(special_tokens=[{"rank": 0, "token_str": "<s>"}], config={"pattern": r"\S+|\s+"}))
    )
    tokenizer = load_tokenizer(str(tmp_path))
    assert tokenizer.special_tokens == {"<s>": 0, "<SPECIAL_1>": 1, "<SPECIAL_2>": 2, "<SPECIAL_3>": 3}
    assert tokenizer.encode("ab", special=True).ids.tolist() == [0, 101, 102]


REAL = {
    "tokenizer.json": lambda: Path(v.byte_bpe()) / "tokenizer.json",
    "llama/tokenizer.json": lambda: Path(v.llama_like()) / "tokenizer.json",
    "vocab.txt": lambda: file_of(v.BERT).parent / "vocab.txt",
    "small/tekken.json": v.small_tekken,
    "cl100k_base-small.tiktoken": v.small_ranks,
    "bpe.model": lambda: Path(v.sentencepiece_bpe()),
    "unigram.model": lambda: Path(v.sentencepiece_unigram()),
    "mistral.model": lambda: packaged_file("v3"),
    "byte.gguf": lambda: Path(v.gguf_byte_bpe()),
    "unigram.gguf": lambda: Path(v.gguf_unigram()),
    "bert.gguf": lambda: Path(v.gguf_bert()),
}
changes = st.lists(
    st.tuples(
        st.sampled_from(["cut", "flip", "insert", "drop", "repeat"]), st.floats(0, 1), st.binary(max_size=8)
    ),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, how: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, some in how:
        at = int(where**3 * len(data))  # mostly near the beginning, where the structure is
        span = max(1, len(some))
        data = {
            "cut": data[:at],
            "flip": data[:at] + some + data[at + span :],
            "insert": data[:at] + some + data[at:],
            "drop": data[:at] + data[at + span :],
            "repeat": data[: at + span] + data[at:],
        }[kind]
    return data


@pytest.mark.parametrize("kind", REAL)
def test_a_damaged_file_is_refused_or_works(kind, tmp_path):
    """Whatever happened to it: never another error, a crash or an endless wait."""
    whole = REAL[kind]().read_bytes()
    path = tmp_path / kind.rpartition("/")[2]

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(changes)
    def check(how):
        path.write_bytes(changed(whole, how))
        try:
            tokenizer = load_tokenizer(str(path))
            encoding = tokenizer.encode("a b 😀<s>\x00", special=True, written="parse")
            tokenizer.decode(encoding.ids)
            tokenizer.token_bytes(len(tokenizer) - 1)
        except TokenizerError:
            pass

    check()


@several
@given(
    st.text(max_size=40)
    | st.from_regex(r"[a-z/.:\\\\]{1,12}(:(source|target|conversion|x)=[A-Za-z0-9]{0,8}){0,3}")
)
def test_a_reference_is_a_tokenizer_or_a_sentence(reference):
    try:
        load_tokenizer(reference)
    except TokenizerError as error:
        assert error.hint  # noqa: PT017  both outcomes are fine


def test_damaged_binary_files_are_told_in_plain_words(tmp_path):
    whole = Path(v.sentencepiece_unigram()).read_bytes()
    (tmp_path / "cut.model").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        TokenizerError, match=r"^cut\.model is damaged, so it cannot be read as a SentencePiece model\.$"
    ):
        load_tokenizer(str(tmp_path / "cut.model"))
    (tmp_path / "bad.gguf").write_bytes(b"\xff\0\xfeGUF" * 100)
    with pytest.raises(
        TokenizerError, match=r"bad\.gguf is damaged or no GGUF file: it does not begin as one"
    ):
        load_tokenizer(str(tmp_path / "bad.gguf"))
