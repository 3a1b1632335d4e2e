"""Synthetic volumes of the sizes that matter: a patch, a quarter of a whole body, a whole body."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

PATCH = (107, 183, 183), (160, 224, 224)
QUARTER = (150, 512, 512), (225, 627, 627)
BODY = (600, 512, 512), (900, 627, 627)
"""Of each, voxels of the scan and of the network's grid, z, y, x."""
INTENSITY = (-918.0, 723.0, -63.0, 282.0)


def frame(source: tuple[int, ...], target: tuple[int, ...]) -> dict[str, Any]:
    """Return what says that a kernel sees both grids whole."""
    origin = (0, 0, 0)
    return {
        "source_shape": source,
        "source_start": origin,
        "target_shape": target,
        "target_start": origin,
    }


@cache
def noise(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(-1000, 1500, shape, dtype=np.int16)


@cache
def body(shape: tuple[int, int, int]) -> np.ndarray:
    """Return a body in air, with noise in both, on a scanner's round field of view.

    As .nii.gz it takes about two fifths of its size, as real scans do.
    """
    rng = np.random.default_rng(0)
    depth, height, width = shape
    y, x = np.ogrid[:height, :width]
    tissue = 40 + 60 * np.sin(x / 19.0) * np.cos(y / 23.0)
    away = ((y - height / 2) / (0.33 * height)) ** 2 + ((x - width / 2) / (0.43 * width)) ** 2
    outside = ((y - height / 2) / (height / 2)) ** 2 + ((x - width / 2) / (width / 2)) ** 2 > 1
    plane = np.where(away < 1, tissue, -990)
    spread = np.where(away < 1, 12.0, 5.0)
    voxels = np.empty(shape, np.int16)
    for z in range(depth):
        voxels[z] = plane + spread * rng.standard_normal(tissue.shape, np.float32)
        voxels[z][outside] = -1024
    return voxels


@cache
def lesions(shape: tuple[int, int, int], count: int, seed: int = 2) -> np.ndarray:
    """Return a uint8 label map of balls; they may touch, so that a later one hides part of an earlier one."""
    rng = np.random.default_rng(seed)
    volume = np.zeros(shape, np.uint8)
    for label in range(1, count + 1):
        radius = int(rng.integers(2, 14))
        start = [int(rng.integers(0, n - 28)) for n in shape]
        ball = np.sum(np.square(np.indices([2 * radius + 1] * 3) - radius), axis=0) <= radius**2
        volume[tuple(slice(s, s + 2 * radius + 1) for s in start)][ball] = label
    return volume


@cache
def dense(shape: tuple[int, int, int], share: float) -> np.ndarray:
    """Return voxels that are foreground by chance: the worst case of anything that works on runs."""
    return (np.random.default_rng(3).random(shape, np.float32) < share).astype(np.uint8)
