"""How much goes through a network at once, and what is done where memory runs out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

    from lesionlocator.geometry import Shape

_ACTIVATIONS = 6
"""Of the size of a network's first stage, that are alive at once."""
_LARGEST_BATCH = 16
"""More full-size patches at once gain nothing; they would only make the first answer later."""


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether a problem is that memory ran out, which torch says in several ways."""
    said = str(problem)
    told = isinstance(problem, RuntimeError) and "memory" in said and ("alloc" in said or "out of" in said)
    return told or isinstance(problem, MemoryError)


def first_features(network: nn.Module) -> int:
    """Return how many channels the first convolution makes, at full resolution."""
    return next(len(weight) for weight in network.parameters() if weight.ndim == 5)


def batch_that_fits(device: torch.device, patch: Shape, features: int) -> int:
    """Return how many samples fit into half of the memory that a device has to spare.

    One where there is no such memory: a batch does not make a CPU faster.

    Parameters
    ----------
    device
        Where the network runs.
    patch
        Voxels of a sample, z, y, x.
    features
        Channels of the network's first stage, which is the one at full resolution.
    """
    if device.type != "cuda":
        return 1
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    each = _ACTIVATIONS * 4 * features * math.prod(patch)
    return max(1, min(_LARGEST_BATCH, free // 2 // each))


class MemoryLadder:
    """How many samples go through a network at once, and where answers are summed.

    Each step down holds for the rest of the run, and is noted.

    Parameters
    ----------
    device
        Where the networks run.
    batch
        Samples at once.
    sums_on_host
        Whether answers are summed on the host from the start.
    """

    def __init__(self, device: torch.device, batch: int, *, sums_on_host: bool) -> None:
        self._device = device
        self.sums_on_host = sums_on_host
        self.batch = batch
        self._notes: list[str] = []

    def goes_on_after(self, problem: BaseException) -> bool:
        """Take the next step where a problem is that memory ran out, and say whether to try again."""
        return is_out_of_memory(problem) and self._step_down()

    def new_notes(self) -> tuple[str, ...]:
        """Return what was done since this was last asked, in words for the user."""
        notes, self._notes = tuple(self._notes), []
        return notes

    def _step_down(self) -> bool:
        if self.batch > 1:
            self.batch //= 2
            self._notes.append(f"out of memory on {self._device}: samples go {self.batch} at a time")
        elif not self.sums_on_host:
            self.sums_on_host = True
            self._notes.append(f"out of memory on {self._device}: answers are summed on the host")
        else:
            return False
        if self._device.type == "cuda":
            import torch

            torch.cuda.empty_cache()
        return True
