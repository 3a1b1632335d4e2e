"""Smooth random fields and separable smoothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple


def smooth_noise(rng: np.random.Generator, shape: Shape, scale: Triple) -> NDArray[np.float32]:
    """Return noise of mean 0 and standard deviation about 1 that varies over ``scale`` voxels.

    White noise on a coarse grid is interpolated with cubic B-splines, so the field has no kinks.

    Parameters
    ----------
    rng
        Source of randomness.
    shape
        Voxels along z, y, x.
    scale
        Distance of the coarse grid's nodes in voxels along z, y, x; at least about 1.
    """
    weights = [_spline_weights(n, s) for n, s in zip(shape, scale, strict=True)]
    field = rng.standard_normal([w.shape[1] for w in weights], dtype=np.float32)
    for axis, weight in enumerate(weights):
        field = np.moveaxis(np.tensordot(weight, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field)


def _spline_weights(n: int, scale: float) -> NDArray[np.float32]:
    """Rows of cubic B-spline weights that take coarse nodes to ``n`` voxels, scaled to keep unit variance."""
    position = np.arange(n) / scale
    cell = np.floor(position).astype(int)
    t = position - cell
    basis = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1)
    basis /= np.sqrt((basis**2).sum(axis=1, keepdims=True))
    weights = np.zeros((n, cell[-1] + 4), dtype=np.float32)
    np.put_along_axis(weights, cell[:, None] + np.arange(4), basis.astype(np.float32), axis=1)
    return weights
