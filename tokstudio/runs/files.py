"""Small files that are whole or absent, whoever reads them and whenever the power goes."""

import errno
import json
import os
from pathlib import Path
from typing import Any

from tokstudio.errors import RunError, TokstudioError


def write_atomic(path: Path, text: str) -> None:
    """A reader sees the text before or the text after, never a part. The name carries the process id, so two
    writers cannot take each other's half-written file."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`, or {} where there is no such file or it holds something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def is_disk_full(error: BaseException) -> bool:
    """Also true for libraries that wrap the system's error in one of their own and keep only its words."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "no space left on device" in str(error).lower()


def folder_error(folder: Path, error: OSError) -> TokstudioError:
    """The sentence for a folder that cannot be written."""
    if is_disk_full(error):
        return RunError(
            f"The disk that holds {folder} is full.",
            hint="Free some space, or set TOKSTUDIO_HOME to a folder on another disk.",
        )
    return RunError(
        f"The runs folder {folder} cannot be written: {error.strerror or error}.",
        hint="Give yourself the right to write there, or set TOKSTUDIO_HOME to a folder where you have it.",
    )
