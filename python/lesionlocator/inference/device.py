"""Choosing where the networks run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lesionlocator.errors import DeviceError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class DeviceChoice:
    """A device, and why it was chosen."""

    device: torch.device
    reason: str


def choose_device(name: str = "auto") -> DeviceChoice:
    """Choose a device.

    Parameters
    ----------
    name
        ``"auto"`` (CUDA before MPS before the CPU), ``"cuda"``, ``"cuda:N"``, ``"mps"`` or ``"cpu"``.

    Raises
    ------
    DeviceError
        Where the name is unknown or there is no such device here.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return DeviceChoice(torch.device("cuda"), f"CUDA is available: {torch.cuda.get_device_name()}")
        if torch.backends.mps.is_available():
            return DeviceChoice(torch.device("mps"), "no CUDA device, but Apple MPS is available")
        return DeviceChoice(torch.device("cpu"), "neither CUDA nor MPS is available")
    if name == "cpu" or (name == "mps" and torch.backends.mps.is_available()):
        return DeviceChoice(torch.device(name), "asked for")
    kind, _, index = name.partition(":")
    if kind == "cuda" and (index.isdecimal() or name == "cuda"):
        count = torch.cuda.device_count()
        if int(index or 0) < count:
            return DeviceChoice(torch.device(name), "asked for")
        raise DeviceError(
            f"device {name!r}: there are {count} CUDA devices here; legal: auto, cpu{_listed(count)}"
        )
    if name == "mps":
        raise DeviceError("device 'mps': Apple MPS is not available here; legal: auto, cpu")
    raise DeviceError(f"device {name!r} is unknown; legal: auto, cuda, cuda:N, mps, cpu")


def _listed(count: int) -> str:
    return "".join(f", cuda:{i}" for i in range(count))
