"""In which number format convolutions learn."""

from __future__ import annotations

import torch


def half_of(device: torch.device) -> torch.dtype | None:
    """Return the half-precision format that a device computes in quickly; None for none.

    bfloat16, or float16 on CUDA cards without it. CPUs without its instructions emulate bfloat16, which is
    slower than float32.
    """
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return torch.float16
    if device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return None
    return torch.bfloat16
