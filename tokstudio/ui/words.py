"""Sizes, times and durations as people read them."""

import time

from tokstudio.runs.clock import duration

__all__ = ["clock", "counted", "duration", "size"]

UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """Bytes in powers of 1,000, three digits: 612 MB, 20.7 GB, 1 GB."""
    power = 0
    while abs(count) >= 999.5 and power < len(UNITS) - 1:
        count /= 1000
        power += 1
    digits = 0 if power == 0 or abs(count) >= 100 or abs(count - round(count)) < 1e-9 else 1
    return f"{count:.{digits}f} {UNITS[power]}"


def clock(at: float, seconds: bool = False) -> str:
    """`at` in seconds since the epoch, as local time."""
    return time.strftime("%H:%M:%S" if seconds else "%H:%M", time.localtime(at))


def counted(number: int, noun: str) -> str:
    """1 run, 7 runs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
