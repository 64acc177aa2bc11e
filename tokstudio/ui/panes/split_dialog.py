"""Split the text by a token budget: see the chunks, jump to them, write them to files."""

import json
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QFileDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tokstudio.errors import InputError, TokstudioError
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.budget import BOUNDARIES, Chunk, split, write_chunks
from tokstudio.ui import theme
from tokstudio.ui.background import Worker
from tokstudio.ui.numbers import Whole
from tokstudio.ui.widgets.basic import button, check, combo, label, row
from tokstudio.ui.widgets.problem import Problem
from tokstudio.ui.widgets.token_text import glyphs

COLUMNS = ("Chunk", "Tokens", "Bytes", "From byte", "Begins with")
TITLES = ("paragraphs", "lines", "sentences", "tokens")
SHORT = 50_000  # bytes; longer texts are split by a process of their own
PAUSE = 250  # milliseconds
SHOWN = 2_000  # rows
BEGIN = 80  # characters


class SplitDialog(QDialog):
    place_asked = Signal(int, int)  # bytes of a chunk
    said = Signal(str)

    def __init__(self, parent: QWidget, text: str, tokenizers: list[Tokenizer], chosen: int = 0):
        super().__init__(parent)
        self.setWindowTitle("Split by tokens")
        self.resize(760, 520)
        self._text, self._data, self._tokenizers = text, text.encode(), tokenizers
        self.chunks: list[Chunk] = []
        self._child: subprocess.Popen | None = None
        self._number = 0
        self._worker = Worker(self)
        self._worker.done.connect(self._arrived)
        self.whose = combo([tokenizer.name for tokenizer in tokenizers], "Tokenizer that counts")
        self.whose.setCurrentIndex(chosen)
        self.whose.setSizeAdjustPolicy(QComboBox.AdjustToContents)
        self.most, self.overlap = (
            self._spin(1, 10_000_000, 512, "Most tokens"),
            self._spin(0, 1_000_000, 0, "Overlap"),
        )
        self.at = combo([f"at {title}" for title in TITLES], "Where chunks end")
        words = self.at.fontMetrics()
        widest = max(words.horizontalAdvance(self.at.itemText(at)) for at in range(self.at.count()))
        self.at.setMinimumWidth(widest + 48)  # its margins and arrow
        self.at.setToolTip("Where nothing of the kind fits, the next smaller one is taken")
        self.special = check("Count BOS and EOS")
        self.summary = label("", "small", "muted")
        self.problem = Problem()
        self.table = self._table()
        self._build()
        self._pause = QTimer(self, interval=PAUSE, singleShot=True)
        self._pause.timeout.connect(self._start)
        for changed in (
            *(self.whose.currentIndexChanged, self.at.currentIndexChanged, self.most.valueChanged),
            *(self.overlap.valueChanged, self.special.toggled),
        ):
            changed.connect(self._later)
        self._start()

    @staticmethod
    def _spin(least: int, most: int, value: int, name: str) -> Whole:
        made = Whole()
        made.setRange(least, most)
        made.setValue(value)
        made.setAccessibleName(name)
        return made

    def _table(self) -> QTableWidget:
        made = QTableWidget(0, len(COLUMNS))
        made.setHorizontalHeaderLabels(COLUMNS)
        made.setAccessibleName("Chunks")
        made.setEditTriggers(QAbstractItemView.NoEditTriggers)
        made.setSelectionBehavior(QAbstractItemView.SelectRows)
        made.verticalHeader().hide()
        made.setShowGrid(False)
        made.horizontalHeader().setDefaultAlignment(Qt.AlignRight | Qt.AlignVCenter)
        made.horizontalHeaderItem(len(COLUMNS) - 1).setTextAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        made.horizontalHeader().setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.Stretch)
        made.currentCellChanged.connect(lambda at, *_: self._jump(at))
        return made

    def _build(self) -> None:
        self.files, self.lines = (
            button("Save as files…", "folder"),
            button("Save as JSON lines…", "export", "primary"),
        )
        self.files.clicked.connect(self._ask_folder)
        self.lines.clicked.connect(self._ask_lines)
        shut = button("Close")
        shut.clicked.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(row(self.whose, label("at most"), self.most, label("tokens"), self.at, None))
        layout.addWidget(
            row(label("Repeat up to"), self.overlap, label("tokens in the next chunk"), self.special, None)
        )
        layout.addWidget(self.problem)
        layout.addWidget(self.summary)
        layout.addWidget(self.table, 1)
        layout.addWidget(row(shut, None, self.files, self.lines))

    # ---- work

    def _later(self) -> None:
        self._end_child()
        self._pause.start()

    def _start(self) -> None:
        self._number += 1
        tokenizer, number = self._tokenizers[self.whose.currentIndex()], self._number
        how = {
            "at": BOUNDARIES[self.at.currentIndex()],
            "overlap": self.overlap.value(),
            "special": self.special.isChecked(),
        }
        most, long = self.most.value(), len(self._data) > SHORT
        self.summary.setText("Counting…")

        def work() -> list[Chunk]:
            if number != self._number:
                return []
            if long:
                return self._apart(tokenizer.reference, most, **how)
            return list(split(tokenizer, self._text, most, **how))

        self._worker.submit(number, work)

    def _apart(self, reference: str, most: int, at: str, overlap: int, special: bool) -> list[Chunk]:
        """In a process: a library would hold the window while it encodes a long text."""
        again = [] if getattr(sys, "frozen", False) else ["-X", "utf8", "-m", "tokstudio"]
        options = ["--tokens", str(most), "--at", at, "--overlap", str(overlap), "--json"]
        command = [sys.executable, *again, "split", reference, *options, *(["--special"] if special else [])]
        pipe = subprocess.PIPE
        self._child = child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
        out, errors = child.communicate(self._data)
        if child.returncode != 0:
            words = errors.decode(errors="replace").strip().splitlines() or ["It was ended."]
            raise InputError(words[0].removeprefix("tokstudio split: "), hint=" ".join(words[1:2]))
        return [Chunk(c["start"], c["end"], c["tokens"]) for c in json.loads(out)["chunks"]]

    def _arrived(self, number: int, result: list[Chunk] | TokstudioError) -> None:
        if number != self._number or self._pause.isActive():
            return
        if isinstance(result, TokstudioError):
            self.summary.setText("")
            self.problem.show_error(result)
            self.chunks = []
        else:
            self.problem.clear()
            self.chunks = result
            self.summary.setText(summary(result))
        self.files.setEnabled(bool(self.chunks))
        self.lines.setEnabled(bool(self.chunks))
        self._fill()

    def _fill(self) -> None:
        self.table.blockSignals(True)
        self.table.setRowCount(min(len(self.chunks), SHOWN))
        for at, chunk in enumerate(self.chunks[:SHOWN]):
            begin = self._data[chunk.start : min(chunk.stop, chunk.start + 4 * BEGIN)].decode(errors="ignore")
            values = (
                *(f"{at + 1:,}", f"{chunk.tokens:,}", f"{chunk.stop - chunk.start:,}", f"{chunk.start:,}"),
                glyphs(begin[:BEGIN], True),
            )
            for column, value in enumerate(values):
                item = QTableWidgetItem(value)
                item.setTextAlignment((Qt.AlignLeft if column == 4 else Qt.AlignRight) | Qt.AlignVCenter)
                self.table.setItem(at, column, item)
            self.table.setRowHeight(at, theme.px(26))
        self.table.setCurrentCell(-1, -1)
        self.table.blockSignals(False)

    def _jump(self, at: int) -> None:
        if 0 <= at < len(self.chunks):
            self.place_asked.emit(self.chunks[at].start, self.chunks[at].stop)

    # ---- files

    def _ask_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Folder for the chunks"):
            self.write(Path(path))

    def _ask_lines(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the chunks", "chunks.jsonl", "*.jsonl")
        if path:
            self.write(Path(path).with_suffix(".jsonl"))

    def write(self, path: Path) -> None:
        try:
            files = write_chunks(self._data, self.chunks, path)
        except TokstudioError as error:
            self.problem.show_error(error)
            return
        self.said.emit(f"{len(self.chunks):,} chunks written to {files[0] if len(files) == 1 else path}")
        self.close()

    def done(self, result: int) -> None:
        self._number += 1
        self._pause.stop()
        self._end_child()
        self._worker.close()
        super().done(result)

    def _end_child(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.kill()


def summary(chunks: list[Chunk]) -> str:
    if not chunks:
        return "There is no text."
    counts = [chunk.tokens for chunk in chunks]
    more = f"; the first {SHOWN:,} are listed" if len(chunks) > SHOWN else ""
    middle = sum(counts) / len(counts)
    count = f"{len(chunks):,} chunk{'s' if len(chunks) != 1 else ''}"
    return f"{count}, {middle:,.0f} tokens on average, {max(counts):,} at most{more}"
