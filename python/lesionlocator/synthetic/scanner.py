"""What a scanner does to a body: finite resolution and noise, and what can be seen through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import soften

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Triple

NOISE_HU = (4.0, 25.0)
_SEEN = 5.0
_SIGMA_PER_MEDIAN = 1.4826
"""Standard deviation of a normal distribution per median of its absolute values."""


@dataclass(frozen=True)
class Scanner:
    """Resolution and noise of a scan.

    Parameters
    ----------
    blur, noise_blur
        How much of a voxel each of its two neighbours gets along z, y, x: of the body, and of the noise.
    noise_hu
        Standard deviation of the noise, HU.
    """

    blur: Triple
    noise_blur: Triple
    noise_hu: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Scanner:
        """Draw a scanner: blurred, more so between slices, with noise that neighbours share."""
        in_plane, between = float(rng.uniform(0.03, 0.2)), float(rng.uniform(0.05, 0.3))
        shared = float(rng.uniform(0, 0.25))
        noise_hu = float(np.exp(rng.uniform(*np.log(NOISE_HU))))
        return cls((between, in_plane, in_plane), (shared, in_plane, in_plane), noise_hu)

    @classmethod
    def that_left(cls, noise: NDArray[np.float32]) -> Scanner:
        """Return the scanner of a scan: its noise, and no further blur, as its voxels are blurred already.

        Parameters
        ----------
        noise
            What :func:`~lesionlocator.synthetic.inpaint.grain` tells of voxels in the body, HU, any shape.
        """
        level = _SIGMA_PER_MEDIAN * float(np.median(np.abs(noise))) if noise.size else 0.0
        return cls((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), level)

    def scan(self, rng: np.random.Generator, hounsfield: NDArray[np.float32]) -> NDArray[np.int16]:
        """Return a scan, int16, of a body: noise-free HU, float32, z, y, x."""
        noise = soften(rng.standard_normal(hounsfield.shape, dtype=np.float32), self.noise_blur)
        noise *= np.float32(self.noise_hu / max(float(noise.std()), 1e-6))
        return np.clip(np.rint(soften(hounsfield, self.blur) + noise), -1024, 3071).astype(np.int16)

    def shows(self, change: NDArray[np.float32], mask: NDArray[np.bool_]) -> bool:
        """Return whether a reader can see in a scan what a lesion changes.

        Its signal-to-noise ratio, the root of the sum of squared HU over the lesion's voxels by the noise,
        must be at least 5 (Rose, J Opt Soc Am 1948; for known signals Burgess, J Opt Soc Am A 1999).

        Parameters
        ----------
        change, mask
            Noise-free HU with the lesion less those without, and where the lesion is, both z, y, x.
        """
        seen = soften(change, self.blur)[mask]
        return float(np.sqrt(np.square(seen, dtype=np.float64).sum())) >= _SEEN * self.noise_hu
