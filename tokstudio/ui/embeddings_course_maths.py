"""The numbers behind the checkpoints view: what changed in the folder, quantiles, bins, words. No Qt here."""

from pathlib import Path

import numpy as np


def marks(folder: Path) -> tuple:
    """(name, nanoseconds) of each complete checkpoint and of the export: differs once one came or went."""
    found = []
    for place in (*folder.glob("checkpoints/step-*/state.json"), folder / "export" / "model.safetensors"):
        try:
            found.append((str(place), place.stat().st_mtime_ns))
        except OSError:
            continue
    return tuple(sorted(found))


def named(stop: dict) -> str:
    return "Export" if stop["step"] is None else f"Step {stop['step']:,}"


def percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:,.0f} %"


def over(values: np.ndarray, share: float) -> np.ndarray:
    """The quantile of each row, NaN where it has nothing."""
    found = np.full(len(values), np.nan)
    for place, row_ in enumerate(values):
        known = row_[np.isfinite(row_)]
        if len(known):
            found[place] = np.quantile(known, share)
    return found


def bins(values: np.ndarray, count: int = 40) -> np.ndarray:
    """In per cent, the same for every checkpoint, so that playing shows rows move and not the axis."""
    known = values[np.isfinite(values)]
    last = 100 * float(np.quantile(known, 0.995)) if len(known) else 1.0
    return np.linspace(0, last or 1.0, count + 1)
