"""In which precision the networks compute."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from lesionlocator.errors import DeviceError

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Choose what the convolutions compute in; sums over folds and mirrorings are always float32.

    Parameters
    ----------
    name
        ``"fp32"``, ``"bf16"``, ``"fp16"``, or ``"auto"``: float16 on CUDA, as published, and float32
        elsewhere, which keeps the masks that the published system gives.
    device
        Where the networks run.

    Raises
    ------
    DeviceError
        Where the name is unknown, or the device does not compute in this precision at a useful speed.
    """
    import torch

    if name not in PRECISIONS:
        raise DeviceError(f"precision {name!r} is unknown; legal: {', '.join(PRECISIONS)}")
    if name == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    if name == "fp16" and device.type == "cpu":
        raise DeviceError("precision 'fp16' has no fast convolutions on a CPU; legal: auto, fp32, bf16")
    if name == "bf16" and device.type == "mps":
        raise DeviceError("precision 'bf16' is not computed on MPS; legal: auto, fp32, fp16")
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[name]


def computing_in(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Return what a network runs in, so that its input and its norms meet convolutions of ``dtype``."""
    import torch

    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
