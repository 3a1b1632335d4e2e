"""Filling holes of a volume from what is around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple

_EVEN = (0.25, 0.25, 0.25)
_POLISH = 6


def filled(values: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return ``values`` with what is not known filled smoothly from what is, far and near.

    Each resolution of a pyramid fills its gaps from the next coarser one, and is then smoothed there.
    Where nothing is known, the values stay.
    """
    if known.all() or not known.any():
        return values
    total = _pooled(np.where(known, values, 0).astype(np.float32))
    weight = _pooled(known.astype(np.float32))
    coarse = filled(total / np.maximum(weight, np.float32(1)), weight > 0)
    z, y, x = values.shape
    up = coarse.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)[:z, :y, :x]
    out = np.where(known, values, up)
    for _ in range(_POLISH):
        out = np.where(known, values, soften(out, _EVEN))
    return out


def grown(mask: NDArray[np.bool_], voxels: int) -> NDArray[np.bool_]:
    """Return a mask with every voxel within ``voxels`` steps along the axes."""
    out = mask.copy()
    for _ in range(voxels):
        wider = out.copy()
        for axis in range(3):
            _add_neighbours(wider, out, axis)
        out = wider
    return out


def grown_along(mask: NDArray[np.bool_], voxels: Shape) -> NDArray[np.bool_]:
    """Return a mask with every voxel in a box around each of its own: so many steps along z, y, x."""
    out = mask.copy()
    for axis, steps in enumerate(voxels):
        for _ in range(steps):
            _add_neighbours(out, out.copy(), axis)
    return out


def _add_neighbours(out: NDArray[np.bool_], of: NDArray[np.bool_], axis: int) -> None:
    """Set in ``out`` the two neighbours along an axis of every voxel that is set in ``of``."""
    along, from_ = np.moveaxis(out, axis, 0), np.moveaxis(of, axis, 0)
    along[1:] |= from_[:-1]
    along[:-1] |= from_[1:]


def soften(volume: NDArray[np.float32], weight: Triple) -> NDArray[np.float32]:
    """Return ``volume`` smoothed by the kernel (w, 1 - 2w, w) along z, y, x, edges extended."""
    for axis, w in enumerate(np.asarray(weight, dtype=np.float32)):
        along = np.moveaxis(volume, axis, 0)
        smoothed = np.moveaxis(volume * (1 - 2 * w), axis, 0)
        smoothed[1:] += w * along[:-1]
        smoothed[:-1] += w * along[1:]
        smoothed[0] += w * along[0]
        smoothed[-1] += w * along[-1]
        volume = np.moveaxis(smoothed, 0, axis)
    return volume


def _pooled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sums over blocks of 2 x 2 x 2, the last ones maybe smaller."""
    padded = np.pad(values, [(0, n % 2) for n in values.shape])
    z, y, x = (n // 2 for n in padded.shape)
    pooled: NDArray[np.float32] = padded.reshape(z, 2, y, 2, x, 2).sum(axis=(1, 3, 5))
    return pooled
