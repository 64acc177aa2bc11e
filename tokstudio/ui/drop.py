"""Where a dropped or opened file goes: tokenizers and texts to Compare, matrices to Embeddings."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from tokstudio.errors import InputError
from tokstudio.ui.icons import icon_label
from tokstudio.ui.widgets.basic import label, row

TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "tokenizer_config.json")
TOKENIZER_ENDINGS = (".model", ".tiktoken")
MOST_TEXT = 20_000_000  # bytes of a text that the editor takes


def target_of(path: Path) -> tuple[str, dict]:
    """Page name and what it receives. Raises InputError for what no page takes."""
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.", hint="Check the spelling.")
    if path.is_dir():
        if any(path.glob("*.safetensors")) and not any((path / name).exists() for name in TOKENIZER_FILES):
            return "embeddings", {"path": str(path)}
        return "compare", {"tokenizer": str(path)}
    if path.suffix == ".safetensors":
        return "embeddings", {"path": str(path)}
    if path.name in TOKENIZER_FILES or path.suffix in TOKENIZER_ENDINGS:
        return "compare", {"tokenizer": str(path)}
    if path.suffix == ".json" and b'"model"' in path.read_bytes()[:2_000_000]:
        return "compare", {"tokenizer": str(path)}
    return "compare", {"text_file": str(path)}


def read_text(path: Path) -> str:
    """The file as text with \\n line ends. Raises InputError for what is no text, or too long."""
    try:
        if (size := path.stat().st_size) > MOST_TEXT:
            raise InputError(
                f"{path.name} has {size / 1e6:.0f} MB; the editor takes {MOST_TEXT // 1_000_000} MB.",
                hint="Open a part of it.",
            )
        data = path.read_bytes()
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is no UTF-8 text (byte {error.start:,} is 0x{data[error.start]:02X}).",
            hint="Save it as UTF-8 and open it again.",
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from None


class DropOverlay(QFrame):
    """Covers the window while something is dragged over it and says what a drop would do."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.setProperty("frame", "drop")
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(row(None, icon_label("download", "accent", 32), None))
        layout.addWidget(row(None, label("Drop to open", "title", "accent"), None))
        words = "A tokenizer or a text opens in Compare, a .safetensors file in Embeddings."
        layout.addWidget(row(None, label(words, "small", "text2"), None))
        layout.addStretch(1)
        self.hide()
