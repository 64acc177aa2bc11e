"""`tokstudio evaluate`: how well a model predicts a text, or answers; two models on the very same windows."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.cli.evaluation import say_answers, say_tasks, say_texts
from tokstudio.cli.output import emit_json, note
from tokstudio.errors import InputError

if TYPE_CHECKING:
    from tokstudio.train.corpus import Document
    from tokstudio.train.evaluation.subject import Subject

HELP = "bits per byte of a model on a text, multiple choice, or two models compared on either"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a model folder with its tokenizer, or demo:english")
    parser.add_argument("other", nargs="?", help="a second model, measured on the same windows")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", help='a text file, a folder, or "python": the built-in held-out text')
    what.add_argument(
        "--choices",
        type=Path,
        metavar="FILE",
        help="multiple choice instead: CSV or JSON lines with question, choices, answer",
    )
    what.add_argument(
        "--lm-eval",
        type=Path,
        nargs="+",
        metavar="TASK",
        help="task files of lm-eval (.yaml) with data files beside them; tokstudio[lm-eval]. Their templates can run "
        "code: use files that you trust",
    )
    parser.add_argument("--tokenizer", default="", help="another tokenizer than the model folder's own")
    parser.add_argument("--other-tokenizer", default="", help="the same for the second model")
    parser.add_argument(
        "--window-bytes", type=int, default=1024, help="length of the pieces that are measured"
    )
    parser.add_argument("--max-bytes", type=int, default=0, help="measure about this much (0: all)")
    parser.add_argument(
        "--cut",
        choices=("lines", "common", "sliding", "both"),
        help="lines: after line ends, each window tokenized on its own (one model's default); common: documents "
        "tokenized whole and cut where no tokenizer has a token across; sliding: so, too, and as much text before "
        "each window is read again and not scored; both: common, and sliding beside it (two models' default)",
    )
    parser.add_argument(
        "--include-end", action="store_true", help="score an end token a document, for 0 bytes"
    )
    parser.add_argument(
        "--train-text",
        default="",
        metavar="FILE",
        help="reference lines of order 0, 2 and 4 learnt from this text",
    )
    parser.add_argument("--per-text", action="store_true", help="with --json: every window or question, too")
    parser.add_argument("--resamples", type=int, default=2000, help="draws of the interval (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of those draws (%(default)s)")
    parser.add_argument("--limit", type=int, default=0, help="with --lm-eval: questions a task (0: all)")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    _check(args)
    report = _choices(args) if args.choices else _tasks(args) if args.lm_eval else _texts(args)
    if args.json:
        emit_json(report)
        return 0
    (say_answers if args.choices else say_tasks if args.lm_eval else say_texts)(report)
    remarks = [remark for model in report.get("models", [report]) for remark in model.get("remarks", [])]
    for remark in dict.fromkeys(remarks):  # two models often share one
        note(remark)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.other_tokenizer and not args.other:
        raise InputError("--other-tokenizer needs a second model.", hint="Name it behind the first one.")
    least = {"--window-bytes": (args.window_bytes, 4), "--max-bytes": (args.max_bytes, 0)}
    least |= {"--resamples": (args.resamples, 10), "--batch-size": (args.batch_size, 1)}
    for name, (value, smallest) in least.items():
        if value < smallest:
            raise InputError(f"{name} {value} is too small.", hint=f"Give {smallest} or more.")
    if args.seed < 0:
        raise InputError("--seed is below 0.", hint="Give 0 or more.")
    if args.limit < 0:
        raise InputError("--limit is below 0.", hint="Give 0 for all.")
    if args.per_text and not args.json:
        raise InputError("--per-text prints with --json only.", hint="Add --json.")


def _subjects(args: argparse.Namespace) -> "list[Subject]":
    from tokstudio.models.device import pick_device
    from tokstudio.models.load import load_model
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.evaluation.subject import Subject

    device = pick_device(args.device)
    named = [(args.model, args.tokenizer), (args.other, args.other_tokenizer)]
    return [
        Subject(name, load_model(name).to(device), load_tokenizer(tokenizer or name))
        for name, tokenizer in named
        if name
    ]


def _report(args: argparse.Namespace, found: Any, shared: dict[str, Any]) -> dict[str, Any]:
    """One model's figures lie at the top, two models' in a list beside their difference."""
    each = {"texts" if args.data else "questions_each": found.each()} if args.per_text else {}
    if not args.other:
        return {**found.summary(0), **shared, **each}
    models = [found.summary(k) for k in range(2)]
    return {**shared, "models": models, "difference": found.difference(0, 1), **each}


def _texts(args: argparse.Namespace) -> dict[str, Any]:
    from tokstudio.train.corpus import read_documents
    from tokstudio.train.evaluation.references import reference_lines, references
    from tokstudio.train.evaluation.texts import measure
    from tokstudio.train.evaluation.windows import COMMON, SLIDING, cut_windows

    documents = _documents(args.data)
    cut = args.cut or ("both" if args.other else "lines")
    subjects = _subjects(args)

    def measured(cut: str):
        windows = cut_windows(
            documents,
            [subject.tokenizer for subject in subjects],
            cut=cut,
            window_bytes=args.window_bytes,
            total_bytes=args.max_bytes or 1 << 62,
            end=args.include_end,
        )
        return measure(
            subjects, windows, batch_size=args.batch_size, resamples=args.resamples, seed=args.seed
        )

    found = measured(COMMON if cut == "both" else cut)
    beside = {"sliding": measured(SLIDING).brief()} if cut == "both" else {}
    texts = [window.text.decode() for window in found.windows]
    lines = reference_lines(texts)
    if args.train_text:
        learnt = references([d.text for d in read_documents(args.train_text)], texts)
        lines |= {name: value for name, value in learnt.items() if name.startswith("order")}
    shared = {"data": args.data, "cut": cut, "end_scored": args.include_end, "references": lines, **beside}
    return _report(args, found, shared)


def _documents(data: str) -> "tuple[Document, ...]":
    from tokstudio.train.corpus import PYTHON, load_corpus, read_documents

    return load_corpus(PYTHON).held_out if data == PYTHON else read_documents(data)


def _choices(args: argparse.Namespace) -> dict[str, Any]:
    from tokstudio.train.evaluation.choices import answer
    from tokstudio.train.evaluation.choices_file import read_questions

    questions = read_questions(args.choices)
    found = answer(
        _subjects(args), questions, batch_size=args.batch_size, resamples=args.resamples, seed=args.seed
    )
    return _report(args, found, {"data": str(args.choices)})


def _tasks(args: argparse.Namespace) -> dict[str, Any]:
    from tokstudio.train.evaluation.lm_eval_tasks import read_task, run_tasks

    for path in args.lm_eval:  # before any model is opened
        read_task(path)
    models = [
        {
            "model": s.name,
            "tokenizer": s.tokenizer.name,
            "tasks": run_tasks(s, args.lm_eval, limit=args.limit, seed=args.seed),
        }
        for s in _subjects(args)
    ]
    return {"models": models} if args.other else models[0]
