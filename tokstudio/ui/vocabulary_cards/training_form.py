"""The form of the training panel."""

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QVBoxLayout, QWidget

from tokstudio.errors import ConfigError, TokstudioError
from tokstudio.paths import data_home
from tokstudio.tokens.training.settings import (
    ALGORITHMS,
    DEFAULT_SPECIALS,
    NORMALIZERS,
    PRE_TOKENIZERS,
    TrainingSettings,
)
from tokstudio.ui import numbers, theme
from tokstudio.ui.transfer_cards.parts import Field
from tokstudio.ui.widgets.basic import Segmented, button, check, col, combo, eliding, label, row
from tokstudio.ui.widgets.slider import Slider

NEW, EXTEND, PRUNE = range(3)
SIZES = {NEW: "8000", EXTEND: "500", PRUNE: "4000"}
SIZE_NAMES = {NEW: "Vocabulary size", EXTEND: "New tokens", PRUNE: "Tokens to keep at most"}


class TrainingForm(QWidget):
    changed = Signal()

    def __init__(self):
        super().__init__()
        self._inputs: list[str] = []
        self._parent = ("", "")
        self._made_up = ""  # the folder that was proposed
        self.what = Segmented(("New", "Extend", "Prune"), NEW, "What to make")
        self._parent_words = eliding("", "small", "text2")
        self.algorithm = combo([name for name, _ in ALGORITHMS.values()], "Algorithm")
        self._sentence = label("", "small", "muted", wrap=True)
        self.pre_tokenizer = combo(list(PRE_TOKENIZERS.values()), "Pre-tokenizer")
        self.pre_tokenizer.setCurrentIndex(list(PRE_TOKENIZERS).index("gpt4"))
        self.normalizer = combo(list(NORMALIZERS.values()), "Normalizer")
        self.size = Field(SIZE_NAMES[NEW], SIZES[NEW])
        self._size_name = self.size.layout().itemAt(0).widget()
        self.specials = Field(
            "Special tokens, apart by spaces", "", "Each gets an id of its own, first of all"
        )
        self.longest = Field(
            "Longest token, 0: no limit", "0", "In characters, for byte-level BPE in bytes: for DNA, say 16"
        )
        self.output = Field("Folder of the result", "")
        self.rarest = Field("A pair occurs at least", "2", "What is rarer is not merged into a token")
        self.held_out = Field(
            "Held out, %", "2", "Share of the text that is not learnt from and measures the result"
        )
        self.column = Field("Column of the text", "", "Of JSON lines and tables; empty: the first usual name")
        self.fallback = check("Bytes for unknown characters", True)
        self.fallback.setToolTip("256 entries that spell what no token does; byte-level BPE has them always")
        self._more = button("More settings", kind="link")
        self._texts = eliding("No text chosen yet", "small", "muted")
        self._add = button("Add text…", "plus")
        self._clear = button("Clear", kind="link")
        self.share = Slider()
        self.share.setRange(1, 100)
        self.share.setValue(100)
        self.share.setAccessibleName("Share of the text to learn from")
        self._share_words = label("", "caption", "muted")
        self.forecast = label("", "small", "text2", wrap=True)
        self._less = button("", kind="link")
        self.expected = None  # Forecast of what is chosen; None where it cannot be started
        self._build()
        self._later = QTimer(self, singleShot=True, interval=150)
        self._later.timeout.connect(self._refresh)
        self._connect()
        self._changed_kind()

    def _build(self) -> None:
        self._kind = col(label("Algorithm", "caption", "muted"), self.algorithm, self._sentence, spacing=4)
        cuts = col(label("Cut into words", "caption", "muted"), self.pre_tokenizer, spacing=4)
        norms = col(label("Normalizer", "caption", "muted"), self.normalizer, spacing=4)
        self._choices = col(cuts, row((norms, 1), (self.longest, 1)), spacing=10)
        self._rest = col(
            row((self.rarest, 1), (self.held_out, 1)), self.column, row(self.fallback, None), spacing=10
        )
        self._less_row = row(self._less, None)
        self._less_row.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for part in (
            row(self.what, None), self._parent_words, self._kind, self._choices, self.size, self.specials,
            row((self._texts, 1), self._clear, self._add), row(self._share_words, (self.share, 1)), self.forecast,
            self._less_row, self.output, row(self._more, None), self._rest,
        ):  # fmt: skip
            layout.addWidget(part)
        self._rest.hide()

    def _connect(self) -> None:
        self.what.changed.connect(lambda _: self._changed_kind())
        self.algorithm.currentIndexChanged.connect(lambda _: self._changed_kind())
        for part in (self.pre_tokenizer, self.normalizer):
            part.currentIndexChanged.connect(lambda _: self._later.start())
        self._more.clicked.connect(self._show_rest)
        self.fallback.toggled.connect(lambda _: self._later.start())
        for field in (
            self.size, self.longest, self.specials, self.output, self.rarest, self.held_out, self.column,
        ):  # fmt: skip
            field.edited.connect(lambda _: self._later.start())
        self.share.valueChanged.connect(lambda _: self._later.start())
        self._add.clicked.connect(self._menu)
        self._clear.clicked.connect(lambda: self.set_inputs([]))
        self._less.clicked.connect(lambda: self.share.setValue(self._enough()))

    # ---------------------------------------------------------------- what is asked for

    @property
    def kind(self) -> int:
        return self.what.index()

    def set_parent_tokenizer(self, reference: str, name: str) -> None:
        self._parent = reference, name
        self._changed_kind()

    def set_inputs(self, paths: list[str]) -> None:
        self._inputs = list(dict.fromkeys(paths))
        names = ", ".join(Path(path).name for path in self._inputs)
        self._texts.setText(names or "No text chosen yet")
        theme.set_role(self._texts, "text2" if names else "muted")
        self._refresh()

    def _changed_kind(self) -> None:
        kind, algorithm = self.kind, self.algorithm_key()
        self._kind.setVisible(kind == NEW)
        self._choices.setVisible(kind == NEW)
        self.rarest.setVisible(kind != PRUNE)
        self.fallback.setVisible(kind == NEW and algorithm not in ("byte-bpe", "wordpiece"))
        self.specials.setVisible(kind == NEW)
        self._parent_words.setVisible(kind != NEW)
        verb = (
            "gets more tokens; its own keep their ids" if kind == EXTEND else "keeps what the text uses most"
        )
        self._parent_words.setText(f"{self._parent[1] or 'No tokenizer'} {verb}")
        self._sentence.setText(ALGORITHMS[algorithm][1])
        self._size_name.setText(SIZE_NAMES[kind])
        if self.size.line.text() in SIZES.values():
            self.size.line.setText(SIZES[kind])
        usual = {" ".join(names) for names in DEFAULT_SPECIALS.values()}
        if not self.specials.line.text() or self.specials.line.text() in usual:
            self.specials.line.setText(" ".join(DEFAULT_SPECIALS[algorithm]))
        with QSignalBlocker(self.pre_tokenizer):
            self.pre_tokenizer.setEnabled(algorithm != "wordpiece")
        self.propose_folder()
        self._refresh()

    def _show_rest(self) -> None:
        self._rest.setVisible(self._rest.isHidden())
        self._more.setText("More settings" if self._rest.isHidden() else "Fewer settings")

    def algorithm_key(self) -> str:
        return list(ALGORITHMS)[self.algorithm.currentIndex()]

    def propose_folder(self) -> None:
        """A new one, as long as nobody has named another."""
        if self.output.line.text() != self._made_up:
            return
        parent = "".join(c if c.isalnum() else "-" for c in self._parent[1]).strip("-").lower() or "tokenizer"
        stem = {NEW: self.algorithm_key(), EXTEND: f"{parent}-extended", PRUNE: f"{parent}-pruned"}[self.kind]
        home, number = data_home() / "tokenizers", 1
        while (home / f"{stem}-{number}").exists():
            number += 1
        self._made_up = str(home / f"{stem}-{number}")
        self.output.line.setText(self._made_up)

    def settings(self) -> TrainingSettings:
        """Raises ConfigError where something is missing, TokenizerError for a parent that cannot be changed."""
        try:
            size = numbers.whole(self.size.line.text())
        except ValueError:
            raise ConfigError(
                f"“{self.size.line.text()}” is no number.", hint="Write a whole number, for example 8000."
            ) from None
        longest = self.longest.line.text().strip() or "0"
        if not longest.isdecimal():
            raise ConfigError(
                f"“{longest}” is no length of a token.",
                hint="Write a whole number, for example 16; 0: no limit.",
            )
        rarest = self.rarest.line.text().strip() or "0"
        if not rarest.isdecimal():
            raise ConfigError(
                f"“{rarest}” says not how often a pair must occur.",
                hint="Write a whole number, for example 2.",
            )
        try:
            held_out = numbers.decimal(self.held_out.line.text().strip().removesuffix("%") or "0") / 100
        except ValueError:
            raise ConfigError(
                f"“{self.held_out.line.text()}” is no share of the text.",
                hint="Write per cent, for example 2.",
            ) from None
        change = {EXTEND: {"extend": self._parent[0]}, PRUNE: {"prune": self._parent[0]}}.get(self.kind, {})
        if change:
            from tokstudio.tokens.training.change import parent_file

            parent_file(self._parent[0])
        return TrainingSettings(
            inputs=tuple(self._inputs),
            output=self.output.line.text().strip(),
            algorithm=self.algorithm_key(),
            vocab_size=size,
            specials=tuple(self.specials.line.text().split()),
            pre_tokenizer=list(PRE_TOKENIZERS)[self.pre_tokenizer.currentIndex()],
            normalizer=list(NORMALIZERS)[self.normalizer.currentIndex()],
            longest=int(longest) if self.kind == NEW else 0,  # not shown for the others
            sample=self.share.value() / 100,
            min_frequency=int(rarest),
            held_out=held_out,
            column=self.column.line.text().strip(),
            byte_fallback=self.fallback.isChecked(),
            **change,
        ).check()

    def _refresh(self) -> None:
        """The forecast, and what is wrong, where it is."""
        from tokstudio.tokens.training.forecast import forecast

        self.expected = None
        self._share_words.setText(f"Learn from {self.share.value()} %")
        self._clear.setEnabled(bool(self._inputs))
        self.size.set_problem("")
        theme.set_role(self.forecast, "text2")
        try:
            expected = forecast(self.settings())
        except ConfigError as error:
            if self._inputs:
                self.size.set_problem(f"{error} {error.hint}")
            self.forecast.setText("Add text: files or folders of text, JSON lines, Parquet or FASTA.")
        except TokstudioError as error:
            theme.set_role(self.forecast, "danger")
            self.forecast.setText(f"{error} {error.hint}")
        else:
            self.expected = expected
            self._show_forecast(expected)
        self._less_row.setVisible(self.expected is not None and 0 < self._enough() < self.share.value())
        self._less.setText(f"Learn from {self._enough()} %")
        self.changed.emit()

    def _show_forecast(self, expected) -> None:
        from tokstudio.tokens.training.forecast import duration

        size, memory, free = map(_size, (expected.size, expected.memory, expected.free))
        words = f"{size} of text, about {duration(expected.seconds)} and {memory} of memory; {free} are free."
        more = "" if expected.fits else " Learn from less, or the system may end it."
        if expected.fits and expected.slow:
            more = " Less text is faster, and the tokens will hardly differ." if expected.size > 1e6 else ""
        theme.set_role(self.forecast, "text2" if expected.fits and not expected.slow else "warning")
        self.forecast.setText(words + more)

    def _enough(self) -> int:
        """Per cent of the text that fits the memory and takes a few minutes; 0 where nothing speaks against all."""
        from tokstudio.tokens.training.forecast import SLOW

        found = self.expected
        if found is None or (found.fits and not found.slow):
            return 0
        share = min(0.5 * SLOW / found.seconds, 0.6 * found.free / found.memory, 1.0)
        return max(1, int(self.share.value() * share))

    def ready(self) -> bool:
        try:
            self.settings()
        except TokstudioError:
            return False
        return True

    # ---------------------------------------------------------------- texts

    def _menu(self) -> None:
        menu = QMenu(self)
        menu.addAction("Files…", self._choose_files)
        menu.addAction("A folder…", self._choose_folder)
        menu.addAction("Python's language reference (0.5 MB)", self.add_sample)
        menu.exec(self._add.mapToGlobal(self._add.rect().bottomLeft()))

    def _choose_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Texts to learn from")
        if paths:
            self.set_inputs([*self._inputs, *paths])

    def _choose_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "A folder of texts to learn from"):
            self.set_inputs([*self._inputs, path])

    def add_sample(self) -> None:
        from tokstudio.tokens.training.corpus import default_corpus

        path = data_home() / "samples" / "python-reference.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(default_corpus()), encoding="utf-8")
        self.set_inputs([*self._inputs, str(path)])


def _size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
