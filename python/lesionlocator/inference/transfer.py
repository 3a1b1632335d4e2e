"""Patches on their way to the device, and answers on their way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Patch = NDArray[np.float32]


class Transfer:
    """Copies between host and device, one after the other with what is computed.

    Parameters
    ----------
    device
        Where the networks run.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def blank(self, shape: tuple[int, ...]) -> Patch:
        """Return a new float32 array of zeros from which copies are quick."""
        return np.zeros(shape, np.float32)

    def up(self, patches: Sequence[Patch]) -> Tensor:
        """Return patches of one shape as one batch on the device."""
        return torch.stack([torch.from_numpy(patch) for patch in patches]).to(self._device)

    def down(self, total: Tensor) -> Callable[[], Patch]:
        """Begin to copy a result, and return what waits for it."""
        found: Patch = total.cpu().numpy()
        return lambda: found


class CudaTransfer(Transfer):
    """Copies through pinned memory, each way on a stream of its own, while kernels run on a third."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._upwards = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own lack of types
        self._downwards = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own lack of types

    def blank(self, shape: tuple[int, ...]) -> Patch:
        """Return pinned zeros; a thread that has not used the device yet would pin them for another."""
        with torch.cuda.device(self._device):
            return torch.zeros(shape, pin_memory=True).numpy()

    def up(self, patches: Sequence[Patch]) -> Tensor:
        """Return a batch that kernels wait for, though the host does not."""
        computing = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._upwards):
            batch = torch.empty((len(patches), *patches[0].shape), device=self._device)
            for sample, patch in zip(batch, patches, strict=True):
                sample.copy_(torch.from_numpy(patch), non_blocking=True)
        computing.wait_stream(self._upwards)
        batch.record_stream(computing)
        return batch

    def down(self, total: Tensor) -> Callable[[], Patch]:
        """Begin to copy a result once it is computed; the host waits when it asks for it."""
        if total.device.type == "cpu":
            return super().down(total)
        computing = torch.cuda.current_stream(self._device)
        self._downwards.wait_stream(computing)
        with torch.cuda.stream(self._downwards):
            host = torch.empty(total.shape, pin_memory=True)
            host.copy_(total, non_blocking=True)
            copied = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch's own lack of types
            copied.record()
        total.record_stream(self._downwards)

        def landed() -> Patch:
            copied.synchronize()
            return host.numpy()

        return landed


def transfer_for(device: torch.device) -> Transfer:
    """Return how data gets to a device and back."""
    return CudaTransfer(device) if device.type == "cuda" else Transfer(device)
