"""Taking a lesion out of a scan: what may have been there before it, and the noise of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import filled, grown, soften

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EVEN = (0.25, 0.25, 0.25)
_LARGEST_GRAIN_HU = 40.0


def grain(hounsfield: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the noise of a scan, HU: what smoothing takes away, edges left out."""
    smooth = soften(soften(hounsfield, _EVEN), _EVEN)
    return np.clip(hounsfield - smooth, -_LARGEST_GRAIN_HU, _LARGEST_GRAIN_HU)


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
