"""The token view: where tokens go, what the pointer finds, what is outlined, and the cost at a megabyte."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible

from tokstudio.tokens.base import Encoding
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.ui import theme
from tokstudio.ui.widgets import token_access
from tokstudio.ui.widgets.token_layout import PAD, Layout, advances, metrics, widths
from tokstudio.ui.widgets.token_paint import line_height
from tokstudio.ui.widgets.token_text import TokenText, glyphs, hue
from tokstudio.ui.widgets.token_view import TokenChips, TokenView

TEXT = "Tokenizers disagree quietly.\n  Donaudampfschifffahrt, 鬱陶しい 😀 done.\n\nEnd"


@pytest.fixture(autouse=True)
def look(qapp):
    theme.apply(qapp, "light")
    yield
    theme.apply(qapp, "light")


@pytest.fixture(scope="module")
def gpt4():
    return load_tokenizer("tiktoken:cl100k_base")


@pytest.fixture(scope="module")
def bert():
    return load_tokenizer("bert-base-uncased")


@pytest.fixture
def view(qtbot, gpt4):
    shown = TokenView()
    qtbot.addWidget(shown)
    shown.resize(260, 300)
    shown.set_encoding(gpt4.encode(TEXT), gpt4)
    shown.show()
    return shown


def made(*pieces: str) -> Encoding:
    """Tokens that tile a text."""
    ends = list(itertools.accumulate(len(piece.encode()) for piece in pieces))
    spans = np.array([[a, b] for a, b in zip([0, *ends], ends, strict=False)], np.int32).reshape(-1, 2)
    return Encoding("".join(pieces).encode(), np.arange(len(pieces), dtype=np.int32), spans)


def test_a_piece_has_one_hue_with_and_without_outer_spaces():
    assert hue(b" the") == hue(b"the") == hue(b"the\n")
    assert {hue(bytes([byte])) for byte in range(33, 127)} == set(range(8))


def test_invisible_characters_are_drawn():
    assert glyphs(" a\n\t", True) == "·a↵→"
    assert glyphs("\x00\x7f", True) == "␀␡"
    assert glyphs("\u200b", True) == "ZWSP"
    assert "\n" not in glyphs("a\nb", False)


def test_halves_of_a_character_are_hex(gpt4):
    tokens = TokenText(gpt4.encode("鬱"))
    assert tokens.partial.all()
    assert " ".join(tokens.shown(i, "text", True)[0] for i in range(len(tokens))) == "E9 AC B1"


def test_special_tokens_show_their_names(bert):
    tokens = TokenText(bert.encode("hi", special=True), bert.special_tokens)
    assert [tokens.shown(i, "text", True)[0] for i in range(3)] == ["[CLS]", "hi", "[SEP]"]
    assert tokens.empty.tolist() == [True, False, True]


def test_unknown_tokens_are_marked_and_said(qtbot, bert):
    encoding = bert.encode("a 度 😀")
    tokens = TokenText(encoding, bert.special_tokens, bert.unknown_id)
    assert tokens.unknown.tolist() == [False, True, True]
    assert tokens.shown(1, "text", True)[0] == "度"
    named = TokenText(encoding, bert.special_tokens, bert.unknown_id, True)
    assert [named.shown(i, show, True)[0] for i in (1, 2) for show in ("ids", "bytes")] == ["[UNK]"] * 4
    chips = TokenChips(show="bytes")
    qtbot.addWidget(chips)
    chips.set_encoding(encoding, bert)
    assert chips.accessibleName().endswith("a | [UNK] for 度 | [UNK] for 😀")
    known = chips.grab().toImage()
    chips.set_encoding(encoding)
    assert chips.grab().toImage() != known
    shown = TokenView()
    qtbot.addWidget(shown)
    shown.set_encoding(encoding, bert)
    assert "度, unknown [UNK]" in token_access.everything(shown)


def laid_out(encoding: Encoding, width: float, show: str = "text") -> tuple[TokenText, Layout]:
    tokens = TokenText(encoding)
    return tokens, Layout(tokens, *widths(tokens, show, True), width)


def test_rows_break_at_line_ends_and_keep_blank_lines():
    _, layout = laid_out(made("one", "\n\n", "two", "\n", "three"), 500)
    assert [list(layout.tokens_of(row)) for row in range(len(layout))] == [[0, 1], [], [2, 3], [4]]
    assert layout.row_of(4) == 3


def test_a_word_is_kept_together_when_its_start_is_near():
    _, layout = laid_out(made("aaaaaaaaaa", " bb", "cc"), 110 + 2 * PAD)
    assert [list(layout.tokens_of(row)) for row in range(len(layout))] == [[0], [1, 2]]


def test_what_no_token_covers_leaves_a_gap(bert):
    encoding = bert.encode("two  words\n  here")
    _, layout = laid_out(encoding, 500)
    space = advances(theme.px(13)).whole(" ")
    assert layout.x(0, 1) == pytest.approx(layout.chip[0] + 2 + space)  # two spaces, half as wide
    assert layout.row_of(2) == 1
    assert layout.x(1, 2) == pytest.approx(space)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(st.sampled_from("ab \n鬱é😀"), min_size=1, max_size=6), max_size=40),
    st.integers(60, 400),
)
def test_every_token_has_one_place_and_is_found_there(pieces, width):
    encoding = made(*pieces)
    tokens, layout = laid_out(encoding, width)
    assert layout.first_array[0] == 0 if len(layout) else not pieces
    placed = [index for row in range(len(layout)) for index in layout.tokens_of(row)]
    assert placed == list(range(len(tokens)))
    for row in range(len(layout)):
        for index in layout.tokens_of(row):
            middle = layout.x(row, index) + layout.chip[index] / 2
            assert layout.token_at(row, middle) == index
            assert layout.row_of(index) == row


@pytest.mark.parametrize("show", ["text", "ids", "bytes"])
def test_chips_hold_what_they_show(gpt4, show):
    tokens = TokenText(gpt4.encode(TEXT))
    chip, _ = widths(tokens, show, True)
    table = advances(theme.px(13))
    for index in range(len(tokens)):
        text, small = tokens.shown(index, show, True)
        inner = len(text) * metrics(show).small if small else table.whole(text)
        assert chip[index] >= inner


def test_the_pointer_finds_the_token_and_tells_its_bytes(qtbot, view):
    target = view.tokens.text.decode().index("quietly")
    index = view.tokens.overlapping(target, target + 1)[0]
    with qtbot.waitSignal(view.hovered) as told:
        qtbot.mouseMove(view.viewport(), view.box(index).center().toPoint())
    assert view.tokens.text[slice(*told.args)] == b"quietly"
    with qtbot.waitSignal(view.clicked) as told:
        qtbot.mouseClick(view.viewport(), Qt.LeftButton, pos=view.box(index).center().toPoint())
    assert told.args == [target, target + 7]
    with qtbot.waitSignal(view.clicked) as told:
        qtbot.mouseClick(view.viewport(), Qt.LeftButton, pos=QPoint(view.viewport().width() - 2, 290))
    assert told.args == [-1, -1]


def test_dragging_selects_from_token_to_token(qtbot, view):
    first, last = view.box(0).center().toPoint(), view.box(2).center().toPoint()
    told = []
    view.clicked.connect(lambda *span: told.append(span))
    qtbot.mousePress(view.viewport(), Qt.LeftButton, pos=first)
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QGuiApplication, QMouseEvent

    at, where = last.toPointF(), view.viewport().mapToGlobal(last).toPointF()
    move = QMouseEvent(QEvent.MouseMove, at, where, Qt.LeftButton, Qt.LeftButton, Qt.NoModifier)
    QGuiApplication.sendEvent(view.viewport(), move)
    assert told[-1] == (0, int(view.tokens.ends[2]))


def test_arrows_walk_and_shift_extends(qtbot, view):
    told = []
    view.clicked.connect(lambda *span: told.append(span))
    view.setFocus()
    for key in (Qt.Key_Right, Qt.Key_Right, Qt.Key_Down, Qt.Key_Up, Qt.Key_End, Qt.Key_Home):
        qtbot.keyClick(view, key)
    assert view.current == 0
    assert len(told) == 6
    qtbot.keyClick(view, Qt.Key_Right, Qt.ShiftModifier)
    assert told[-1] == (0, int(view.tokens.ends[1]))
    qtbot.keyClick(view, Qt.Key_Escape)
    assert told[-1] == (-1, -1)
    assert view.current is None


def test_the_same_bytes_are_outlined_however_they_are_cut(qtbot, view, bert):
    other = TokenView()
    qtbot.addWidget(other)
    other.set_encoding(bert.encode(TEXT), bert)
    start = TEXT.encode().index(b"Donau")
    for shown in (view, other):
        shown.highlight(start, start + 5)
        tokens = shown.tokens
        covered = b"".join(tokens.token(i) for i in shown.highlighted())
        assert b"Donau"[:3] in covered
        assert all(tokens.starts[i] < start + 5 and tokens.ends[i] > start for i in shown.highlighted())
    view.highlight(None)
    assert view.highlighted() == []


def test_agreement_is_gray_and_difference_has_a_hue(view):
    shared = np.ones(len(view.tokens), bool)
    view.set_shared(shared)
    quiet = view.grab().toImage()
    shared[0] = False
    view.set_shared(shared)
    loud = view.grab().toImage()
    where = view.box(0).topLeft().toPoint() + QPoint(2, 8)
    wanted = theme.table()["tok"][hue(view.tokens.token(0))]["bg"]
    assert loud.pixelColor(where).name() == wanted
    assert quiet.pixelColor(where).name() == theme.table()["neutral_tok"]


def test_every_token_has_its_own_underline(view):
    view.set_mode("every")
    image = view.grab().toImage()
    first, second = view.box(0), view.box(1)
    y = int(first.bottom()) - 1
    edge = theme.table()["tok"][hue(view.tokens.token(0))]["edge"]
    assert image.pixelColor(int(first.center().x()), y).name() == edge
    between = image.pixelColor(int((first.right() + second.left()) / 2), y).name()
    assert between == theme.table()["surface"]


@pytest.mark.parametrize(("dpr", "thin"), [(1.0, 1), (1.25, 1), (1.5, 1), (2.0, 2), (3.0, 3)])
def test_lines_are_whole_device_pixels_one_to_two(dpr, thin):
    assert line_height(dpr, differs=False) == thin
    assert line_height(dpr, differs=True) == 2 * thin


def test_a_switch_of_colors_repaints_every_row(qapp, qtbot, view, gpt4):
    view.set_mode("every")
    view.grab()
    theme.apply(qapp, "dark")
    switched = view.grab().toImage()
    fresh = TokenView()
    qtbot.addWidget(fresh)
    fresh.resize(260, 300)
    fresh.set_encoding(gpt4.encode(TEXT), gpt4)
    fresh.set_mode("every")
    fresh.show()
    assert switched == fresh.grab().toImage()


@pytest.mark.parametrize("text", ["", "\n", "\0", "a\0b", " ", "\u200d", "مرحبا", "नमस्ते", "👩‍🚀", "\u0301"])
def test_odd_texts_are_drawn(qtbot, gpt4, bert, text):
    for tokenizer in (gpt4, bert):
        shown = TokenView()
        qtbot.addWidget(shown)
        shown.set_encoding(tokenizer.encode(text), tokenizer)
        for show in ("text", "ids", "bytes"):
            shown.set_show(show)
            assert not shown.grab().toImage().isNull()


def test_a_megabyte_is_laid_out_by_rows_and_only_visible_ones_are_painted(qtbot):
    piece = ["The", " ferry", "men", " carry", " letters", ".\n"]
    encoding = made(*piece * 40_000)
    assert len(encoding.text) > 1_000_000
    shown = TokenView()
    qtbot.addWidget(shown)
    shown.resize(600, 500)
    shown.set_encoding(encoding)
    shown.show()
    shown.grab()
    assert len(shown._layout) >= 40_000
    assert len(shown._pictures) <= 500 // metrics("text").row + 2
    middle = len(encoding.text) // 2
    shown.scroll_to(middle)
    assert abs(shown.top_offset() - middle) < 50
    shown.reveal(len(encoding.text) - 3, len(encoding.text))
    last = shown.tokens.overlapping(len(encoding.text) - 2, len(encoding.text))[0]
    assert 0 <= shown.box(last).top() < shown.viewport().height()


def test_scrolling_tells_the_offset_and_following_does_not(qtbot, gpt4):
    shown = TokenView()
    qtbot.addWidget(shown)
    shown.resize(200, 120)
    shown.set_encoding(gpt4.encode("line of text\n" * 200), gpt4)
    shown.show()
    told = []
    shown.scrolled.connect(told.append)
    shown.scroll_to(1300)
    assert told == []
    assert shown.top_offset() == 1300
    shown.verticalScrollBar().setValue(0)
    assert told == [0]


def test_a_screen_reader_hears_the_tokens(qtbot, view):
    interface = QAccessible.queryAccessibleInterface(view)
    assert interface.text(QAccessible.Text.Description).startswith(
        f"{len(view.tokens)} tokens: Token | izers"
    )
    view.setFocus()
    qtbot.keyClick(view, Qt.Key_Right)
    assert "id 3404" in token_access.current(view) or "bytes 0 to 5" in token_access.current(view)


def test_chips_grow_with_their_rows(qtbot, gpt4):
    chips = TokenChips(gpt4.encode("Donaudampfschifffahrtsgesellschaft " * 3), show="ids", name="Span")
    qtbot.addWidget(chips)
    assert chips.heightForWidth(2000) == metrics("ids").row
    assert chips.heightForWidth(150) > 3 * metrics("ids").row
    assert chips.accessibleName().startswith("Span: D | ona") or "Don" in chips.accessibleName()
    chips.set_encoding(gpt4.encode("a b c"), gpt4, only=range(1, 2), quiet_bytes=1)
    assert "a" not in chips.spoken()


@pytest.mark.parametrize("show", ["text", "ids", "bytes"])
def test_a_token_of_a_megabyte_is_cut_short(qtbot, bert, show):
    text = "x" * 1_000_000 + " end"
    shown = TokenView()
    qtbot.addWidget(shown)
    shown.resize(260, 300)
    shown.set_show(show)
    shown.set_encoding(bert.encode(text), bert)
    shown.show()
    assert len(shown.tokens.shown(0, "text", True)[0]) <= 600
    assert shown.box(0).width() <= 260
    assert not shown.grab().toImage().isNull()
    found = shown.token_at(shown.box(1).center().toPoint())
    assert found == 1


def test_a_prefix_without_text_shows_what_it_is_and_is_no_pill():
    """SentencePiece puts a space in front of a text; where it is a token of its own, it covers nothing."""
    bert = load_tokenizer("bert-base-uncased")
    encoding = Encoding(b"hi", np.array([7, 101, 9], np.int32), np.array([[0, 0], [0, 0], [0, 2]], np.int32))
    tokens = TokenText(encoding, bert.special_tokens, spelled={7: b" "}.get)
    assert [tokens.label(0), tokens.label(1)] == ["\u00b7", "[CLS]"]
    assert tokens.pill.tolist() == [False, True, False]
