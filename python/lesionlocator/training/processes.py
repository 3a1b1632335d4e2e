"""One process, or several started by torch's own launcher (torchrun), each with a share of every batch."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Processes:
    """One process among all that train together: its number, how many there are, and its device."""

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that tells and writes."""
        return self.rank == 0

    def shared(self, network: nn.Module) -> nn.Module:
        """Return the network with gradients averaged over all processes."""
        if self.count == 1:
            return network
        from torch.nn.parallel import DistributedDataParallel

        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(network, device_ids=ids)

    def told_by_first(self, value: float) -> float:
        """Return the first process's value in all of them, such as what its clock says."""
        if self.count == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(shared, src=0)
        return float(shared)

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            torch.distributed.barrier()


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the processes that the launcher started; without one, this process is alone.

    With CUDA each process takes the card of its number on this machine. No thread of the process group is
    left at the end: one that still held a tensor while the interpreter shuts down would abort the process.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(0, 1, device)
        return
    on_cuda = device.type == "cuda"
    own = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if on_cuda else device
    if on_cuda:
        torch.cuda.set_device(own)
    # imported later, its default arguments would hold the process group for good
    importlib.import_module("torch.distributed.nn.functional")
    torch.distributed.init_process_group("nccl" if on_cuda else "gloo")
    try:
        yield Processes(torch.distributed.get_rank(), count, own)
    finally:
        torch.distributed.destroy_process_group()
