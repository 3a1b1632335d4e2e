"""What the built-in model is: its grid, its intensities, its network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.networks.residual_unet import ResidualEncoderUNet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple

SPACING_MM: Triple = (1.5, 1.5, 1.5)
PATCH: Shape = (64, 64, 64)
BALL_RADIUS = 5
PROMPTS = ("box", "point")

CLIP_HU = (-918.0, 723.0)
MEAN_HU = -63.00682013436269
STD_HU = 282.3602283405916

_STAGES = 4
ARCHITECTURE: dict[str, Any] = {
    "n_stages": _STAGES,
    "features_per_stage": [16, 32, 64, 96],
    "kernel_sizes": [[3, 3, 3]] * _STAGES,
    "strides": [[1, 1, 1]] + [[2, 2, 2]] * (_STAGES - 1),
    "n_blocks_per_stage": [1, 1, 2, 2],
    "n_conv_per_stage_decoder": [1, 1, 1],
}


def build_network(architecture: dict[str, Any] = ARCHITECTURE) -> ResidualEncoderUNet:
    """Return the network with fresh weights: image and dense prompt in, background and lesion out."""
    return ResidualEncoderUNet(2, 2, **architecture)


def normalize(hounsfield: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return HU as the network sees them: clipped, mean 0, standard deviation 1 over published lesions."""
    clipped = np.clip(hounsfield.astype(np.float32), *CLIP_HU)
    return (clipped - np.float32(MEAN_HU)) / np.float32(STD_HU)
