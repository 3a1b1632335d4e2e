"""What the built-in model is: its grid, its intensities, its network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lesionlocator.networks import ResidualEncoderUNet
from lesionlocator.prompts.kinds import MaskKind, PromptKind
from lesionlocator.prompts.on_grid import GridPrompt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lesionlocator.geometry import Box, Shape, Triple

SPACING_MM: Triple = (1.5, 1.5, 1.5)
FINE_SPACING_MM: Triple = (0.75, 0.75, 0.75)
"""Of what fits into the smaller patches at this spacing."""
PATCH: Shape = (48, 48, 48)
SMALL_PATCHES: tuple[Shape, ...] = ((24, 24, 24), (32, 32, 32))
"""Patches for boxes and masks that fit into them, smallest first."""
PROMPTS = (*(kind.value for kind in PromptKind), MaskKind.PREVIOUS.value)

CLIP_HU = (-918.0, 723.0)
MEAN_HU = -63.00682013436269
STD_HU = 282.3602283405916

HELD_OUT_ABOVE = 0.7
"""Fraction of the height of a real scan above which no training looks."""

_STAGES = 4
_BLOCKS = ".blocks."
ARCHITECTURE: dict[str, Any] = {
    "n_stages": _STAGES,
    "features_per_stage": [8, 32, 64, 96],
    "kernel_sizes": [[3, 3, 3]] * _STAGES,
    "strides": [[1, 1, 1]] + [[2, 2, 2]] * (_STAGES - 1),
    "n_blocks_per_stage": [1, 1, 3, 3],
    "n_conv_per_stage_decoder": [1, 1, 1],
}


def build_network(architecture: dict[str, Any] = ARCHITECTURE) -> ResidualEncoderUNet:
    """Return the network with fresh weights: image and dense prompt in, background and lesion out."""
    return ResidualEncoderUNet(2, 2, **architecture)


def rendered(target: Box | Shape, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the dense prompt of a box or point: 1 in the box or ball, 0 elsewhere, cut at ``shape``."""
    out = np.zeros(shape, np.float32)
    prompt = GridPrompt.of(1, target, (shape[0], shape[1], shape[2]))
    if prompt is not None:
        prompt.render(out, (0, 0, 0))
    return out


def begin_with(network: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Take up the weights of an earlier network; residual blocks that it lacked change nothing at first.

    Raises
    ------
    RuntimeError
        Where the networks differ by anything but further blocks.
    """
    added = {_block_of(name) for name in network.state_dict().keys() - weights.keys() if _BLOCKS in name}
    begun = {
        name: torch.zeros_like(value) if ".conv2.norm." in name else value  # what a block adds to its input
        for name, value in network.state_dict().items()
        if _block_of(name) in added
    }
    network.load_state_dict({**begun, **weights})


def _block_of(name: str) -> str:
    """Return ``"encoder.stages.2.blocks.1"`` of a parameter in that block."""
    return ".".join(name.split(".")[:5])
