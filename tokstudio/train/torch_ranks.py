"""Ranks on torch.distributed: gloo for the CPU and for everything that is said, NCCL for tensors of GPUs.

ddp: whole weights on every rank. Gradients are summed after the backward pass, one flat message of about `BUCKET`
values after the other. torch's DistributedDataParallel would do it within, but knows neither gradients of single
objectives nor losses that are computed outside of one module's forward pass.
fsdp: layers are split over the ranks (FSDP2). Its hooks gather weights in a module's forward pass, so whatever touches
them runs as the forward pass of one module around the model (`inside`).
"""

import copy
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from tokstudio.errors import ConfigError
from tokstudio.models.lean import lean
from tokstudio.train.ranks import OneRank, SharedControl

if TYPE_CHECKING:
    from torch import Tensor

BUCKET = 1 << 23  # gradients summed at once
FOREVER = timedelta(days=365)  # that a rank waits for the first one, which may be paused


class Ranks(OneRank):
    """torch.distributed is up."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._talk = dist.new_group(backend="gloo", timeout=FOREVER)  # a pause may take its time
        self._whole: Any = None
        self._skeleton: Any = None
        self._within = False

    # ---------------------------------------------------------------- words and numbers

    def device(self, device):
        if device.type != "cuda":
            return device
        mine = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(mine)
        return mine

    def share(self, texts):
        if len(texts) < self.size:
            raise ConfigError(
                f"A batch of {len(texts)} cannot be shared by {self.size} processes.",
                hint=f"Set train.batch_size to {self.size} or more, or start fewer processes.",
            )
        return texts[self.rank :: self.size]

    def same(self, value):
        data = json.dumps(value).encode() if self.first else b""
        size = torch.tensor([len(data)])
        dist.broadcast(size, 0, group=self._talk)
        told = torch.zeros(int(size), dtype=torch.uint8)
        if self.first:
            told.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
        dist.broadcast(told, 0, group=self._talk)
        return json.loads(bytes(told.tolist()))

    def least(self, value):
        found = torch.tensor([value])
        dist.all_reduce(found, dist.ReduceOp.MIN, group=self._talk)
        return int(found)

    def summed(self, values):
        found = torch.tensor(list(values.values()), dtype=torch.float64)
        dist.all_reduce(found, group=self._talk)
        return dict(zip(values, found.tolist(), strict=True))

    def number(self, value):
        return float(self.same(float(value.full_tensor() if self.split else value)))

    def control(self, control):
        return SharedControl(control, self)

    # ---------------------------------------------------------------- gradients

    def add_up(self, tensors, like):
        have = torch.tensor([t is not None for t in tensors], dtype=torch.int32)
        dist.all_reduce(have, group=self._talk)
        found = list(tensors)
        at = [i for i, count in enumerate(have.tolist()) if count]
        for bucket in _buckets(at, like):
            parts = [torch.zeros_like(like[i]) if found[i] is None else found[i].detach() for i in bucket]
            flat = torch.cat([p.flatten() for p in parts])
            dist.all_reduce(flat)
            for i, part in zip(bucket, flat.split([p.numel() for p in parts]), strict=True):
                found[i] = part.view_as(like[i])
        return found

    def add_gradients(self, model):
        if self.split:
            return
        trained = [p for p in model.parameters() if p.requires_grad]
        for parameter, gradient in zip(trained, self.add_up([p.grad for p in trained], trained), strict=True):
            parameter.grad = gradient

    # ---------------------------------------------------------------- weights

    def spread(self, model, parallel, teacher=None):
        for parameter in model.parameters():
            if parameter.requires_grad:
                dist.broadcast(parameter.detach(), 0)
        if parallel != "fsdp":
            return
        self._skeleton = _without_weights(model)
        mesh = init_device_mesh(next(model.parameters()).device.type, (self.size,))
        for part in (model, teacher):
            if not isinstance(part, torch.nn.Module):
                continue
            lean(part)  # which tries layers out, and could not afterwards
            for block in _blocks(part):
                fully_shard(block, mesh=mesh, reshard_after_forward=True)
        self._whole = _whole(model)
        fully_shard(self._whole, mesh=mesh, reshard_after_forward=True)
        self.split, self.factor = True, float(self.size)  # FSDP2 divides gradients by the number of ranks
        with torch.no_grad():  # the first pass lays out what it gathers into; not in inference mode
            self.inside(lambda: None)

    def inside(self, work):
        if self._whole is None or self._within:
            return work()
        self._within = True
        try:
            return self._whole(work)
        finally:
            self._within = False

    def like(self, value, other):
        if not isinstance(other, DTensor) or value.ndim != other.ndim or len(value) != len(other):
            return value
        value = value.to(other.device)
        return distribute_tensor(value, other.device_mesh, other.placements, src_data_rank=None)

    def full(self, tensors):
        found = {}
        for name, tensor in tensors.items():
            whole = tensor.detach().full_tensor() if hasattr(tensor, "full_tensor") else tensor.detach()
            if self.first:
                found[name] = whole.cpu() if self.split else whole
        return found

    def plain(self, model):
        if self._skeleton is None:
            return model
        made = self._skeleton
        kept = {name for name, _ in model.named_children()}
        for name in [name for name, _ in made.named_children() if name not in kept]:
            delattr(made, name)
        weights = self.full(dict(model.named_parameters()))
        return _filled(made, weights) if self.first else made


def _buckets(at: Sequence[int], like: Sequence["Tensor"]) -> Iterator[list[int]]:
    """`at` in runs of one type and about `BUCKET` values."""
    bucket: list[int] = []
    for i in at:
        full = sum(like[k].numel() for k in bucket) + like[i].numel() > BUCKET
        if bucket and (full or like[bucket[0]].dtype != like[i].dtype):
            yield bucket
            bucket = []
        bucket.append(i)
    if bucket:
        yield bucket


def _whole(model: "torch.nn.Module") -> "torch.nn.Module":
    class Whole(torch.nn.Module):
        """Any work as a forward pass: what FSDP2 needs to gather the weights that belong to no layer."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, work: Callable[[], Any]) -> Any:
            return work()

    return Whole()


def _blocks(model: "torch.nn.Module") -> list["torch.nn.Module"]:
    """The layers: the longest list of modules by its weights."""
    lists = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m)]
    return list(max(lists, key=lambda m: sum(p.numel() for p in m.parameters()), default=()))


def _without_weights(model: Any) -> Any:
    """A copy on the meta device, shared weights still shared."""
    empty = {
        id(p): torch.nn.Parameter(torch.empty_like(p, device="meta"), requires_grad=p.requires_grad)
        for p in model.parameters()
    }
    return copy.deepcopy(model, memo=empty)


def _filled(model: Any, weights: Mapping[str, "Tensor"]) -> Any:
    given: dict[int, torch.nn.Parameter] = {}
    names = list(model.named_parameters(remove_duplicate=False))
    for name, empty in names:
        if name in weights:
            given[id(empty)] = torch.nn.Parameter(weights[name], requires_grad=empty.requires_grad)
    for name, empty in names:
        place, _, last = name.rpartition(".")
        setattr(model.get_submodule(place), last, given[id(empty)])
    return model
