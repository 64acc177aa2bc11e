import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokstudio.tokens.alphabet import Alphabet, byte_characters, byte_level
from tokstudio.tokens.show import around, readable


def test_byte_characters_are_gpt2s():
    """As in the library's own list of its initial alphabet."""
    from tokenizers.pre_tokenizers import ByteLevel

    assert set(byte_characters()) == set(ByteLevel.alphabet())
    assert byte_characters()["Ġ"] == 0x20
    assert byte_characters()["Ċ"] == 0x0A
    assert sorted(byte_characters().values()) == list(range(256))


@pytest.mark.parametrize(
    ("alphabet", "entry", "data"),
    [
        (Alphabet(byte_level=True), "Ġthe", b" the"),
        (Alphabet(byte_level=True), "ðŁĺĢ", "😀".encode()),
        (Alphabet(byte_level=True), "漢", "漢".encode()),  # an added token
        (Alphabet(byte_level=True, suffix="</w>"), "ing</w>", b"ing"),
        (Alphabet(spaces=True, byte_entries=True), "▁the", b" the"),
        (Alphabet(spaces=True, byte_entries=True), "<0xE2>", b"\xe2"),
        (Alphabet(spaces=True), "<0xE2>", b"<0xE2>"),
        (Alphabet(prefix="##"), "##ing", b"ing"),
        (Alphabet(prefix="##"), "##", b"##"),
        (Alphabet(), "▁", "▁".encode()),
    ],
)
def test_entries_worked_by_hand(alphabet, entry, data):
    assert alphabet.bytes_of(entry) == data
    assert alphabet.all_bytes([entry, entry]) == [data, data]


@given(st.lists(st.binary(max_size=6), max_size=10))
def test_all_bytes_undoes_the_spelling(tokens):
    characters = {byte: character for character, byte in byte_characters().items()}
    entries = ["".join(characters[byte] for byte in token) for token in tokens]
    assert Alphabet(byte_level=True).all_bytes(entries) == tokens
    assert [byte_level(entry) for entry in entries] == tokens


def test_half_characters_show_as_bytes():
    assert readable("é".encode()[:1]) == "\\xc3"
    data = "aé漢b".encode()
    assert around(data, 2, 3) == ("a\\xc3", "\\xa9")
    assert around(data, 3, 3) == ("aé", "漢")
    assert around(data, 6, 2) == ("", "b")
