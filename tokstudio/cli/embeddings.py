"""What `tokstudio embeddings` does and prints."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tokstudio.cli.output import Progress, emit_json, say
from tokstudio.errors import InputError, TokenizerError

LISTED = 10  # rows of a kind that are named


def info(args: argparse.Namespace) -> int:
    from tokstudio.embed.known import matrix_path
    from tokstudio.embed.matrix import DTYPE_NAMES
    from tokstudio.embed.pairs import spread
    from tokstudio.embed.read import open_model
    from tokstudio.embed.spectrum import spectrum
    from tokstudio.embed.summary import summarize

    model = open_model(matrix_path(args.folder))
    matrix = model.matrix(args.tensor)
    found = _run(summarize(matrix), "Reading")
    alike, rank = _run(spread(matrix), "Pairs"), _run(spectrum(matrix), "Singular values")
    names = _names(model, optional=True) if matrix.role != "other" else None
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
        "anisotropy": alike.anisotropy,
        "effective_rank": rank.effective_rank,
        "effective_rank_estimated": rank.found < matrix.shape[1],
        "tokens": None if names is None else len(names),
        "padding_rows": 0 if names is None else max(0, len(matrix) - len(names)),
        "tokens_without_row": 0 if names is None else max(0, len(names) - len(matrix)),
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
    rank = f"{about['effective_rank']:.0f}" + (" (estimated)" if about["effective_rank_estimated"] else "")
    say(f"anisotropy {round(about['anisotropy'], 3) + 0.0:.3f}, effective rank {rank}")
    zero = "1 row" if about["zero_rows"] == 1 else f"{about['zero_rows']:,} rows"
    say(f"{zero} of zeros, {about['not_finite']:,} values that are not finite")
    if about["padding_rows"]:
        say(f"{about['padding_rows']:,} padding rows: the tokenizer has {about['tokens']:,} tokens")
    if about["tokens_without_row"]:
        say(f"{about['tokens_without_row']:,} of {about['tokens']:,} tokens have no row")


def neighbors(args: argparse.Namespace) -> int:
    from tokstudio.embed.expression import parse
    from tokstudio.embed.known import matrix_path
    from tokstudio.embed.neighbors import nearest, row_norms
    from tokstudio.embed.read import open_model
    from tokstudio.embed.space import make_space

    if args.k < 1:
        raise InputError(
            "-k counts neighbors, so it starts at 1.", hint="Write a whole number, for example 10."
        )
    model = open_model(matrix_path(args.folder))
    matrix = model.matrix(args.tensor)
    names = _names(model, optional=args.token.startswith("#"))
    asked = parse(args.token, names, len(matrix))
    norms = _run(row_norms(matrix), "Norms")
    space = _run(make_space(matrix, args.space), "Moments")
    steps = nearest(matrix, norms, asked.vector(matrix), args.k, args.metric, asked.rows, space)
    found = _run(steps, "Comparing")
    score = "distance" if found.metric == "euclidean" else "similarity"
    rows = [
        {"id": int(i), "token": _text(names, int(i)), score: float(s)}
        for i, s in zip(found.ids, found.scores, strict=True)
    ]
    single = len(asked.rows) == 1
    result = {
        "model": model.name,
        "tensor": matrix.tensor.name,
        "metric": found.metric,
        "space": args.space,
        "id": asked.rows[0] if single else None,
        "token": _text(names, asked.rows[0]) if single else args.token,
        args.action: rows,  # spelled as it was asked for
    }
    if args.json:
        emit_json(result)
        return 0
    place = f"#{result['id']:,}" if single else "a sum"
    say(f"{result['token']!r}  {place} in {result['tensor']}, by {result['metric']}, {args.space}")
    for number, row in enumerate(rows, 1):
        say(f"{number:>3}  {row[score]:>8.4f}  #{row['id']:<8,} {row['token']!r}")
    return 0


def health(args: argparse.Namespace) -> int:
    from tokstudio.embed.health import check
    from tokstudio.embed.known import matrix_path
    from tokstudio.embed.read import open_model

    model = open_model(matrix_path(args.folder))
    matrix = model.matrix(args.tensor)
    names = _names(model, optional=True) if matrix.role != "other" else None
    found = _run(check(matrix, names), "Checking")
    values = {"model": model.name, "tensor": matrix.tensor.name, "rows": len(matrix), **found.values()}
    values["duplicates"] = [
        {"ids": group, "tokens": [_text(names, row) for row in group]} for group in values["duplicates"]
    ]
    if args.json:
        emit_json(values)
        return 0
    say(
        f"{model.name}, {matrix.tensor.name}, {len(matrix):,} rows, norm in the middle {found.middle_norm:.4g}"
    )
    say(_counted(found.zero, "row of zeros", "rows of zeros"))
    say(_counted(found.broken, "row with values that are not finite", "rows with values that are not finite"))
    groups = "1 group" if len(found.groups) == 1 else f"{len(found.groups):,} groups"
    repeats = [row for group in found.groups for row in group[1:]]
    say(_counted(repeats, "row that repeats another one", "rows that repeat another one") + f", in {groups}")
    padded = range(len(matrix) - found.padding, len(matrix))
    say(_counted(padded, "padding row", "padding rows") + f", {found.missing:,} tokens without a row")
    say(
        f"{len(found.candidates):,} under-trained candidates"
        + (f", beside {found.reference}" * bool(found.reference))
    )
    for entry in found.candidates[:20]:
        near = "" if entry["similarity"] is None else f"  similarity {entry['similarity']:.3f}"
        norm = f"norm {entry['norm']:.4g} ({entry['norm_z']:+.1f})"
        say(f"  #{entry['id']:<8,} {norm}{near}  {entry['token']!r}  {entry['why']}")
    return 0


def _counted(rows: Sequence[int], one: str, many: str) -> str:
    """How many, and which: the first few by their numbers, a range where they lie together."""
    if not len(rows):
        return f"0 {many}"
    first, last = int(rows[0]), int(rows[-1])
    if len(rows) > 2 and last - first == len(rows) - 1:
        which = f"#{first:,} to #{last:,}"
    else:
        which = ", ".join(f"#{int(row):,}" for row in rows[:LISTED]) + (", …" if len(rows) > LISTED else "")
    return f"{len(rows):,} {one if len(rows) == 1 else many} ({which})"


def compare(args: argparse.Namespace) -> int:
    from tokstudio.embed.compare import compare as measure
    from tokstudio.embed.join import join
    from tokstudio.embed.known import matrix_path
    from tokstudio.embed.pairview import pair_of_rows, pair_of_token
    from tokstudio.embed.read import open_model

    models = [open_model(matrix_path(args.a)), open_model(matrix_path(args.b))]
    a, b = models[0].matrix(args.tensor_a), models[1].matrix(args.tensor_b)
    names = [_names(model, optional=False) for model in models]
    joined = join(names[0], names[1], len(a), len(b), args.join)
    found = _run(measure(a, b, joined, args.k), "Comparing")
    result: dict[str, Any] = {
        "a": _about(models[0], a),
        "b": _about(models[1], b),
        "join": joined.report,
        "figures": found.figures(),
    }
    if args.token is not None:
        result["token"] = pair_of_token(a, b, *names, joined, args.token).values()
    if args.row is not None:
        result["row"] = pair_of_rows(a, b, *names, args.row, args.row).values()
    for title, order in (("most_agreeing", -1), ("least_agreeing", 1)):
        places = np.argsort(order * np.nan_to_num(found.aligned))[:20]
        result[title] = [
            {
                "token": names[0].text(int(joined.a[found.place[at]])),
                "id_a": int(joined.a[found.place[at]]),
                "id_b": int(joined.b[found.place[at]]),
                "cosine": float(found.aligned[at]),
                "r": float(found.r[at]) if len(found.r) else None,
            }
            for at in places
        ]
    emit_json(_no_nan(result)) if args.json else _say_pair(result)
    return 0


def _say_pair(result: dict) -> None:
    report, figures = result["join"], result["figures"]
    for side in ("a", "b"):
        about = result[side]
        say(f"{side.upper()}  {about['model']}  {about['rows']:,} x {about['columns']:,}")
    only = f"{report['only_a']:,} only in A, {report['only_b']:,} only in B"
    say(f"{report['shared']:,} shared tokens, {only} (special tokens not counted)")
    for key, value in figures.items():
        if value is not None:
            say(f"  {key.replace('_', ' '):<24}{value:.4g}")
    for key in ("token", "row"):
        if (pair := result.get(key)) is not None:
            r = _no_r(result) if pair["r"] is None else f"{pair['r']:.4f}"
            say(f"{pair['token_a']!r} #{pair['id_a']:,} and {pair['token_b']!r} #{pair['id_b']:,}: r {r}")
            say(f"  {pair['relation']}")
    for key in ("most_agreeing", "least_agreeing"):
        say(f"{key.replace('_', ' ')}: " + ", ".join(repr(row["token"]) for row in result[key][:8]))


def _no_r(result: dict) -> str:
    widths = [result[side]["columns"] for side in "ab"]
    if widths[0] == widths[1]:
        return "not defined: a row is constant or not finite"
    return f"not defined: the rows have {widths[0]:,} and {widths[1]:,} values"


def _about(model, matrix) -> dict:
    rows, columns = matrix.shape
    return {"model": model.name, "tensor": matrix.tensor.name, "rows": rows, "columns": columns}


def _text(names, row: int) -> str:
    if names is None:
        return f"#{row}"
    return names.text(row) if row < len(names) else f"padding #{row}"


def _names(model, *, optional: bool):
    """The vocabulary beside the model; None where there is none or it cannot be read, if that is no harm."""
    from tokstudio.embed.vocabulary import read_vocabulary

    if not (reference := model.tokenizer):
        if optional:
            return None
        raise InputError(
            f"No tokenizer lies beside {Path(model.path).name}.",
            hint="Put its tokenizer.json there, or name rows by their number, for example #12.",
        )
    try:
        return _run(read_vocabulary(reference), "Vocabulary")
    except TokenizerError:
        if optional:
            return None
        raise


def _no_nan(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _no_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_no_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _run(steps, title: str):
    with Progress(title, 1000) as bar:
        while True:
            try:
                bar.update(int(1000 * next(steps)))
            except StopIteration as end:
                return end.value
