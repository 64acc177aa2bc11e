"""`tokstudio compare … --data PATH`: tokenizers on a corpus."""

import argparse
import sys

from tokstudio.cli.output import Progress, note, say
from tokstudio.errors import InputError

FORMATS = ("json", "csv", "markdown", "latex")


def add_corpus_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("on a corpus")
    group.add_argument("--data", help="a text, JSON-lines, Parquet or Arrow file, or a folder of them")
    group.add_argument("--by", default="auto", metavar="HOW",
                       help="groups: none, file, folder, language, or the name of a field (%(default)s)")  # fmt: skip
    group.add_argument("--text-field", metavar="NAME", help="the field with the text")
    group.add_argument("--alpha", type=float, default=2.5, help="order of Renyi's entropy (%(default)s)")
    group.add_argument(
        "--all-words", action="store_true", help="look at the words of all texts, not of a sample"
    )
    group.add_argument(
        "--words", nargs="?", type=int, const=20, metavar="N", help="list what causes a figure"
    )
    group.add_argument("--metric", default="fertility", help="the figure that --words explains (%(default)s)")
    group.add_argument("--group", help="the group that --words explains; without it all together")
    group.add_argument("--processes", type=int, metavar="N", help="how many count at once (one a core)")
    for kind in FORMATS[1:]:
        group.add_argument(f"--{kind}", action="store_true", help=f"print the figures as {kind}")


def run_corpus(args: argparse.Namespace) -> int:
    from tokstudio.tokens.corpus.report import as_text

    chosen = [kind for kind in FORMATS if getattr(args, kind)]
    if len(chosen) > 1:
        raise InputError("One format at a time.", hint=f"Choose one of --{' --'.join(chosen)}.")
    if args.alpha < 0 or (args.processes is not None and args.processes < 1):
        raise InputError("--alpha cannot be below 0, nor --processes below 1.", hint="Leave them out.")
    last = _counted(args)
    result = last.tally.result()
    result |= {
        "data": args.data,
        "seconds": last.seconds,
        "bytes_per_second": last.rate,
        "repaired": last.repaired,
    }
    if args.words is not None:
        result["causes"] = _causes(last.tally, args)
    if chosen:
        sys.stdout.write(as_text(result, chosen[0]))
    else:
        _show(result)
    if last.repaired:
        note(f"{last.repaired:,} pieces are no UTF-8; what could not be read was replaced.")
    return 0


def _counted(args: argparse.Namespace):
    from tokstudio.tokens.corpus.run import Request, compare_corpus

    request = Request(
        tuple(args.references),
        args.data,
        args.by,
        args.text_field,
        args.alpha,
        args.all_words,
        args.processes,
    )
    with Progress("Counting", 1) as bar:
        for progress in compare_corpus(request):
            bar.resize(progress.size)
            bar.update(progress.done, f"{progress.rate / 1e6:.1f} MB/s")
    return progress


def _causes(tally, args: argparse.Namespace) -> list[dict]:
    from tokstudio.tokens.corpus.causes import causes

    return [causes(tally, k, args.metric, args.group, args.words).as_json() for k in range(tally.k)]


def _show(result: dict) -> None:
    from tokstudio.tokens.corpus.report import columns, shown
    from tokstudio.tokens.corpus.tally import METRICS

    keys = columns(result)
    rows = [(row["name"], row) for row in result["tokenizers"]]
    _grid("tokenizer", [METRICS[key].title for key in keys],
          [(name, [shown(key, row.get(key)) for key in keys]) for name, row in rows])  # fmt: skip
    if result["groups"]:
        say()
        _grid("bytes / token", [name for name, _ in rows],
              [(group, [shown("bytes_per_token", row["groups"][group]["bytes_per_token"]) for _, row in rows])
               for group in result["groups"]])  # fmt: skip
    for found in result.get("causes", ()):
        say()
        say(f"{found['tokenizer']}: {found['note'].lower()}")
        for row in found["rows"]:
            share = "" if row["share"] is None else f"{100 * row['share']:6.2f} %"
            say(f"{row['count']:>9,} {row['tokens']:>9,} {share:>9}  {row['text']!r}")
    note(
        f"{result['bytes']:,} bytes in {result['texts']:,} texts, {result['bytes_per_second'] / 1e6:.1f} MB/s; "
        f"words from {result['words_from_bytes']:,} bytes"
    )


def _grid(first: str, head: list[str], rows: list[tuple[str, list[str]]]) -> None:
    wide = max(len(first), *(len(name) for name, _ in rows))
    widths = [max(len(title), *(len(cells[at]) for _, cells in rows)) for at, title in enumerate(head)]
    say(f"{first:<{wide}}  " + "  ".join(f"{t:>{w}}" for t, w in zip(head, widths, strict=True)))
    for name, cells in rows:
        say(f"{name:<{wide}}  " + "  ".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))
