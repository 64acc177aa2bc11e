"""`tokstudio bench`: measure what the program promises, on this machine."""

import argparse
from typing import Any

from tokstudio.bench.base import BENCHMARKS, Benchmark, Figure, machine
from tokstudio.cli.output import emit_json, say
from tokstudio.errors import InputError

QUICK = 2  # repetitions
HELP = "measure speed and memory against the targets"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a benchmark, or `all`; without one they are listed")
    parser.add_argument(
        "--repeat", type=int, default=5, metavar="N", help="how often each thing is done (%(default)s)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="each thing twice, and without the cases that take minutes"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="how long `tour` works in the window (1; at least one round)",
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 where a target is missed")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if args.repeat < 1:
        raise InputError(f"--repeat {args.repeat} measures nothing.", hint="Give 1 or more.")
    if args.minutes is not None:
        if not 0 <= args.minutes <= 600:
            raise InputError(f"--minutes {args.minutes:g} is no length.", hint="Give 0 to 600.")
        from tokstudio.bench.tour import Length

        Length.seconds = 60 * args.minutes
    if args.name is None:
        return list_all(args)
    repeat = min(args.repeat, QUICK) if args.quick else args.repeat
    results = {entry.name: list(entry.measure(repeat)) for entry in chosen(args.name)}
    met = all(figure.met is not False for figures in results.values() for figure in figures)
    if args.json:
        emit_json(report(results, met))
    else:
        for name, figures in results.items():
            show(name, figures)
    return 1 if args.check and not met else 0


def list_all(args: argparse.Namespace) -> int:
    if args.check:
        raise InputError("--check needs something to measure.", hint="Name a benchmark, or `all`.")
    if args.json:
        emit_json({"benchmarks": {name: BENCHMARKS[name].title for name in BENCHMARKS}})
    else:
        for name in BENCHMARKS:
            say(f"{name:<12} {BENCHMARKS[name].title}")
    return 0


def chosen(name: str) -> list[Benchmark]:
    if name == "all":
        return [BENCHMARKS[each] for each in BENCHMARKS]
    if name not in list(BENCHMARKS):
        raise InputError(
            f"There is no benchmark {name!r}.", hint=f"Try one of: {', '.join(BENCHMARKS)}, all."
        )
    return [BENCHMARKS[name]]


def report(results: dict[str, list[Figure]], met: bool) -> dict[str, Any]:
    """One benchmark: its name and figures. Several: the same under `benchmarks`, one entry a name."""
    parts = [
        {"benchmark": name, "figures": [f.as_json() for f in figures]} for name, figures in results.items()
    ]
    whole = parts[0] if len(parts) == 1 else {"benchmarks": parts}
    return whole | {"met": met, "machine": machine()}


def show(name: str, figures: list[Figure]) -> None:
    say(name)
    for figure in figures:
        verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
        target = "" if figure.target is None else f"target {figure.target:g} {figure.unit}"
        value = f"{figure.value:>10g} {figure.unit}"
        say(f"  {figure.name:<20} {value:<15} {target:<16} {verdict:<7} {figure.note}".rstrip())
