"""One tokenizer's view of the text: name, three figures, tokens; errors stay here, where they happened."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, Signal
from PySide6.QtGui import QDrag, QGuiApplication
from PySide6.QtWidgets import QFrame, QMenu, QSizePolicy, QToolButton, QVBoxLayout

from tokstudio.ui import theme
from tokstudio.ui.icons import icon_label
from tokstudio.ui.panes import copying
from tokstudio.ui.panes.notice import Notice, SpecNotes
from tokstudio.ui.panes.pane_state import PaneState
from tokstudio.ui.widgets.basic import eliding, hline, label, row, stat, tool
from tokstudio.ui.widgets.problem import ProblemArea
from tokstudio.ui.widgets.token_view import TokenView

NARROWEST, ROOMY = 260, 300
HEADER = 39
MIME = "application/x-tokstudio-pane"
NONE, MINUS = "\u2013", "\u2212"
FOUR_FIGURES = 350  # least width of a pane for four whole captions
THREE_FIGURES = 240


class NameButton(QToolButton):
    """The tokenizer's name; a click changes the tokenizer."""

    def __init__(self):
        super().__init__()
        self.setToolButtonStyle(Qt.ToolButtonTextOnly)
        self.setFocusPolicy(Qt.TabFocus)
        self.setMinimumWidth(40)
        self.setSizePolicy(QSizePolicy.Maximum, QSizePolicy.Fixed)
        theme.set_font(self, "h2")
        self.setProperty("nameButton", "1")

    def show_name(self, name: str) -> None:
        self.setText(name)
        self.setAccessibleName(f"Tokenizer {name}, change")
        self.setToolTip(f"{name}: change the tokenizer of this pane")


class ComparePane(QFrame):
    hovered = Signal(int, int)
    clicked = Signal(int, int)
    scrolled = Signal(int)
    change_asked = Signal()
    settle_asked = Signal()
    remove_asked = Signal()
    move_asked = Signal(int)  # -1 left, 1 right, 0 to the front
    place_asked = Signal(int)  # byte at which the round trip first differs
    split_asked = Signal()  # the text by a token budget of this tokenizer
    whatif_asked = Signal()  # try changes of the tokenizer
    vocabulary_asked = Signal(int)  # id
    text_asked = Signal()  # special tokens that are written out: read them as text
    copied = Signal(str)  # what was put on the clipboard, in words

    def __init__(self, number: int):
        super().__init__()
        self.number = number
        self.places: Callable[[QMenu], object] = lambda menu: None  # adds what can be done with the tokenizer
        self.setProperty("frame", "card")
        self.setMinimumWidth(NARROWEST)
        self.pin = icon_label("pin", "accent", 14)
        self.name = NameButton()
        self.about = eliding("", "small", "muted")
        self.about.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
        self.old = label("old", "caption", "muted")
        self.old.setProperty("frame", "tag")
        self.old.setToolTip("Of an earlier text: the new one is being tokenized.")
        self.menu_button = tool("more", "Pane menu", 24)
        self.menu_button.setMenu(self._menu())
        self.counted = stat("Tokens", NONE)
        self.dense = stat("Bytes / token", NONE)
        self.whole = stat("Words whole", NONE)
        self.unknown = stat("Unknown", NONE)  # seen only where there are any
        self.unknown.setToolTip("Tokens whose id stands for text that the vocabulary cannot spell")
        self.unknown.hide()
        self.notes, self.notice = SpecNotes(), Notice()
        self.notice.asked.connect(self.place_asked)
        self.selection: tuple[int, int] | None = None
        self._problem = ProblemArea()
        self.problem = self._problem.problem
        self.waiting = label("", "small", "muted", wrap=True)
        self.view = TokenView()
        self._build()
        self.name.clicked.connect(self.change_asked)
        self.view.hovered.connect(self.hovered)
        self.view.clicked.connect(self.clicked)
        self.view.scrolled.connect(self.scrolled)
        self.view.setContextMenuPolicy(Qt.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._context_menu)
        self._shown: tuple | None = None
        self._state: PaneState | None = None
        self._is_reference = False

    def _build(self) -> None:
        self._who = row(self.pin, self.name, spacing=2)
        head = row(self._who, self.old, (self.about, 1), self.menu_button, margins=(0, 0, 6, 0), spacing=6)
        head.setFixedHeight(HEADER)
        head.installEventFilter(self)
        self.head = head
        self._pressed: QPoint | None = None
        self._figures = figures = row(
            self.counted, None, self.dense, None, self.whole, self.unknown, margins=(11, 6, 16, 8), spacing=8
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        self.waiting.setContentsMargins(11, 10, 11, 10)
        for part in (head, hline(), figures, hline(), self.notes, self.notice, self._problem, self.waiting):
            layout.addWidget(part)
        layout.addWidget(self.view, 1)
        layout.addStretch(0)  # where there are no tokens yet, the parts above stay together

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit_names()

    def _fit_names(self) -> None:
        """In a narrow pane figures have short captions, four sooner than three; larger text stands close."""
        least = THREE_FIGURES if self.unknown.isHidden() else FOUR_FIGURES
        short = self.width() < theme.px(least)
        self._figures.layout().setSpacing(4 if short and theme.scale() > 1 else 8)
        self.dense.show_name("B / token" if short else "Bytes / token")
        self.whole.show_name("Whole" if short else "Words whole")

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction("Change tokenizer…").triggered.connect(self.change_asked)
        menu.addSeparator()
        menu.addAction("Make reference").triggered.connect(lambda: self.move_asked.emit(0))
        menu.addAction("Move left").triggered.connect(lambda: self.move_asked.emit(-1))
        menu.addAction("Move right").triggered.connect(lambda: self.move_asked.emit(1))
        menu.addSeparator()
        self._add_copies(menu.addMenu("Copy"))
        menu.addMenu(self._places(menu))
        menu.addAction("Split the text by tokens…").triggered.connect(self.split_asked)
        menu.addAction("Change tokens and merges…").triggered.connect(self.whatif_asked)
        menu.addSeparator()
        menu.addAction("Remove pane").triggered.connect(self.remove_asked)
        return menu

    def _places(self, owner: QMenu) -> QMenu:
        """Where else this tokenizer can be looked at; filled when it is opened."""
        menu = QMenu("This tokenizer", owner)
        menu.aboutToShow.connect(lambda: self._fill_places(menu))
        return menu

    def _fill_places(self, menu: QMenu) -> None:
        menu.clear()
        self.places(menu)

    def _add_copies(self, menu: QMenu) -> None:
        for kind, title in copying.KINDS.items():
            menu.addAction(title).triggered.connect(lambda _=False, kind=kind: self.copy(kind))

    def _context_menu(self, point: QPoint) -> None:
        """Of the tokens: what can be done with the selection, else with the token under the pointer."""
        index = self.view.token_at(point)
        if index is not None and index not in self.view.selected():
            self.clicked.emit(*self.view.tokens.trimmed(index))
        menu = QMenu(self)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        menu.addAction("Copy text\tCtrl+C").triggered.connect(lambda: self.copy("text"))
        menu.addAction("Copy ids\tCtrl+Shift+C").triggered.connect(lambda: self.copy("json"))
        self._add_copies(menu.addMenu("Copy as"))
        if index is not None:
            token = int(self.view.tokens.ids[index])
            menu.addSeparator()
            menu.addAction("Show in Vocabulary").triggered.connect(lambda: self.vocabulary_asked.emit(token))
        menu.addSeparator()
        menu.addMenu(self._places(menu))
        menu.addAction("Split the text by tokens…").triggered.connect(self.split_asked)
        menu.addAction("Change tokens and merges…").triggered.connect(self.whatif_asked)
        menu.popup(self.view.viewport().mapToGlobal(point))

    def copy(self, kind: str) -> None:
        """The tokens of the selection, else all; `kind` as in `copying.KINDS`."""
        if self._state is not None and self._state.encoding is not None:
            chosen = copying.chosen(self._state.encoding, self.selection)
            text = copying.as_text(kind, self._state.encoding, chosen, self._state.tokenizer)
            QGuiApplication.clipboard().setText(text)
            what = "all tokens" if self.selection is None else "selection"
            self.copied.emit(f"Copied: {copying.KINDS[kind]} ({what}, {len(chosen):,})")

    def eventFilter(self, watched, event) -> bool:
        """The head is the handle to drag the pane by."""
        kind = event.type()
        if kind == QEvent.MouseButtonPress and event.button() == Qt.LeftButton:
            self._pressed = event.position().toPoint()
        elif kind == QEvent.MouseMove and self._pressed is not None:
            far = (event.position().toPoint() - self._pressed).manhattanLength()
            if far >= QGuiApplication.styleHints().startDragDistance():
                self._pressed = None
                self._drag()
        elif kind == QEvent.MouseButtonRelease:
            self._pressed = None
        return False

    def _drag(self) -> None:
        drag, data = QDrag(self), QMimeData()
        data.setData(MIME, str(self.number).encode())
        drag.setMimeData(data)
        drag.setPixmap(self.head.grab())
        drag.exec(Qt.MoveAction)

    def show_state(self, state: PaneState, reference_tokens: int | None, wide: bool) -> None:
        """`reference_tokens`: of the first pane; None in the first pane itself."""
        self._state, self._is_reference = state, reference_tokens is None
        wide = wide and self.width() >= ROOMY
        self.pin.setVisible(self._is_reference)
        self._who.layout().setContentsMargins(11 if self._is_reference else 5, 0, 0, 0)
        self.name.show_name(state.name)
        self.view.setAccessibleName(f"Tokens of {state.name}")
        self._show_about(state, wide)
        self.old.setVisible(state.stale and state.encoding is not None)
        self._show_figures(state, reference_tokens, wide)
        self._show_problem(state)
        self.notes.show_notes(state.notes)
        self.notice.show_round_trip(state.round_trip if not state.stale else None)
        busy = state.encoding is None and state.error is None
        self.waiting.setText(f"Loading {state.wanted or state.reference}…" if busy else "")
        self.waiting.setVisible(busy)
        self._show_tokens(state)

    def _show_about(self, state: PaneState, wide: bool) -> None:
        if state.wanted and state.tokenizer is not None:
            self.about.setText(f"loading {state.wanted}…")
        elif state.tokenizer is not None:
            size = f"{state.size:,}" if state.size is not None else ""
            both = [state.tokenizer.algorithm, size] if wide else [size]
            self.about.setText(", ".join(part for part in both if part))
        else:
            self.about.setText("")

    def _show_figures(self, state: PaneState, reference_tokens: int | None, wide: bool) -> None:
        found = state.measures
        if found is None:
            if state.encoding is None:
                for figure in (self.counted, self.dense, self.whole):
                    figure.set(NONE)
                self.unknown.hide()
            return
        first = "reference" if wide else "ref."
        note = first if reference_tokens is None else relative(found.tokens, reference_tokens)
        self.counted.set(f"{found.tokens:,}", note)
        self.unknown.set(f"{found.unknown:,}")
        self.unknown.setVisible(found.unknown > 0)
        self._fit_names()
        self.dense.set(f"{found.bytes_per_token:.2f}" if found.tokens else NONE)
        self.whole.set(f"{100 * found.words_whole:.0f} %" if found.tokens else NONE)

    def _show_problem(self, state: PaneState) -> None:
        if state.error is None:
            self._problem.clear()
            return
        if state.refused is not None:
            place = state.refused
            show = ("Show it in the text", lambda: self.clicked.emit(*place))
            self._problem.show_error(state.error, [show, ("Read as text", self.text_asked.emit)])
            return
        actions = [("Choose another…", self.change_asked.emit)]
        keeps = state.tokenizer is not None
        second = (
            (f"Keep {state.name}", self.settle_asked.emit)
            if keeps
            else ("Remove pane", self.remove_asked.emit)
        )
        actions.append(second)
        self._problem.show_error(state.error, actions)

    def _show_tokens(self, state: PaneState) -> None:
        self.view.setVisible(state.encoding is not None)
        shown = (state.encoding, state.tokenizer)
        if state.encoding is not None and shown != self._shown:
            self.view.set_encoding(state.encoding, state.tokenizer)
            self._shown = shown
            self.view.set_trained(state.trained)
        if state.shared is not None:
            self.view.set_shared(state.shared)


def relative(tokens: int, reference: int) -> str:
    """ "+35 %" of the reference."""
    if not reference:
        return ""
    share = round(100 * (tokens / reference - 1))
    return f"{MINUS if share < 0 else '+'}{abs(share):,} %" if share else "same"
