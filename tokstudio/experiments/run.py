"""Run every arm with every seed, each in a folder of its own; what is finished is read, what was cut off resumed."""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokstudio.errors import ConfigError
from tokstudio.events import Metrics, Report, Stopped
from tokstudio.experiments.base import Design, Prepared, design_of
from tokstudio.experiments.folder import same_settings, write
from tokstudio.train.control import Control, NoControl
from tokstudio.train.settings import to_dict


def run(
    config: Any,
    folder: Path,
    tell: Callable[[str], None] = lambda line: None,
    control: Control | None = None,
) -> dict[str, Any] | None:
    """The result, also written to `result.json`, `table.md` and `curves.svg`; None where a stop was asked for."""
    from tokstudio.experiments.picture import curves_svg

    design = design_of(config)
    arms = _arms(design, config)
    folder.mkdir(parents=True, exist_ok=True)
    same_settings(config, folder, loose={"seeds", "arms", "threads"})
    prepared = design.prepare(config, folder)
    results: dict[str, list[dict[str, Any]]] = {arm.name: [] for arm in arms}
    for seed in range(config.seeds):
        for arm in arms:
            told = folder / f"{arm.name}-{seed}"
            done = _one(design, config, arm, prepared, told, seed, tell, control or NoControl())
            if done is None:
                return None
            results[arm.name].append(done)
    result = _result(design, config, prepared, results)
    write(folder / "result.json", json.dumps(result, indent=1))
    write(folder / "table.md", table(result))
    write(folder / "curves.svg", curves_svg(result))
    return result


def _arms(design: Design, config: Any) -> list[Any]:
    if unknown := [name for name in config.arms if name not in design.arms]:
        raise ConfigError(f"There is no arm {unknown[0]!r}.", hint=f"Known: {', '.join(design.arms)}.")
    design.check(config)
    return [design.arms[name] for name in (config.arms or tuple(design.arms))]


def _one(
    design: Design,
    config: Any,
    arm: Any,
    prepared: Prepared,
    folder: Path,
    seed: int,
    tell,
    control: Control,
) -> dict[str, Any] | None:
    finished = folder / "result.json"
    if finished.exists():
        return json.loads(finished.read_text())
    from tokstudio.train.transfer import run as transfer

    folder.mkdir(parents=True, exist_ok=True)
    settings = design.transfer(config, arm, prepared, seed)
    shared = folder.parent / "baseline.json"
    known = json.loads(shared.read_text()) if design.one_start and shared.exists() else None
    curve_file = folder / "curve.json"
    curve = json.loads(curve_file.read_text()) if curve_file.exists() else {}
    report: dict[str, Any] = {}
    tell(f"{arm.title}, seed {seed}")
    for event in transfer(settings, folder, control, bool(curve), known):
        report = event.values if isinstance(event, Report) else report
        if isinstance(event, Metrics) and "bits_per_byte" in event.values:
            curve[str(event.step)] = {k: v for k, v in event.values.items() if _curved(k)}
            write(curve_file, json.dumps(curve))
            tell(f"  step {event.step}: {event.values['bits_per_byte']:.4f} bits per byte")
        if isinstance(event, Stopped):
            return None
    if design.one_start and known is None:
        write(shared, (folder / "baseline.json").read_text())
    done = _summary(arm, report, curve) | dict(design.after(config, prepared, folder))
    write(finished, json.dumps(done, indent=1))
    return done


def _curved(name: str) -> bool:
    return name == "bits_per_byte" or name.startswith("plan/")


def _summary(arm: Any, report: dict[str, Any], curve: dict[str, Any]) -> dict[str, Any]:
    told = report.get("translation", {})
    return {
        "arm": arm.name,
        "source": report["source"]["bits_per_byte"],
        "start": report["initialized"]["bits_per_byte"],
        "translated": told.get("bits_per_byte"),
        "plan": {name: value for name, value in told.items() if name.startswith("plan/")},
        "end": report["trained"]["bits_per_byte"],
        "tokens_per_byte": report["tokens_target"] / report["held_out_bytes"],
        "curve": curve,
    }


def _result(
    design: Design, config: Any, prepared: Prepared, results: dict[str, list[dict]]
) -> dict[str, Any]:
    arms = {
        name: {"title": design.arms[name].title, **_spread(design, runs), "runs": runs}
        for name, runs in results.items()
    }
    return {
        "experiment": config.name,
        "settings": to_dict(config),
        "stages": dict(design.stages),
        "references": {**prepared.references, **_sources(design, results)},
        "arms": arms,
    }


def _sources(design: Design, results: dict[str, list[dict]]) -> dict[str, float]:
    """The source model with its own tokenizer, where all arms start from one."""
    runs = [run for runs in results.values() for run in runs] if design.one_start else []
    return {"source model": runs[0]["source"]} if runs else {}


def _spread(design: Design, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over seeds of each stage's figure."""
    found: dict[str, Any] = {}
    for stage in design.stages:
        values = [run[stage] for run in runs if run.get(stage) is not None]
        deviation = statistics.stdev(values) if len(values) > 1 else None
        found[stage] = {"mean": statistics.fmean(values), "deviation": deviation} if values else None
    return found


def table(result: dict[str, Any]) -> str:
    """Markdown, best end first."""
    stages = result["stages"]
    lines = [
        f"Bits per byte of held-out text, {_seeds(result)}, {result['settings']['steps']} steps.",
        "",
        f"| arm | {' | '.join(stages.values())} |",
        f"| --- | {' | '.join('---' for _ in stages)} |",
    ]
    for arm in sorted(result["arms"].values(), key=lambda arm: arm["end"]["mean"]):
        lines.append(f"| {arm['title']} | {' | '.join(_cell(arm[stage]) for stage in stages)} |")
    lines += ["", *(f"{name}: {value:.4f}" for name, value in result["references"].items())]
    return "\n".join(lines) + "\n"


def _seeds(result: dict[str, Any]) -> str:
    count = result["settings"]["seeds"]
    return f"{count} {'seed' if count == 1 else 'seeds'}"


def _cell(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "-"
    deviation = figure["deviation"]
    return f"{figure['mean']:.4f}" + ("" if deviation is None else f" ± {deviation:.4f}")
