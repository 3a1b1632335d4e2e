"""The small cube that the registration network sees of a scan, made without the whole model grid in memory.

Sizes change in the plane first and along z afterwards: the planes alone align two scans along z, and
trilinear interpolation in these two steps gives the same bits as in one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box, Shape
from lesionlocator.preprocessing.resample import GridChange, linear_block, linear_from_block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.preprocessing import ModelGrid

SIZE = 175
"""Voxels of the cube along each axis."""
CUBE: Shape = (SIZE, SIZE, SIZE)
_SLAB_VOXELS = 1 << 24
"""Voxels of the model grid that are in memory at a time."""

Window = tuple[int, int]
"""First slice and one past the last slice of a model grid."""


def planes(grid: ModelGrid) -> NDArray[np.float32]:
    """Return all slices of a model grid with :data:`SIZE` rows and columns, float32 (slices, SIZE, SIZE)."""
    slices, rows, columns = grid.shape
    change = GridChange(grid.shape, (slices, SIZE, SIZE))
    out = np.empty(change.target, np.float32)
    slab = max(1, _SLAB_VOXELS // (rows * columns))
    for start in range(0, slices, slab):
        target = Box((start, 0, 0), (min(start + slab, slices), SIZE, SIZE))
        source = change.source_block(target, "linear")
        out[target.slices] = linear_from_block(grid.image(source), source.start, change, target)
    return out


def cube(slices: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    """Return a window of :func:`planes` with :data:`SIZE` slices, float32 (SIZE, SIZE, SIZE)."""
    part = slices[slice(*window)]
    return linear_block(part, GridChange((len(part), SIZE, SIZE), CUBE), Box.whole(CUBE))


def nearest(source: int, target: int) -> NDArray[np.intp]:
    """Return the source index of each target index along one axis, by torch's nearest-exact rule."""
    import torch

    index = torch.arange(source, dtype=torch.float32)[None, None]
    return (
        torch.nn.functional.interpolate(index, size=target, mode="nearest-exact")[0, 0]
        .numpy()
        .astype(np.intp)
    )


def covered(indices: NDArray[np.intp], start: int, stop: int) -> NDArray[np.intp]:
    """Return which target positions take their value from source positions ``start`` to ``stop``."""
    return np.flatnonzero((indices >= start) & (indices < stop))


def rescaled(position: float, source: int, target: int) -> float:
    """Take a position along an axis to one with another number of voxels over the same extent."""
    return (position + 0.5) * target / source - 0.5


def rounded(value: float) -> int:
    """Return the nearest whole number; halves go up."""
    return math.floor(value + 0.5)
