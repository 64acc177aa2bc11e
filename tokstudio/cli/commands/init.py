"""`tokstudio init`: a model with another vocabulary, loadable at once, without any training."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tokstudio.cli.output import emit_json, note, say
from tokstudio.errors import InputError

if TYPE_CHECKING:
    from tokstudio.train.student_config import RowFitConfig

HELP = "give a model another vocabulary by an initializer or a learnt plan, without training"
TEXT_BYTES = 2_000_000
METHOD = "mean-pieces"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--list", action="store_true", help="list the methods and what each needs")
    parser.add_argument("--method", default="", help=f"see --list ({METHOD})")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="apply the plan of an S2T2 run instead")
    parser.add_argument("--model", help="a model folder with its tokenizer, or demo:english")
    parser.add_argument("--target", help="a tokenizer reference with a tokenizer.json")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where the model is written")
    parser.add_argument("--texts", default="", help='texts of the domain: a file, a folder, or "python"')
    parser.add_argument("--donor", default="", help="another model that has the target tokenizer")
    parser.add_argument("--atoms", type=int, default=64, help="omp: source tokens a row (%(default)s)")
    parser.add_argument(
        "--neighbors", type=int, default=10, help="wechsel: source tokens a row (%(default)s)"
    )
    parser.add_argument(
        "--distill",
        type=int,
        metavar="STEPS",
        help="then fit new input rows to the old hidden states (token-distillation: 100 unless said)",
    )
    for role, title in (("input", "input"), ("output", "output")):
        parser.add_argument(
            f"--norm-{role}",
            choices=("none", "sources", "mean"),
            default="none",
            help=f"length of new {title} rows: as they come, of the rows behind them, or of the mean row "
            "(%(default)s)",
        )
    parser.add_argument(
        "--special",
        action="append",
        default=[],
        metavar="TARGET=SOURCE",
        help="copy a special token's row from this source token (may be repeated); nothing behind = is from none",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep-untrained", action="store_true", help="use source rows that look untrained, too"
    )
    parser.add_argument("--force", action="store_true", help="replace what is in the output folder")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    from tokstudio.transfer.base import METHODS

    if args.list:
        return _list(args)
    _check(args, list(METHODS))
    report = _initialize(args)
    if args.json:
        emit_json(report)
        return 0
    for remark in report["remarks"]:
        note(remark)
    rows = ", ".join(f"{count:,} {origin}" for origin, count in report["rows"].items() if count)
    say(f"{report['vocab_size']:,} rows: {rows}")
    for role, told in report["norms"].items():
        say(
            f"length of new {role} rows: {told['before']:.3f}, now {told['after']:.3f}; "
            f"of the source's rows {told['source']:.3f}"
        )
    if told := report["distillation"]:
        say(
            f"{told['rows']:,} rows fitted in {told['steps']:,} steps, squared distance of hidden states "
            f"{told['first']:.3g} before, {told['last']:.3g} after; {told['unreached']:,} of these tokens do not "
            "occur in the texts read"
        )
    for special in report["special_tokens"]:
        say(f"{special['token']} from {special['source'] or 'no source token'} ({special['reason']})")
    if report["untrained_source_rows"]:
        say(f"{report['untrained_source_rows']:,} source rows that look untrained were kept out")
    say(f"written to {report['output']}, what each row is made of in {Path(report['row_sources']).name}")
    say(f"reloaded, largest difference of a logit {report['check']['max_abs_logit_difference']:.1e}")
    return 0


def _list(args: argparse.Namespace) -> int:
    from tokstudio.transfer.base import METHODS

    entries = [METHODS[name] for name in METHODS]
    if args.json:
        keys = ("name", "title", "help", "paper", "needs_texts", "needs_donor")
        emit_json({"methods": [{key: getattr(entry, key) for key in keys} for entry in entries]})
        return 0
    for entry in entries:
        needs = [
            name
            for name, wanted in (("--texts", entry.needs_texts), ("--donor", entry.needs_donor))
            if wanted
        ]
        say(f"{entry.name:<16} {entry.title}{' (needs ' + ', '.join(needs) + ')' if needs else ''}")
    say("--distill STEPS   Token distillation, after any of them (needs --texts)")
    return 0


def _check(args: argparse.Namespace, methods: list[str]) -> None:
    for name in ("model", "target", "output"):
        if not getattr(args, name):
            raise InputError(f"--{name} is missing.", hint="tokstudio init --model … --target … --output …")
    if args.plan is not None:
        _check_beside_plan(args)
    elif args.method and args.method not in methods:
        raise InputError(f"There is no method {args.method!r}.", hint=f"Try one of: {', '.join(methods)}.")
    if args.atoms < 1 or args.neighbors < 1:
        raise InputError("--atoms and --neighbors count tokens.", hint="Give 1 or more.")
    if args.distill is not None and (args.distill < 0 or (args.distill and not args.texts)):
        raise InputError("--distill counts steps over texts of the domain.", hint="Add --texts FILE.")
    if args.output.exists() and not args.force:
        raise InputError(
            f"{args.output} is there already.", hint="Name another folder, or add --force to replace it."
        )
    if args.output.exists() and not (args.output / "config.json").exists() and any(args.output.iterdir()):
        raise InputError(
            f"{args.output} holds something else than a model, so it is not replaced.",
            hint="Name another folder.",
        )


def _check_beside_plan(args: argparse.Namespace) -> None:
    """A plan says all of this already: what is asked for beside it would not be done."""
    asked = {
        "--method": args.method,
        "--donor": args.donor,
        "--special": args.special,
        "--norm-input": args.norm_input != "none",
        "--norm-output": args.norm_output != "none",
        "--keep-untrained": args.keep_untrained,
        "--texts": args.texts and not args.distill,
    }
    if given := [name for name, value in asked.items() if value]:
        raise InputError(
            f"{given[0]} means nothing beside --plan: the plan says what each row is made of.",
            hint=f"Leave {' and '.join(given)} out, or --plan.",
        )


def _initialize(args: argparse.Namespace) -> dict:
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.distill_rows import fit_new_rows, frozen_copy
    from tokstudio.transfer.base import Options
    from tokstudio.transfer.export import export, tokenizer_folder
    from tokstudio.transfer.plan import load_plan
    from tokstudio.transfer.provenance import row_sources, write_rows
    from tokstudio.transfer.surgery import apply_plan, numpy_of, replace_vocabulary
    from tokstudio.transfer.verify import verify_in_fresh_process

    source, target = load_tokenizer(args.model), load_tokenizer(args.target)
    tokenizer_folder(target)  # an export that cannot work is better known at once
    plan = None if args.plan is None else load_plan(args.plan)
    if plan is not None:
        plan.check(source, target)
    model = load_model(args.model)
    fit = _fit(args)
    teacher = frozen_copy(model) if fit.steps else None
    if plan is not None:
        surgery = apply_plan(model, source, target, plan)
    else:
        surgery = replace_vocabulary(
            model,
            source,
            target,
            method=args.method or METHOD,
            seed=args.seed,
            texts=_texts(args.texts),
            donor=_donor(args.donor) if args.donor else None,
            options=Options(atoms=args.atoms, neighbors=args.neighbors),
            audited=not args.keep_untrained,
            norms=(args.norm_input, args.norm_output),
            specials=args.special,
        )
    if fit.steps:
        texts = _texts(args.texts)
        surgery = fit_new_rows(teacher, model, source, target, surgery, texts, fit, seed=args.seed)
    folder = export(model.eval(), target, args.output.resolve())
    rows = row_sources(
        source, target, surgery.origin, surgery.mix, numpy_of(model.get_input_embeddings().weight)
    )
    return {
        "method": "plan" if plan is not None else args.method or METHOD,
        "model": args.model,
        "target": target.name,
        "vocab_size": len(target),
        "rows": surgery.counts(),
        "tied": surgery.tied,
        **surgery.told(),
        "row_sources": str(write_rows(rows, folder)),
        "output": str(folder),
        "check": verify_in_fresh_process(folder),
    }


def _fit(args: argparse.Namespace) -> "RowFitConfig":
    """How new rows are fitted after the method: 0 steps where neither it nor the user asks for it."""
    from tokstudio.train.student_config import RowFitConfig
    from tokstudio.transfer.base import METHODS

    if args.distill is not None:
        return RowFitConfig(steps=args.distill)
    return (
        RowFitConfig() if args.plan is None and METHODS[args.method or METHOD].fits else RowFitConfig(steps=0)
    )


def _texts(reference: str) -> list[str]:
    if not reference:
        return []
    from tokstudio.train.corpus import PYTHON, load_corpus, read_documents
    from tokstudio.train.data import held_out_windows

    # all of it: nothing is measured here, so nothing has to be held out
    documents = load_corpus(PYTHON).train if reference == PYTHON else read_documents(reference)
    return held_out_windows(documents, window_bytes=4000, total_bytes=TEXT_BYTES)


def _donor(reference: str):
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.transfer.surgery import donor_of

    return donor_of(load_model(reference), load_tokenizer(reference))
