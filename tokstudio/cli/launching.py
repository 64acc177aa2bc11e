"""Options that say where a run works."""

import argparse

from tokstudio.runs.launch import TARGETS, Launch


def arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where the run works")
    group.add_argument(
        "--target",
        choices=TARGETS,
        help="local: one process here (default). torchrun: several, here or on several machines. ray: a Ray cluster",
    )
    group.add_argument(
        "--nproc-per-node",
        type=int,
        default=1,
        metavar="N",
        help="processes on each machine, one a device; with ray: in all",
    )
    group.add_argument("--nnodes", type=int, default=1, metavar="N", help="machines")
    group.add_argument(
        "--rdzv-endpoint",
        default="",
        metavar="HOST:PORT",
        help="where the processes of several machines meet",
    )
    group.add_argument(
        "--address",
        default="",
        metavar="ADDRESS",
        help="of a Ray cluster: http://HOST:8265 submits a job; ray://HOST:10001 or auto joins; "
        "without one a cluster of this machine is started",
    )


def chosen(args: argparse.Namespace) -> Launch:
    """Raises InputError for what does not go together."""
    several = args.nproc_per_node > 1 or args.nnodes > 1 or args.rdzv_endpoint
    target = args.target or ("ray" if args.address else "torchrun" if several else "local")
    return Launch(target, args.nproc_per_node, args.nnodes, args.rdzv_endpoint, args.address).check()
