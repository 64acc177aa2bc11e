"""How much of what a new tokenizer cost was won back by training, in words where a percentage says nothing.

A share of a gap that is hardly there is noise over noise, and beyond the source there is no gap left to close.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SMALL = 0.01  # of the source's bits per byte: a start that is no further away is as good


@dataclass(frozen=True)
class Gap:
    """`share`: 1 is back at the source; None where the start was as good. `value` and `words` are for people."""

    share: float | None
    value: str
    words: str

    def sentence(self) -> str:
        return f"{self.value} {self.words}" if self.value.endswith("%") else f"{self.value}: {self.words}"


def gap_of(report: Mapping[str, Any]) -> Gap | None:
    """From the bits per byte of a report; None where one is missing, or where no tokenizer was changed."""
    found = [_bits(report, key) for key in ("source", "initialized", "trained")]
    settings = report.get("settings")
    if None in found or (isinstance(settings, Mapping) and _kept(settings)):
        return None
    source, start, end = found
    if start - source <= SMALL * source:
        better = start < source * (1 - SMALL)
        return Gap(None, "no gap", f"the start was {'better than' if better else 'as good as'} the original")
    share = (start - end) / (start - source)
    if share > 1.005:
        return Gap(share, "all of it", f"{_percent(1 - end / source)} better than the original")
    if share < -0.005:
        return Gap(share, "nothing", f"{_percent(end / start - 1)} worse than the start")
    return Gap(share, f"{abs(100 * share):.0f} %", "of the way back to the original")


def _bits(report: Mapping[str, Any], key: str) -> Any:
    part = report.get(key)
    value = part.get("bits_per_byte") if isinstance(part, Mapping) else None
    return value if isinstance(value, int | float) and value > 0 else None


def _kept(settings: Mapping[str, Any]) -> bool:
    return "model" in settings and _plain(settings["model"]) == _plain(settings.get("tokenizer"))


def _plain(reference: Any) -> str:
    return str(reference).rstrip("/\\")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if abs(share) < 0.1 else f"{100 * share:,.0f} %"
