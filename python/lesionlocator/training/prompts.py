"""Prompts as people draw them: boxes a little off, clicks off centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import soften
from lesionlocator.geometry import Box, Shape
from lesionlocator.synthetic.fields import smooth_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDE = (0.25, 0.25, 0.25)
_STABLE_FRACTION = 0.5
_STABLE, _CHANGED, _MOST_CHANGE = 0.05, 0.3, 0.7
"""Standard deviations, and the limit, of the logarithm of the diameter that a lesion had before."""


def exact_box(mask: NDArray[np.bool_]) -> Box:
    """Return the bounding box of a mask (not empty)."""
    where = np.argwhere(mask)
    return _box(where.min(axis=0), where.max(axis=0) + 1, mask.shape)


def rough_box(rng: np.random.Generator, mask: NDArray[np.bool_]) -> Box:
    """Return a box around a mask (not empty), each side off by about 6 % of its length plus half a voxel."""
    where = np.argwhere(mask)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    extent = high - low
    spread = 0.06 * extent + 0.5
    limit = np.maximum((extent - 1) // 4, 0)  # never cut away much of a small lesion
    inward, outward = -limit, np.ceil(3 * spread)
    first, last = (
        np.clip(np.rint(rng.normal(0.3 * spread, spread)), inward, outward).astype(int) for _ in range(2)
    )
    return _box(low - first, high + last, mask.shape)


def on_model_grid(rng: np.random.Generator, box: Box) -> Box:
    """Return a box as it is on the model's grid: out to whole voxels, and one more on each side.

    Sides drawn on a scan's grid lie anywhere between those of the model's, so that half of them, at random,
    are taken a voxel further out.
    """
    outward = rng.integers(1, 3, (2, 3))
    (z, y, x), (i, j, k) = (np.array(box.start) - outward[0]).tolist(), (box.stop + outward[1]).tolist()
    return Box((z, y, x), (i, j, k))


def exact_point(mask: NDArray[np.bool_]) -> Shape:
    """Return the voxel nearest to the centroid of a mask (not empty)."""
    z, y, x = (int(v) for v in np.rint(np.argwhere(mask).mean(axis=0)))
    return z, y, x


def rough_point(rng: np.random.Generator, mask: NDArray[np.bool_]) -> Shape:
    """Return a voxel of a mask, drawn near its centroid."""
    where = np.argwhere(mask)
    aim = where[rng.integers(len(where), size=3)].mean(axis=0)
    z, y, x = (int(v) for v in where[int(np.argmin(((where - aim) ** 2).sum(axis=1)))])
    return z, y, x


def rough_mask(rng: np.random.Generator, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask as an earlier scan has it: of a lesion that changed since, moved, its edge redrawn.

    Half of the lesions hardly change; the diameter of the others was between half and twice as large.
    """
    z, y, x = mask.shape
    before = _scaled(mask, _earlier_size(rng)).astype(np.float32)
    soft = before
    for _ in range(3):
        soft = soften(soft, (0.25, 0.25, 0.25))
    soft += np.float32(rng.uniform(0, 0.2)) * smooth_noise(rng, (z, y, x), (5.0, 5.0, 5.0))
    redrawn = (soft > rng.uniform(0.35, 0.6)) & (soften(soften(before, _WIDE), _WIDE) > 0)
    extent = np.ptp(np.argwhere(mask), axis=0) + 1
    shift = np.rint(rng.normal(0, 0.3 + 0.02 * extent)).astype(int)
    moved = _moved(redrawn if redrawn.any() else before > 0, shift)
    return moved if moved.any() else mask


def _earlier_size(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how large a lesion was along each axis, in what it measures now."""
    spread = _STABLE if rng.random() < _STABLE_FRACTION else _CHANGED
    change = np.clip(rng.normal(0, spread), -_MOST_CHANGE, _MOST_CHANGE)
    factors: NDArray[np.float64] = np.exp(change + rng.normal(0, _STABLE, 3))
    return factors


def _scaled(mask: NDArray[np.bool_], factors: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a mask stretched about its centroid; what leaves the grid is cut off."""
    center, padded = np.argwhere(mask).mean(axis=0), np.pad(mask, 1)
    sources = [
        np.rint(c + (np.arange(n) - c) / f).astype(int).clip(-1, n) + 1
        for c, n, f in zip(center, mask.shape, factors, strict=True)
    ]
    stretched: NDArray[np.bool_] = padded[np.ix_(*sources)]
    return stretched


def _moved(mask: NDArray[np.bool_], shift: NDArray[np.int64]) -> NDArray[np.bool_]:
    out = np.zeros_like(mask)
    to = tuple(slice(max(s, 0), n + min(s, 0)) for s, n in zip(shift.tolist(), mask.shape, strict=True))
    source = tuple(slice(max(-s, 0), n + min(-s, 0)) for s, n in zip(shift.tolist(), mask.shape, strict=True))
    out[to] = mask[source]
    return out


def _box(start: NDArray[np.int64], stop: NDArray[np.int64], shape: tuple[int, ...]) -> Box:
    first = [int(v) for v in np.clip(start, 0, np.array(shape) - 1)]
    last = [max(int(v), f + 1) for v, f in zip(np.minimum(stop, shape), first, strict=True)]
    return Box((first[0], first[1], first[2]), (last[0], last[1], last[2]))
