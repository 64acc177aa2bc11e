"""What is painted, as a file: PNG at twice the size of the screen, SVG as lines and text; each says its origin."""

import json
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

SHARP = 2  # pixels of a PNG for one on the screen
DOTS = 96  # pixels of an inch, as in CSS: else the picture grows by a third
Paint = Callable[[QPainter], object]


def save_png(path: Path, size: QSize, ground: QColor, paint: Paint, about: dict) -> None:
    """Raises OSError."""
    image = QImage(size * SHARP, QImage.Format_ARGB32)
    if image.isNull():
        raise OSError(0, "there is no memory for a picture of this size")
    image.setDevicePixelRatio(SHARP)
    image.fill(ground)
    painter = QPainter(image)
    paint(painter)
    painter.end()
    for key, value in about.items():
        image.setText(key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    raw, buffer = _buffer()
    image.save(buffer, "PNG")
    path.write_bytes(raw.data())


def save_svg(path: Path, size: QSize, title: str, paint: Paint, about: dict) -> None:
    """Raises OSError."""
    raw, buffer = _buffer()
    made = QSvgGenerator()
    made.setOutputDevice(buffer)
    made.setResolution(DOTS)
    made.setSize(size)
    made.setViewBox(QRect(0, 0, size.width(), size.height()))
    made.setTitle(title)
    made.setDescription(json.dumps(about, ensure_ascii=False))
    painter = QPainter(made)
    paint(painter)
    painter.end()
    path.write_bytes(raw.data())


def _buffer() -> tuple[QByteArray, QBuffer]:
    raw = QByteArray()
    buffer = QBuffer(raw)
    buffer.open(QIODevice.WriteOnly)
    return raw, buffer
