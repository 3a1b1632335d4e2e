"""What is done where memory runs out: less at once, then sums on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether a problem is that memory ran out, which torch says in several ways."""
    said = str(problem)
    told = isinstance(problem, RuntimeError) and "memory" in said and ("alloc" in said or "out of" in said)
    return told or isinstance(problem, MemoryError)


class MemoryLadder:
    """How many mirrorings go through a network at once, and where answers are summed.

    Each step down holds for the rest of the run, and is noted.

    Parameters
    ----------
    device
        Where the networks run.
    batch
        Mirrorings at once; None for all of them on CUDA, and one elsewhere, where more gain nothing.

    Attributes
    ----------
    notes
        What was done about memory so far, in words for the user.
    """

    def __init__(self, device: torch.device, batch: int | None = None) -> None:
        self._device = device
        self.sums_on_host = device.type == "cpu"
        self.batch = batch or (8 if device.type == "cuda" else 1)
        self.notes: list[str] = []

    def step_down(self) -> bool:
        """Take the next step, and say whether there was one left."""
        if self.batch > 1:
            self.batch //= 2
            self.notes.append(f"out of memory on {self._device}: mirrorings go {self.batch} at a time")
        elif not self.sums_on_host:
            self.sums_on_host = True
            self.notes.append(f"out of memory on {self._device}: answers are summed on the host")
        else:
            return False
        if self._device.type == "cuda":
            import torch

            torch.cuda.empty_cache()
        return True
