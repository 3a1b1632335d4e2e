"""Taking a lesion out of a scan: what may have been there before it, and the noise of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.synthetic.fields import soften

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EVEN = (0.25, 0.25, 0.25)
_POLISH = 6
_LARGEST_GRAIN_HU = 40.0


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


def grain(hounsfield: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the noise of a scan, HU: what smoothing takes away, edges left out."""
    smooth = soften(soften(hounsfield, _EVEN), _EVEN)
    return np.clip(hounsfield - smooth, -_LARGEST_GRAIN_HU, _LARGEST_GRAIN_HU)


def grown(mask: NDArray[np.bool_], voxels: int) -> NDArray[np.bool_]:
    """Return a mask with every voxel within ``voxels`` steps along the axes."""
    out = mask.copy()
    for _ in range(voxels):
        wider = out.copy()
        for axis in range(3):
            along, from_ = np.moveaxis(wider, axis, 0), np.moveaxis(out, axis, 0)
            along[1:] |= from_[:-1]
            along[:-1] |= from_[1:]
        out = wider
    return out


def without(
    rng: np.random.Generator,
    hounsfield: NDArray[np.float32],
    lesion: NDArray[np.bool_],
    ignored: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return a block with a lesion and its blurred edge replaced by what is around it, noise included.

    Parameters
    ----------
    rng
        Source of the noise.
    hounsfield, lesion
        The block, z, y, x, and the lesion in it.
    ignored
        What the surroundings are not taken from, such as other lesions.
    """
    hole = grown(lesion, 1) & ~(ignored & ~lesion)
    known = ~hole & ~ignored
    healthy = filled(hounsfield, known)
    ring = grown(hole, 2) & known
    level = float(grain(hounsfield)[ring].std()) if ring.any() else 0.0
    noise = soften(rng.standard_normal(hounsfield.shape, dtype=np.float32), (0.1, 0.1, 0.1))
    noise *= np.float32(level / max(float(noise.std()), 1e-6))
    return np.where(hole, healthy + noise, hounsfield)


def _pooled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sums over blocks of 2 x 2 x 2, the last ones maybe smaller."""
    padded = np.pad(values, [(0, n % 2) for n in values.shape])
    z, y, x = (n // 2 for n in padded.shape)
    pooled: NDArray[np.float32] = padded.reshape(z, 2, y, 2, x, 2).sum(axis=(1, 3, 5))
    return pooled
