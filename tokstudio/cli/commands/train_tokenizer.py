"""`tokstudio train-tokenizer`: a new tokenizer from texts, or a parent made larger or smaller."""

import argparse
from contextlib import closing
from dataclasses import asdict

from tokstudio.cli.output import Progress, emit_json, note, say

HELP = "train a tokenizer, extend or prune one"


def arguments(parser: argparse.ArgumentParser) -> None:
    from tokstudio.tokens.training.settings import ALGORITHMS, NORMALIZERS, PRE_TOKENIZERS, TrainingSettings

    usual = TrainingSettings((), "")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--input", nargs="+", default=[], metavar="PATH",
                        help="text, JSON lines, Parquet, Arrow or FASTA files, or folders of them")  # fmt: skip
    parser.add_argument("--output", default="", metavar="FOLDER", help="a new folder for the result")
    parser.add_argument("--algorithm", default=usual.algorithm, metavar="NAME",
                        help=f"{', '.join(ALGORITHMS)} ({usual.algorithm})")  # fmt: skip
    parser.add_argument("--vocab-size", type=int, default=usual.vocab_size, metavar="N",
                        help=f"tokens ({usual.vocab_size:,}); how many more with --extend")  # fmt: skip
    parser.add_argument(
        "--extend", default="", metavar="REF", help="give this BPE tokenizer.json more tokens"
    )
    parser.add_argument(
        "--prune", default="", metavar="REF", help="keep only what the text uses of this tokenizer"
    )
    parser.add_argument(
        "--special", action="append", metavar="TOKEN", help="a special token; may be repeated"
    )
    parser.add_argument("--pre-tokenizer", default=usual.pre_tokenizer, metavar="NAME",
                        help=f"{', '.join(PRE_TOKENIZERS)} ({usual.pre_tokenizer})")  # fmt: skip
    parser.add_argument("--normalizer", default=usual.normalizer, metavar="NAME",
                        help=f"{', '.join(NORMALIZERS)} ({usual.normalizer})")  # fmt: skip
    parser.add_argument("--column", default="", metavar="NAME", help="of JSON lines and tables (text)")
    parser.add_argument("--min-frequency", type=int, default=usual.min_frequency, metavar="N",
                        help=f"a pair that is rarer is not merged ({usual.min_frequency})")  # fmt: skip
    parser.add_argument("--longest", type=int, default=0, metavar="N", help="characters of the longest token")
    parser.add_argument(
        "--sample", type=float, default=1.0, metavar="SHARE", help="of the text to learn from (1)"
    )
    parser.add_argument("--held-out", type=float, default=usual.held_out, metavar="SHARE",
                        help=f"of the text that measures the result ({usual.held_out})")  # fmt: skip
    parser.add_argument("--no-byte-fallback", action="store_true", help="leave out the 256 byte entries")
    parser.add_argument(
        "--forecast", action="store_true", help="only say how much memory and time it would take"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace a tokenizer that was trained into the same folder"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if args.worker:
        from tokstudio.tokens.training.process import main

        return main()
    from tokstudio.tokens.training.forecast import duration, forecast

    settings = _settings(args)
    if not args.forecast:
        _check_folder(settings)
    expected = forecast(settings)
    takes = duration(expected.seconds)
    if args.forecast:
        emit_json({**asdict(expected), "fits": expected.fits}) if args.json else say(
            f"{expected.size / 1e6:,.1f} MB of text, about {takes} on a free core and "
            f"{expected.memory / 1e9:.2f} GB of memory; {expected.free / 1e9:.1f} GB are free"
        )
        return 0
    if not expected.fits:
        note(
            f"This may take {expected.memory / 1e9:.1f} GB of memory; {expected.free / 1e9:.1f} GB are free."
        )
    if expected.slow:
        note(f"This may take about {takes}; --sample 0.1 learns from a tenth of the text.")
    return _train(settings, expected, args.json)


def _check_folder(settings) -> None:
    from tokstudio.errors import InputError
    from tokstudio.tokens.training.save import FolderTaken, check_folder

    try:
        check_folder(settings.folder(), settings.replace)
    except FolderTaken as error:
        way = ", or give --force to replace the one trained there" if error.trained else ""
        raise InputError(str(error), hint=f"Name a new folder{way}.") from None


def _settings(args: argparse.Namespace):
    from tokstudio.tokens.training.settings import TrainingSettings

    return TrainingSettings(
        inputs=tuple(args.input),
        output=args.output,
        algorithm=args.algorithm,
        vocab_size=args.vocab_size,
        column=args.column,
        specials=tuple(args.special) if args.special is not None else None,
        pre_tokenizer=args.pre_tokenizer,
        normalizer=args.normalizer,
        byte_fallback=not args.no_byte_fallback,
        min_frequency=args.min_frequency,
        longest=args.longest,
        sample=args.sample,
        held_out=args.held_out,
        extend=args.extend,
        prune=args.prune,
        replace=args.force,
    ).check()


def _train(settings, expected, as_json: bool) -> int:
    from tokstudio.errors import TokenizerError
    from tokstudio.tokens.training.events import Compression, Done, Failed, Phase
    from tokstudio.tokens.training.forecast import Remaining, duration
    from tokstudio.tokens.training.process import TrainingProcess

    process, curve, remaining = TrainingProcess(settings), [], Remaining(expected)
    try:
        with Progress("Training", 1000) as bar, closing(process.events()) as events:
            for event in events:
                if isinstance(event, Phase):
                    left = remaining.after(event)
                    about = f", about {duration(left)} left" if left is not None else ""
                    bar.update(
                        int(1000 * max(0.0, event.share)), f"{event.name} {event.remark}".strip() + about
                    )
                elif isinstance(event, Compression):
                    curve.append([event.size, round(event.bytes_per_token, 4)])
                elif isinstance(event, Failed):
                    raise TokenizerError(event.message, hint=event.hint)
                elif isinstance(event, Done):
                    result = {"folder": event.folder, **event.report, "compression": curve}
    except BaseException:
        process.cancel()
        raise
    emit_json(result) if as_json else _say(result)
    return 0


def _say(result: dict) -> None:
    from tokstudio.tokens.training.events import shortfall

    say(
        f"{result['algorithm']}, {result['tokens']:,} tokens in {result['seconds']:.1f} s: {result['folder']}"
    )
    if short := shortfall(result):
        say(short)
    if result["bytes_per_token"]:
        say(f"{result['bytes_per_token']:.2f} bytes per token of {result['held_out']:,} characters held out")
    say(f"{', '.join(result['files'])}; peak memory {result['peak_memory'] / 1e6:,.0f} MB")
    for name in (name for name in result["files"] if name.endswith(".tiktoken")):
        say(
            f"{name}: these tokens for tiktoken, with the same ids; its .json holds pattern and special tokens"
        )
