"""`tokstudio embeddings info|neighbors FOLDER`: look into a matrix without a window."""

import argparse
from pathlib import Path

import numpy as np

from tokstudio.cli.output import Progress, emit_json, say
from tokstudio.errors import InputError, TokenizerError

HELP = "list a model's embedding matrices and find nearest neighbors"
WHAT = "folder of a model, safetensors file or shard index"


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="info|neighbors")
    info = actions.add_parser("info", help="matrices, their roles and numbers")
    near = actions.add_parser("neighbors", aliases=["neighbours"], help="rows nearest to a token's row")
    for action in (info, near):
        action.add_argument("folder", type=Path, metavar="FOLDER", help=WHAT)
        action.add_argument("--tensor", metavar="NAME", help="which matrix; by default the input matrix")
        action.add_argument("--json", action="store_true", help="print one JSON object")
    near.add_argument("--token", required=True, metavar="TEXT|#ID", help="a token's text, or #12 for row 12")
    near.add_argument("-k", type=int, default=10, metavar="N", help="how many (10)")
    near.add_argument("--metric", default="cosine", help="cosine, dot or euclidean (cosine)")
    actions.add_parser("serve")  # the window's maths process; talks over its pipes


def run(args: argparse.Namespace) -> int:
    if args.action == "serve":
        from tokstudio.embed.service import main

        return main()
    return _info(args) if args.action == "info" else _neighbors(args)


def _info(args: argparse.Namespace) -> int:
    from tokstudio.embed.matrix import DTYPE_NAMES
    from tokstudio.embed.read import open_model
    from tokstudio.embed.summary import summarize

    model = open_model(args.folder)
    matrix = model.matrix(args.tensor)
    found = _run(summarize(matrix), "Reading")
    about = {
        "name": model.name,
        "tied": model.tied,
        "tensors": [
            {
                "name": e.tensor.name,
                "role": e.role,
                "shape": e.tensor.shape,
                "dtype": DTYPE_NAMES[e.tensor.dtype],
            }
            for e in model.entries
        ],
        "tensor": matrix.tensor.name,
        "std": found.spread,
        "mean_norm": float(found.norms.mean()),
        "largest": found.largest,
        "zero_rows": found.zero_rows,
        "not_finite": found.nonfinite,
    }
    emit_json(about) if args.json else _say_info(about)
    return 0


def _say_info(about: dict) -> None:
    say(f"{about['name']}, {about['tied']}")
    for entry in about["tensors"][:12]:
        rows, columns = entry["shape"]
        mark = "*" if entry["name"] == about["tensor"] else " "
        say(f"{mark} {rows:>9,} x {columns:<6,} {entry['dtype']:<9} {entry['role']:<7} {entry['name']}")
    if (more := len(about["tensors"]) - 12) > 0:
        say(f"  and {more} more; --json lists them")
    say(f"std {about['std']:.4g}, mean norm {about['mean_norm']:.4g}, largest |x| {about['largest']:.4g}")
    say(f"{about['zero_rows']:,} rows of zeros, {about['not_finite']:,} values that are not finite")


def _neighbors(args: argparse.Namespace) -> int:
    from tokstudio.embed.neighbors import nearest, row_norms
    from tokstudio.embed.read import open_model
    from tokstudio.embed.vocabulary import Vocabulary

    if args.k < 1:
        raise InputError(
            "-k counts neighbors, so it starts at 1.", hint="Write a whole number, for example 10."
        )
    model = open_model(args.folder)
    matrix = model.matrix(args.tensor)
    names = _names(model.folder, args.token)
    row = Vocabulary.row_of(names, args.token, len(matrix))
    norms = _run(row_norms(matrix), "Norms")
    query = matrix.rows(np.array([row]))[0]
    found = _run(nearest(matrix, norms, query, args.k, args.metric, without=row), "Comparing")
    score = "distance" if found.metric == "euclidean" else "similarity"
    rows = [
        {"id": int(i), "token": names.text(int(i)) if names else f"#{i}", score: float(s)}
        for i, s in zip(found.ids, found.scores, strict=True)
    ]
    token = {"id": row, "token": names.text(row) if names else f"#{row}"}
    result = {
        "model": model.name,
        "tensor": matrix.tensor.name,
        "metric": found.metric,
        **token,
        "neighbors": rows,
    }
    emit_json(result) if args.json else _say_neighbors(result, score)
    return 0


def _names(folder: Path, token: str):
    """The vocabulary beside the model; None where there is none, or where it cannot be read and a row
    number was asked."""
    from tokstudio.embed.vocabulary import model_tokenizer, read_vocabulary

    if not (reference := model_tokenizer(folder)):
        return None
    try:
        return _run(read_vocabulary(reference), "Vocabulary")
    except TokenizerError:
        if token.startswith("#"):
            return None
        raise


def _say_neighbors(result: dict, score: str) -> None:
    say(f"{result['token']!r}  #{result['id']:,} in {result['tensor']}, by {result['metric']}")
    for place, row in enumerate(result["neighbors"], 1):
        say(f"{place:>3}  {row[score]:>8.4f}  #{row['id']:<8,} {row['token']!r}")


def _run(steps, title: str):
    with Progress(title, 1000) as bar:
        while True:
            try:
                bar.update(int(1000 * next(steps)))
            except StopIteration as end:
                return end.value
