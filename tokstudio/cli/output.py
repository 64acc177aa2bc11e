"""What commands print: one JSON object on stdout, or lines for people; progress goes to stderr."""

import json
import sys
from typing import Any


def emit_json(value: Any) -> None:
    """Exactly one JSON object on stdout, and nothing else there."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")


def note(line: str) -> None:
    """A remark beside the result: stderr, so that stdout stays the result alone."""
    sys.stderr.write(line + "\n")


class Progress:
    """A progress bar on stderr; silent where stderr is no terminal.

    >>> with Progress("Training", total=10) as bar:
    ...     bar.update(3, "loss 4.1")
    """

    def __init__(self, title: str, total: int, *, timed: bool = True):
        """`timed`: with what has passed and what is left, by its own clock; else `remark` of `update` tells of it."""
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # its watchdog thread would outlive the bar
        self._bar = tqdm(
            total=total,
            desc=title,
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
            leave=False,
            bar_format=None if timed else "{l_bar}{bar}| {n_fmt}/{total_fmt}{postfix}",
        )

    def update(self, done: int, remark: str = "") -> None:
        """`done` counts from the start, not from the last call."""
        self._bar.set_postfix_str(remark, refresh=False)
        self._bar.n = done
        self._bar.refresh()

    def resize(self, total: int) -> None:
        self._bar.total = total

    def say(self, line: str) -> None:
        """A line above the bar, which stays where it is."""
        self._bar.write(line, file=sys.stderr)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()
