"""Several processes train one model together. Each, a rank, has a share of the texts of every batch.

torchrun, `accelerate launch` or Ray start the ranks and tell each its number. All of them walk through the same
program; what they must agree on, rank 0 decides and tells (`same`), and only rank 0 writes. A loss is the sum over all
ranks divided by the count over all ranks, so neither it nor a checkpoint depends on how many there are.

This module is what the rest of the program sees; `torch_ranks` holds what torch.distributed does for it.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tokstudio.errors import ConfigError, RunError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from tokstudio.train.config import TransferConfig

T = TypeVar("T")
LOST = ("closed by peer", "reset by peer", "Broken pipe", "Connection refused", "NCCL", "Timed out waiting")


class OneRank:
    """Nobody else is there."""

    rank, size, split = 0, 1, False
    factor = 1.0  # of a loss before its backward pass

    @property
    def first(self) -> bool:
        """Is it this process that decides and writes?"""
        return self.rank == 0

    def device(self, device: "torch.device") -> "torch.device":
        """The one of this rank."""
        return device

    def share(self, texts: Sequence[T]) -> Sequence[T]:
        """Those of a batch that are this rank's."""
        return texts

    def same(self, value: T) -> T:
        """What the first rank says; numbers, texts and lists of them."""
        return value

    def least(self, value: int) -> int:
        """The smallest that any rank says."""
        return value

    def summed(self, values: Mapping[str, float]) -> dict[str, float]:
        """Over all ranks."""
        return dict(values)

    def add_up(self, tensors: Sequence["Tensor | None"], like: Sequence["Tensor"]) -> list["Tensor | None"]:
        """Each summed over all ranks; None where no rank has one. `like`: their shapes."""
        return list(tensors)

    def add_gradients(self, model: "torch.nn.Module") -> None:
        """`.grad` of the trained weights becomes the sum over all ranks, where the backward pass has not done it."""

    def number(self, value: "Tensor") -> float:
        """A norm as a number, the same on all ranks."""
        return float(value)

    def spread(self, model: "torch.nn.Module", parallel: str, teacher: Any = None) -> None:
        """Make the ranks' weights one model. Before the optimizer is made; `teacher`: a frozen model beside it."""

    def inside(self, work: Callable[[], T]) -> T:
        """The result of `work`, which uses the model's weights."""
        return work()

    def like(self, value: "Tensor", other: "Tensor") -> "Tensor":
        """This rank's part of `value` where `other` is such a part of something as long."""
        return value

    def full(self, tensors: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
        """All parts together; empty on ranks other than the first."""
        return dict(tensors)

    def plain(self, model: Any) -> Any:
        """An ordinary module with all weights, for an export. Without weights on ranks other than the first."""
        return model

    def control(self, control: Any) -> Any:
        """Whoever asked the first rank asked all."""
        return control


class SharedControl:
    """Asked by all ranks at the same places; the first one looks and tells."""

    def __init__(self, control: Any, ranks: OneRank):
        self._control, self._ranks = control, ranks

    def poll(self) -> str | None:
        return self._ranks.same(self._control.poll() if self._ranks.first else None)

    def ends(self) -> str | None:
        return self._ranks.same(self._control.ends() if self._ranks.first else None)


_here: OneRank = OneRank()


def here() -> OneRank:
    """Where this process stands among the others."""
    return _here


def with_weights(function: Callable[..., T]) -> Callable[..., T]:
    """`function` sees the whole of the model's weights."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> T:
        return here().inside(lambda: function(*args, **kwargs))

    return run


@contextlib.contextmanager
def joined(device: str = "auto") -> Iterator[OneRank]:
    """Meet the other processes that this one was started with; alone where there are none. A lost connection becomes
    a RunError."""
    global _here
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield _here
        return
    import torch
    import torch.distributed as dist

    mine = not dist.is_initialized()  # Ray has met them already
    try:
        if mine:
            cuda = device != "cpu" and torch.cuda.is_available()
            dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
        from tokstudio.train.torch_ranks import Ranks

        _here = Ranks()
        yield _here
    except RuntimeError as error:
        if any(words in str(error) for words in LOST):
            raise LostRank() from error
        raise
    finally:
        _here = OneRank()
    if mine:
        dist.destroy_process_group()


class LostRank(RunError):
    def __init__(self) -> None:
        super().__init__("Another process of this run has ended, so this one cannot go on.")


def check(config: "TransferConfig") -> None:
    """What several ranks cannot do. Raises ConfigError."""
    ranks = here()
    if ranks.size == 1:
        return
    if config.s2t2.translates:
        raise ConfigError(
            "A translation stage runs on one device.",
            hint="Start the run on this machine alone, or set s2t2.steps=0.",
        )
    if config.train.parallel != "fsdp":
        return
    if config.optimizer.name == "muon":
        raise ConfigError(
            "Muon needs whole matrices, which fsdp splits.",
            hint="Set optimizer.name=adamw or train.parallel=ddp.",
        )
    if config.projector.kind != "identity":
        raise ConfigError(
            "A network over all token rows is not split by fsdp.",
            hint="Set projector.kind=identity or train.parallel=ddp.",
        )
    if config.aggregate.name not in ("sum", "scheduled"):
        raise ConfigError(
            f"aggregate.name={config.aggregate.name} needs each objective's own gradients, which fsdp does not keep.",
            hint="Set aggregate.name=sum or train.parallel=ddp.",
        )
