"""`tokstudio embeddings info|neighbours|compare|health MODEL`: look into one matrix or two without a window."""

import argparse
from pathlib import Path

from tokstudio.cli import embeddings as work

HELP = "look into embedding matrices: figures, nearest neighbors, two models, health"
WHAT = "folder of a model, .safetensors, .gguf or .npy file, shard index, demo:english, or a hub id on this machine"


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="info|neighbours|compare|health")
    info = actions.add_parser("info", help="matrices, their roles and numbers")
    near = actions.add_parser("neighbours", aliases=["neighbors"], help="rows nearest to a token's row")
    health = actions.add_parser("health", help="zero, doubled and under-trained rows, with their evidence")
    pair = actions.add_parser("compare", help="two matrices over the tokens that both have")
    for action in (info, near, health):
        action.add_argument("folder", metavar="MODEL", help=WHAT)
        action.add_argument("--tensor", metavar="NAME", help="which matrix; by default the input matrix")
    near.add_argument(
        "--token", required=True, metavar="TEXT", help="a token, #12 for row 12, or a sum: king - man + woman"
    )
    near.add_argument("-k", type=int, default=10, metavar="N", help="how many (10)")
    near.add_argument("--metric", default="cosine", help="cosine, dot or euclidean (cosine)")
    near.add_argument("--space", default="raw", help="raw, centered or whitened (raw)")
    for side in ("a", "b"):
        pair.add_argument(side, metavar=side.upper(), help=WHAT)
        pair.add_argument(f"--tensor-{side}", metavar="NAME", help=f"which matrix of {side.upper()}")
    pair.add_argument("--token", metavar="TEXT", help="a token to look at in both")
    pair.add_argument("--row", type=int, metavar="N", help="a row to look at in both, whatever it stands for")
    pair.add_argument("--join", default="bytes", help="how tokens are matched: bytes or words (bytes)")
    pair.add_argument("-k", type=int, default=10, metavar="N", help="neighbors in the overlap (10)")
    for action in (info, near, health, pair):
        action.add_argument("--json", action="store_true", help="print one JSON object")
    actions.add_parser("serve")  # the window's maths process; talks over its pipes
    layout = actions.add_parser("layout")  # UMAP and t-SNE, in a process that can be ended
    layout.add_argument("folder", type=Path)


def run(args: argparse.Namespace) -> int:
    if args.action == "serve":
        from tokstudio.embed.service import main

        return main()
    if args.action == "layout":
        from tokstudio.embed.layout_worker import main as lay_out

        return lay_out(args.folder)
    actions = {"info": work.info, "health": work.health, "compare": work.compare}
    return actions.get(args.action, work.neighbors)(args)
