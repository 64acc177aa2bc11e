"""`tokstudio plan`: what a learnt translation makes of target tokens, beside another one."""

import argparse
from pathlib import Path

from tokstudio.cli.output import emit_json, say
from tokstudio.errors import InputError

HELP = "show which source tokens a learnt translation makes target tokens of"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", type=Path, help="the plan.safetensors of an S2T2 run")
    parser.add_argument("--source", required=True, help="the source tokenizer's reference")
    parser.add_argument("--target", required=True, help="the target tokenizer's reference")
    parser.add_argument(
        "--before", type=Path, help="another plan of the same pair, e.g. plan-start.safetensors"
    )
    parser.add_argument(
        "--text", default="", help="show the tokens of this text; else the most frequent ones"
    )
    parser.add_argument("--tokens", type=int, default=20, help="how many tokens (%(default)s)")
    parser.add_argument("--sources", type=int, default=5, help="how many sources of each (%(default)s)")
    parser.add_argument(
        "--end", choices=("input", "output"), default="input", help="where each end has a plan of its own"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.transfer.plan import load_plan

    if args.tokens < 1 or args.sources < 1:
        raise InputError("--tokens and --sources count tokens.", hint="Give 1 or more.")
    source, target = load_tokenizer(args.source), load_tokenizer(args.target)
    plans = {"now": load_plan(args.plan)} | ({"before": load_plan(args.before)} if args.before else {})
    for plan in plans.values():
        plan.check(source, target)
    plan = plans["now"]
    if args.text:
        chosen = list(dict.fromkeys(target.encode(args.text).ids.tolist()))[: args.tokens]
    else:
        chosen = (-plan.mass).argsort(kind="stable")[: args.tokens].tolist()
    rows = [
        {
            "token": token,
            "text": _text(target, token),
            **{
                name: [
                    {"token": s, "text": _text(source, s), "share": w}
                    for s, w in p.top(token, args.sources, args.end)
                ]
                for name, p in plans.items()
            },
        }
        for token in chosen
    ]
    if args.json:
        emit_json({"entries_per_row": float(plan.rows(args.end).counts.mean()), "rows": rows})
        return 0
    for row in rows:
        for name in ("before", "now"):
            if name in row:
                shares = "  ".join(f"{s['text']!r} {s['share']:.4f}" for s in row[name])
                say(f"{row['text']!r:<20} {name if args.before else '':<7}{shares}")
    return 0


def _text(tokenizer, token: int) -> str:
    data = tokenizer.token_bytes(token)
    if data is None:
        return next((content for content, i in tokenizer.special_tokens.items() if i == token), f"#{token}")
    return data.decode("utf-8", "backslashreplace")
