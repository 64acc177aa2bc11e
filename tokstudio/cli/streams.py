"""`--stream`: a run may read a data set over the network only where a person said so for this very run."""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tokstudio.cli.output import note
from tokstudio.errors import InputError

SAID = re.compile(r"\s*data\.stream\s*=\s*true\s*")


def argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stream",
        action="store_true",
        help="read the corpus hub:ID over the network while the run works, instead of a fetched copy",
    )


def with_stream(config: Any, args: argparse.Namespace) -> Any:
    """`config` as `--stream` wants it. Raises InputError where its corpus is not on the hub."""
    data = getattr(config, "data", None)
    if not getattr(args, "stream", False) or (data is not None and data.stream):
        return config
    if data is None or not data.corpus.startswith("hub:"):
        raise InputError(
            f"--stream reads a data set of the hub, and {data.corpus if data else 'this run'} is none.",
            hint="Name one as hub:owner/name, with --text or --set data.corpus=hub:owner/name.",
        )
    return replace(config, data=replace(data, stream=True))


def agreed(config: Any, args: argparse.Namespace, overrides: Sequence[str] = ()) -> Any:
    """`config` with the commit that its run will read, for which the hub is asked; as it is where nothing is streamed.
    Asks the person where the command itself did not ask for it, but a file of settings. Raises InputError where nobody
    is there, or does not want it."""
    data = getattr(config, "data", None)
    if data is None or not data.stream:
        return config
    from tokstudio.tokens.stream_texts import look_up, remember
    from tokstudio.train.stream_words import check_hub, described

    hub_id = data.corpus.removeprefix("hub:")
    check_hub(data)
    if not (args.stream or any(map(SAID.fullmatch, overrides))):
        _ask(hub_id)
    found = look_up(hub_id, data.revision)
    remember(found)
    config = replace(config, data=replace(data, revision=found.revision))
    for line in described(found.under(data.files), config):
        note(line)
    return config


def _ask(hub_id: str) -> None:
    from tokstudio.tokens.download import endpoint

    question = f"These settings read the data set {hub_id} from {endpoint()} while the run works."
    if not sys.stdin.isatty():
        raise InputError(question, hint="Nobody is there to agree. Say --stream if that is what you want.")
    sys.stderr.write(f"{question} Do that? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InputError("Nothing was read, and no run was created.", hint="Set data.stream=false.")
