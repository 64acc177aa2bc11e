"""What a person can send when a run went wrong. The home folder's name is taken out."""

import platform
from pathlib import Path

from tokstudio import __version__
from tokstudio.events import Failed
from tokstudio.runs.store import RunInfo
from tokstudio.ui.run_cards.log import line
from tokstudio.ui.run_cards.watch import Watch

LINES = 40


def report(watch: Watch, info: RunInfo) -> str:
    ended = watch.state.ended
    detail = ended.detail if isinstance(ended, Failed) else ""
    config = info.folder / "config.toml"
    parts = [
        f"Tokstudio {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"Run {info.name} ({info.kind}), {info.state}, step {info.step} of {info.total_steps}",
        f"{getattr(ended, 'message', '')}\n{getattr(ended, 'hint', '')}".strip(),
        detail.strip(),
        "\n".join("  ".join(line(event)) for event in list(watch.state.history)[-LINES:]),
        config.read_text(encoding="utf-8", errors="replace") if config.exists() else "",
    ]
    return "\n\n".join(part for part in parts if part).replace(str(Path.home()), "~") + "\n"
