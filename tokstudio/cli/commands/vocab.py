"""`tokstudio vocab REF [QUERY]`: a vocabulary searched, checked, and laid over others, without a window."""

import argparse
from collections.abc import Generator

import numpy as np

from tokstudio.cli.output import Progress, emit_json, say

HELP = "search, check and compare vocabularies"
SHOWN = 50
MISSING = {  # what a query may ask for -> the option that makes it
    "count": "Give --count PATH.",
    "cut": "Give --diff REF.",
    "in": "Give --diff REF.",
    "health": "Give --health.",
    "norm": "Norms of rows can be asked for in the window.",
}
INTERMIXED = True  # the query may stand behind the options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reference", help="tiktoken:cl100k_base, bytes, demo:english, bert-base-uncased, or a file or folder"
    )
    parser.add_argument(
        "query", nargs="?", default="",
        help="e.g. 'len:>8 script:Cyrl type:word-start re:^\\s+$ count:0 id:>100 has:space -ing'; "
        "with --diff also 'in:only cut:>3'",
    )  # fmt: skip
    parser.add_argument(
        "--diff", metavar="REF", action="append", default=[], help="another vocabulary; up to two times"
    )
    parser.add_argument(
        "--health", action="store_true", help="look for tokens that no text gives, and the like"
    )
    parser.add_argument(
        "--count", metavar="PATH", action="append", default=[], help="count tokens in these texts"
    )
    parser.add_argument(
        "--needs", metavar="ID", type=int, help="which tokens had to exist before this one (BPE)"
    )
    parser.add_argument(
        "--limit", type=int, default=SHOWN, metavar="N", help=f"tokens listed at most ({SHOWN})"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from tokstudio.embed.jobs import State
    from tokstudio.embed.vocabulary_jobs import JOBS, known
    from tokstudio.errors import InputError
    from tokstudio.tokens.vocab_query import Unanswered

    if len(args.diff) > 2:
        raise InputError("At most three vocabularies are laid over each other.", hint="Give --diff twice.")
    state = State()

    def ask(job: str, **arguments):
        return _finish(JOBS[job][0](state, reference=args.reference, **arguments), job)

    about = _finish(known(state, args.reference), "Reading")
    names = about.vocabulary
    result: dict = {**names.about, "tokens": len(names)}
    if args.count:
        counted = ask("vocab_count", paths=args.count)
        result["counted"] = {"bytes": counted.values["bytes"], "tokens": counted.values["tokens"]}
    if args.health:
        result["health"] = ask("vocab_health").values
    if args.diff:
        result["diff"] = ask("vocab_compare", others=args.diff).values
        if "cut:" in args.query:
            result["diff"]["cut"] = ask("vocab_cuts", other=args.diff[0]).values
    if args.needs is not None:
        result["needs"] = _needs(args, ask, names)
    try:
        mask = np.unpackbits(ask("vocab_find", query=args.query).arrays["mask"], count=len(names)).astype(
            bool
        )
    except Unanswered as error:
        raise InputError(str(error), hint=MISSING.get(error.missing, "")) from None
    ids = np.flatnonzero(mask)
    result |= {"query": args.query, "found": len(ids)}
    if args.query or not (args.health or args.diff or args.needs is not None):
        result["list"] = [_row(about, int(i)) for i in ids[: max(0, args.limit)]]
    emit_json(result) if args.json else _say(result)
    return 0


def _needs(args: argparse.Namespace, ask, names) -> dict:
    from tokstudio.tokens.base import checked_one

    values = ask("vocab_play", token=checked_one(args.needs, len(names))).values
    steps = values["words"][0]["steps"]
    return {
        "id": args.needs,
        "token": names.text(args.needs),
        "reached": values["tree"] is not None,
        "before": [{"id": i, "token": names.text(i)} for i in values["needed"]],
        "steps": [{"rank": s["rank"], "pieces": [names.text(i) for i in s["pieces"]]} for s in steps],
    }


def _row(about, token: int) -> dict:
    from tokstudio.embed.vocabulary import KINDS
    from tokstudio.tokens.vocab_scripts import NAMES

    names, queried = about.vocabulary, about.queried
    row = {
        "id": token,
        "token": names.text(token),
        "bytes": names.bytes_of(token).hex(),
        "length": int(names.lengths[token]),
        "type": KINDS[names.kinds[token]],
        "script": NAMES[queried.scripts[token]],
    }
    return row | {
        key: float(v[token]) if key == "norm" else int(v[token])
        for key, v in queried.numbers.items()
        if v[token] == v[token]  # no number of pieces for what is no text
    }


def _say(result: dict) -> None:
    say(f"{result['name']}, {result['algorithm']}, {result['tokens']:,} tokens")
    if health := result.get("health"):
        found = ", ".join(f"{count:,} {key}" for key, count in health["counts"].items())
        say(f"checked {health['tried']:,}: {found}, {health['partial']:,} parts of characters")
        if health["missing_bytes"]:
            say(f"bytes without a token: {' '.join(f'{byte:02x}' for byte in health['missing_bytes'])}")
        if health["clashes"]:
            say(f"special tokens that are also text: {' '.join(health['clashes'])}")
    for other in result.get("diff", {}).get("others", ()):
        say(
            f"{other['name']}: {other['both']:,} in both, {other['only_there']:,} only there, "
            f"{other['same_id']:,} with the same id"
        )
    if cut := result.get("diff", {}).get("cut"):
        sums = {fate: sum(row[at] for row in cut["here"]) for at, fate in enumerate(cut["fates"])}
        say(
            f"in {cut['other']['name']}: {sums['same']:,} the same, {sums['one']:,} one of other bytes, "
            f"{sums['two']:,} cut in 2, {sums['three']:,} in 3, {sums['more']:,} in more, "
            f"{sums['none']:,} not written, {sums['part']:,} partial UTF-8"
        )
    if "diff" in result:
        say(f"only in {result['name']}: {result['diff']['only']:,}")
    if needs := result.get("needs"):
        _say_needs(needs)
    if "list" in result:
        for row in result["list"]:
            count = f"{row['count']:>9,}" if "count" in row else ""
            say(
                f"{row['id']:>8}  {row['length']:>3}  {row['type']:<13} {row['script']:<11}{count} {row['token']!r}"
            )
        say(f"{result['found']:,} found")


def _say_needs(needs: dict) -> None:
    if not needs["reached"]:
        say(f"{needs['token']!r} is not made by merging its own pieces.")
    for step in needs["steps"]:
        say(f"  rank {step['rank']:>7}  {' '.join(repr(piece) for piece in step['pieces'])}")
    say(f"{len(needs['before'])} tokens had to exist before {needs['token']!r}:")
    say("  " + " ".join(repr(row["token"]) for row in needs["before"]))


def _finish(steps: Generator, title: str):
    with Progress(title.removeprefix("vocab_").capitalize(), 1000) as bar:
        while True:
            try:
                news = next(steps)
            except StopIteration as end:
                return end.value
            if isinstance(news, float):
                bar.update(int(1000 * news))
