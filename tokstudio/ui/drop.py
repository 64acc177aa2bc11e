"""Where a dropped or opened file goes, and what covers the window meanwhile."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from tokstudio.errors import InputError
from tokstudio.ui import theme
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import frame, label, row

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "tokenizer_config.json")
TOKENIZER_ENDINGS = (".model", ".tiktoken", ".gguf")
CORPUS_ENDINGS = (".jsonl", ".parquet", ".arrow")
TRAINER = "trainer_state.json"  # of a Hugging Face Trainer
MOST_TEXT = 20_000_000  # bytes of a text that the editor takes


@dataclass(frozen=True)
class Zone:
    """A place that takes a file: what happens there, and what its page receives."""

    title: str
    sentence: str
    page: str
    what: dict


def zones_of(path: Path) -> list[Zone]:
    """The places that take this file or folder, the usual one first. Raises InputError for what nothing takes."""
    kind, place = kind_of(path), str(path)
    if path.name == TRAINER:
        return [Zone("Runs", "Compare with this training", "runs", {"trainer": place})]
    tokenizer = [
        Zone("Compare", "Add this tokenizer", "compare", {"tokenizer": place}),
        Zone("Vocabulary", "List its tokens", "vocabulary", {"tokenizer": place}),
        Zone("Transfer", "Use it as the target", "transfer", {"tokenizer": place}),
    ]
    matrix = [Zone("Embeddings", "Look at the matrix", "embeddings", {"path": place})]
    model = [
        Zone("Model", "Ask this model", "model", {"model": place}),
        Zone("Transfer", "Use it as the source", "transfer", {"model": place}),
    ]
    return {
        "tokenizer": tokenizer,
        "matrix": matrix,
        "weights": [*matrix, *model],
        "model": [tokenizer[0], *matrix, *model],
        "corpus": [Zone("Corpus", "Count over this file", "compare", {"view": "corpus", "path": place})],
        "text": [
            Zone("Compare", "Show this text", "compare", {"text_file": place}),
            Zone("Corpus", "Count over this file", "compare", {"view": "corpus", "path": place}),
        ],
    }[kind]


def kind_of(path: Path) -> str:
    """ "tokenizer", "matrix" (a file), "weights" (a folder), "model" (with its tokenizer), "corpus" or "text". Raises
    InputError where there is nothing."""
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.", hint="Check the spelling.")
    if path.is_dir():
        tokenizer = any((path / name).exists() for name in TOKENIZER_FILES)
        if any(path.glob("*.safetensors")):
            return "model" if tokenizer else "weights"
        return "tokenizer"
    if path.suffix == ".safetensors":
        return "matrix"
    if path.name in TOKENIZER_FILES or path.suffix in TOKENIZER_ENDINGS:
        return "tokenizer"
    if path.suffix in CORPUS_ENDINGS:
        return "corpus"
    return "tokenizer" if path.suffix == ".json" and _names_a_model(path) else "text"


def _names_a_model(path: Path) -> bool:
    with path.open("rb") as file:
        return b'"model"' in file.read(2_000_000)


def target_of(path: Path) -> tuple[str, dict]:
    """Page name and what it receives. Raises InputError for what no page takes."""
    zone = zones_of(path)[0]
    return zone.page, zone.what


def read_text(path: Path) -> str:
    """The file as text, with its own line ends. Raises InputError for what is no text, or too long."""
    try:
        if (size := path.stat().st_size) > MOST_TEXT:
            raise InputError(
                f"{path.name} has {size / 1e6:.0f} MB; the editor takes {MOST_TEXT // 1_000_000} MB.",
                hint="Open a part of it.",
            )
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is no UTF-8 text (byte {error.start:,} is 0x{data[error.start]:02X}).",
            hint="Save it as UTF-8 and open it again.",
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from None


class DropOverlay(QFrame):
    """Covers the window while something is dragged over it: one field for each place that takes it."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.setProperty("frame", "drop")
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self._title, self._words = label("", "title", "accent"), label("", "small", "text2")
        self._zones = QHBoxLayout()
        self._zones.setSpacing(12)
        self.fields: list[QFrame] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.addStretch(1)
        layout.addWidget(row(None, icon_label("download", "accent", 32), None))
        layout.addWidget(row(None, self._title, None))
        layout.addWidget(row(None, self._words, None))
        layout.addSpacing(16)
        layout.addLayout(self._zones, 3)
        layout.addStretch(1)
        self.hide()

    def offer(self, path: Path) -> None:
        """Says what a drop of this file would do, and where."""
        for field in self.fields:
            field.hide()
            field.deleteLater()
        self.fields = []
        try:
            zones = zones_of(path)
        except InputError as error:
            self._title.setText(str(error))
            zones = []
        else:
            self._title.setText(f"Drop {path.name} on one of these" if len(zones) > 1 else "Drop to open")
        self._words.setText("Anywhere else: the first." if len(zones) > 1 else "")
        for zone in zones:
            words = label(zone.sentence, "body", "text2")
            field = frame(
                "card", None, row(None, label(zone.title, "title"), None), row(None, words, None), None
            )
            field.setAccessibleName(f"{zone.title}: {zone.sentence}")
            self._zones.addWidget(field, 1)
            self.fields.append(field)
        self.show()
        self.raise_()
        self.point(QPoint(-1, -1))

    def zone_at(self, point: QPoint) -> int:
        """The number of the field at `point` of the window; the first where there is none."""
        here = self.mapFrom(self.parentWidget(), point)
        return next((at for at, field in enumerate(self.fields) if field.geometry().contains(here)), 0)

    def point(self, point: QPoint) -> None:
        """Marks the field that a drop at `point` of the window would take."""
        at = self.zone_at(point)
        for number, field in enumerate(self.fields):
            theme.set_role(field, "selected" if number == at else "card", "frame")
