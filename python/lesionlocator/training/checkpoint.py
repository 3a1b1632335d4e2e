"""Writing the built-in model in the published folder layout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from safetensors.torch import save_file

if TYPE_CHECKING:
    from pathlib import Path

    import torch

WEIGHTS = "checkpoint_final.safetensors"


def save_checkpoint(network: torch.nn.Module, folder: Path, metadata: dict[str, str]) -> Path:
    """Write weights in half precision with ``metadata`` and return the file.

    Every tensor is written once, under its name in the published checkpoints.
    """
    weights = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    path = folder / WEIGHTS
    unfinished = path.with_suffix(".partial")
    save_file(weights, unfinished, metadata=metadata)
    unfinished.replace(path)
    return path


def base_metadata(command: str, seed: int) -> dict[str, str]:
    """Return what a checkpoint tells about itself."""
    return {
        "trainer_name": "lesionlocator.training",
        "inference_allowed_mirroring_axes": json.dumps([0, 1, 2]),
        "training_command": command,
        "seed": str(seed),
    }
