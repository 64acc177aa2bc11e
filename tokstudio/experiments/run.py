"""Run every arm with every seed, each in a folder of its own; what is finished is read, what was cut off resumed."""

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokstudio.errors import ConfigError
from tokstudio.events import Metrics, Report, Stopped
from tokstudio.experiments.config import ARMS, Arm, ExperimentConfig, transfer_config
from tokstudio.experiments.data import write_corpus
from tokstudio.experiments.references import references
from tokstudio.train.control import Control, NoControl
from tokstudio.train.settings import to_dict, to_toml


@dataclass(frozen=True)
class Prepared:
    corpus: str
    target: str
    references: dict[str, float]


def run(
    config: ExperimentConfig,
    folder: Path,
    tell: Callable[[str], None] = lambda line: None,
    control: Control | None = None,
) -> dict[str, Any] | None:
    """The result, also written to `result.json`, `table.md` and `curves.svg`; None where a stop was asked for."""
    from tokstudio.experiments.picture import curves_svg

    arms = _arms(config)
    folder.mkdir(parents=True, exist_ok=True)
    _same_settings(config, folder)
    prepared = _prepare(config, folder)
    results: dict[str, list[dict[str, Any]]] = {arm.name: [] for arm in arms}
    for seed in range(config.seeds):
        for arm in arms:
            done = _one(
                config, arm, prepared, folder / f"{arm.name}-{seed}", seed, tell, control or NoControl()
            )
            if done is None:
                return None
            results[arm.name].append(done)
    result = _result(config, prepared, results)
    _write(folder / "result.json", json.dumps(result, indent=1))
    _write(folder / "table.md", table(result))
    _write(folder / "curves.svg", curves_svg(result))
    return result


def _arms(config: ExperimentConfig) -> list[Arm]:
    if unknown := [name for name in config.arms if name not in ARMS]:
        raise ConfigError(f"There is no arm {unknown[0]!r}.", hint=f"Known: {', '.join(ARMS)}.")
    if config.translation_steps >= config.steps:
        raise ConfigError(
            f"Of {config.steps} steps, {config.translation_steps} cannot be the translation's.",
            hint="Give more steps, or fewer translation_steps.",
        )
    return [ARMS[name] for name in (config.arms or tuple(ARMS))]


def _same_settings(config: ExperimentConfig, folder: Path) -> None:
    """A folder is resumed only with the settings it was begun with; more seeds or arms may follow."""
    path, loose = folder / "config.toml", {"seeds", "arms", "threads"}
    if path.exists():
        from tokstudio.train.settings import load_toml

        before, now = to_dict(load_toml(ExperimentConfig, path)), to_dict(config)
        changed = [name for name in now if now[name] != before[name] and name not in loose]
        if changed:
            raise ConfigError(
                f"{folder} was begun with another {changed[0]}.", hint="Name another --output folder."
            )
    path.write_text(to_toml(config), encoding="utf-8")


def _prepare(config: ExperimentConfig, folder: Path) -> Prepared:
    """The corpus, the target tokenizer learnt from its training part, and the reference figures."""
    from tokstudio.tokens.train import train_bpe
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.data import held_out_windows

    path = write_corpus(config.kind, config.data, folder / "corpus.jsonl", limit=config.data_bytes)
    corpus = load_corpus(str(path))
    target = folder / "target"
    if not (target / "tokenizer_config.json").exists():
        train_bpe((d.text for d in corpus.train), target, vocab_size=config.vocabulary)
    known = folder / "references.json"
    if not known.exists():
        held_out = held_out_windows(
            corpus.held_out, window_bytes=config.window_bytes, total_bytes=config.held_out_bytes
        )
        _write(known, json.dumps(references([d.text for d in corpus.train], held_out), indent=1))
    return Prepared(str(path), str(target), json.loads(known.read_text()))


def _one(
    config: ExperimentConfig, arm: Arm, prepared: Prepared, folder: Path, seed: int, tell, control: Control
) -> dict[str, Any] | None:
    finished = folder / "result.json"
    if finished.exists():
        return json.loads(finished.read_text())
    from tokstudio.train.transfer import run as transfer

    folder.mkdir(parents=True, exist_ok=True)
    settings = transfer_config(config, arm, corpus=prepared.corpus, target=prepared.target, seed=seed)
    curve_file = folder / "curve.json"
    curve = json.loads(curve_file.read_text()) if curve_file.exists() else {}
    report: dict[str, Any] = {}
    tell(f"{arm.title}, seed {seed}")
    for event in transfer(settings, folder, control, bool(curve)):
        report = event.values if isinstance(event, Report) else report
        if isinstance(event, Metrics) and "bits_per_byte" in event.values:
            curve[str(event.step)] = {k: v for k, v in event.values.items() if _curved(k)}
            _write(curve_file, json.dumps(curve))
            tell(f"  step {event.step}: {event.values['bits_per_byte']:.4f} bits per byte")
        if isinstance(event, Stopped):
            return None
    done = _summary(arm, report, curve)
    _write(finished, json.dumps(done, indent=1))
    return done


def _curved(name: str) -> bool:
    return name == "bits_per_byte" or name.startswith("plan/")


def _summary(arm: Arm, report: dict[str, Any], curve: dict[str, Any]) -> dict[str, Any]:
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


def _result(config: ExperimentConfig, prepared: Prepared, results: dict[str, list[dict]]) -> dict[str, Any]:
    arms = {
        name: {"title": ARMS[name].title, **_spread(runs), "runs": runs} for name, runs in results.items()
    }
    return {
        "experiment": config.name,
        "settings": to_dict(config),
        "references": prepared.references,
        "arms": arms,
    }


def _spread(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over seeds of each stage's figure."""
    found: dict[str, Any] = {}
    for stage in ("start", "translated", "end"):
        values = [run[stage] for run in runs if run[stage] is not None]
        deviation = statistics.stdev(values) if len(values) > 1 else None
        found[stage] = {"mean": statistics.fmean(values), "deviation": deviation} if values else None
    return found


def table(result: dict[str, Any]) -> str:
    """Markdown, best end first."""
    lines = [
        f"Bits per byte of held-out text, {result['settings']['seeds']} seeds, {result['settings']['steps']} steps.",
        "",
        "| arm | start | translated | end |",
        "| --- | --- | --- | --- |",
    ]
    for arm in sorted(result["arms"].values(), key=lambda arm: arm["end"]["mean"]):
        cells = " | ".join(_cell(arm[stage]) for stage in ("start", "translated", "end"))
        lines.append(f"| {arm['title']} | {cells} |")
    lines += ["", *(f"{name}: {value:.4f}" for name, value in result["references"].items())]
    return "\n".join(lines) + "\n"


def _cell(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "-"
    deviation = figure["deviation"]
    return f"{figure['mean']:.4f}" + ("" if deviation is None else f" ± {deviation:.4f}")


def _write(path: Path, text: str) -> None:
    draft = path.with_name("." + path.name)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
