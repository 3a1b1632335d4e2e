"""What a scanner does to a body: finite resolution and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import soften

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOISE_HU = (4.0, 25.0)


def acquire(rng: np.random.Generator, hounsfield: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return a scan of a body: blurred, more so between slices, with noise that neighbours share.

    Parameters
    ----------
    rng
        Decides resolution and noise level.
    hounsfield
        Noise-free HU, float32, z, y, x.
    """
    in_plane, between = float(rng.uniform(0.03, 0.2)), float(rng.uniform(0.05, 0.3))
    sharp = soften(hounsfield, (between, in_plane, in_plane))
    white = rng.standard_normal(hounsfield.shape, dtype=np.float32)
    noise = soften(white, (float(rng.uniform(0, 0.25)), in_plane, in_plane))
    level = np.exp(rng.uniform(*np.log(NOISE_HU)))
    noise *= np.float32(level / max(float(noise.std()), 1e-6))
    return np.clip(np.rint(sharp + noise), -1024, 3071).astype(np.int16)
