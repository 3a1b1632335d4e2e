"""What the built-in model is: its grid, its intensities, its network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.networks import ResidualEncoderUNet
from lesionlocator.preprocessing.intensity import applied
from lesionlocator.prompts.kinds import MaskKind, PromptKind
from lesionlocator.prompts.on_grid import GridPrompt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Box, Shape, Triple

SPACING_MM: Triple = (1.5, 1.5, 1.5)
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
ARCHITECTURE: dict[str, Any] = {
    "n_stages": _STAGES,
    "features_per_stage": [8, 32, 64, 96],
    "kernel_sizes": [[3, 3, 3]] * _STAGES,
    "strides": [[1, 1, 1]] + [[2, 2, 2]] * (_STAGES - 1),
    "n_blocks_per_stage": [1, 1, 2, 2],
    "n_conv_per_stage_decoder": [1, 1, 1],
}


def build_network(architecture: dict[str, Any] = ARCHITECTURE) -> ResidualEncoderUNet:
    """Return the network with fresh weights: image and dense prompt in, background and lesion out."""
    return ResidualEncoderUNet(2, 2, **architecture)


def normalize(hounsfield: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return HU as the network sees them: clipped, mean 0, standard deviation 1 over published lesions."""
    return applied(hounsfield, (*CLIP_HU, MEAN_HU, STD_HU))


def rendered(target: Box | Shape, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the dense prompt of a box or point: 1 in the box or ball, 0 elsewhere, cut at ``shape``."""
    out = np.zeros(shape, np.float32)
    prompt = GridPrompt.of(1, target, (shape[0], shape[1], shape[2]))
    if prompt is not None:
        prompt.render(out, (0, 0, 0))
    return out
