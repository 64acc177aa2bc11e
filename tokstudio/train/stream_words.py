"""What a run will read over the network, in words, before it does. No network, no torch: the window says it, too."""

from typing import Any

from tokstudio.errors import ConfigError
from tokstudio.tokens.stream_texts import Shard, Streamable
from tokstudio.train.config import DataConfig
from tokstudio.train.corpus import HELD_OUT_SHARE

NAMED = 3  # files that are named
HEADS, PIECE = (
    8,
    4 << 20,
)  # files that are begun for it; bytes that come at a time, as streaming.py and shards.py say
ROOM = 2  # times the held-out text that is asked for, as streaming.py reads it


def check_hub(data: DataConfig) -> None:
    """Raises ConfigError for a corpus that cannot be streamed."""
    if not data.corpus.startswith("hub:"):
        raise ConfigError(
            f"{data.corpus} cannot be streamed: it is not on the hub.",
            hint="Set data.stream=false, or data.corpus to hub:owner/name.",
        )


def traffic(found: Streamable, config: Any) -> int:
    """Bytes that a run with these settings reads at most, about: whole parts of text, the next one, what is measured
    on, and the pieces in which a file comes. Files that are compressed take less."""
    data, train = config.data, config.train
    staged = getattr(getattr(config, "s2t2", None), "steps", 0)
    text = (train.steps + staged) * train.batch_size * train.accumulate * data.window_bytes
    size = sum(shard.size or 0 for shard in found.train)
    small = 0 < size <= data.mix_bytes  # kept in memory from the first pass on
    training = size if small else (-(-text // data.mix_bytes) + 1) * data.mix_bytes + PIECE
    if data.held_out:
        return training
    shards, share = (found.held_out, 1.0) if found.held_out else (found.train, HELD_OUT_SHARE)
    begun = sorted((shard.size or PIECE for shard in shards), reverse=True)[:HEADS]
    each = PIECE + round(ROOM * data.held_out_bytes / share / max(1, len(begun)))
    return training + sum(min(size, each) for size in begun)


def described(found: Streamable, config: Any) -> list[str]:
    """Lines for people: from where, what, how much."""
    data = config.data
    lines = [
        f"From {found.address}, as it is at commit {found.revision[:12]}",
        f"To train on: {_files(found.train)}",
    ]
    if data.held_out:
        lines.append(f"To measure on: {data.held_out}, which is not streamed")
    elif found.held_out:
        lines.append(f"To measure on: {_files(found.held_out)}")
    else:
        lines.append("To measure on: one document in 16, which is not trained on")
    lines.append(
        f"While it works the run reads {megabytes(traffic(found, config))} at most, about; {megabytes(data.mix_bytes)} "
        "of text are mixed at a time. A resumed run reads on where it was."
    )
    return lines


def _files(shards: tuple[Shard, ...]) -> str:
    names = [shard.name for shard in shards[:NAMED]]
    more = [f"and {len(shards) - NAMED:,} more"] if len(shards) > NAMED else []
    known = all(shard.size is not None for shard in shards)
    size = f"{megabytes(sum(shard.size or 0 for shard in shards))}{'' if known else ' or more'}"
    return f"{len(shards):,} file{'s' if len(shards) != 1 else ''}, {size}: {', '.join([*names, *more])}"


def megabytes(size: float) -> str:
    if size < 1e6:
        return f"{size / 1e3:,.1f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.2f} GB"
