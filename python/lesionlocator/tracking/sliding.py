"""The shift at which two scans of different extent look most alike, found by trying all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.tracking.coarse import CoarseScan

LEAST_OVERLAP = 0.2
"""Share of the smaller scan that a shift must leave in common: less says nothing for certain."""

_AXES = (0, 1, 2)


@dataclass(frozen=True, eq=False)
class Shift:
    """Where two scans look most alike.

    Parameters
    ----------
    offset_mm
        What takes a position in the first scan to the second, z, y, x.
    correlation
        Of the values that both show there, -1 to 1.
    """

    offset_mm: NDArray[np.float64]
    correlation: float


def best_shift(first: CoarseScan, second: CoarseScan) -> Shift:
    """Slide one scan over the other along all three axes and keep the highest correlation.

    Only voxels that both scans show count, for every shift (Padfield, IEEE Trans Image Process 2012;21:2706:
    all shifts at once by Fourier transforms). Both scans have the same spacing.
    """
    shape = tuple(
        _quick_size(a + b - 1) for a, b in zip(first.values.shape, second.values.shape, strict=True)
    )
    correlation, common = _correlations(first, second, shape)
    least = LEAST_OVERLAP * min(first.valid.sum(), second.valid.sum())
    correlation[common < max(least, 1)] = -np.inf
    place = np.unravel_index(int(np.argmax(correlation)), shape)
    # The transform is periodic: shifts beyond the first scan's end are negative ones.
    voxels = np.array(
        [p if p < n else p - s for p, n, s in zip(place, second.values.shape, shape, strict=True)]
    )
    offset = second.origin - first.origin + voxels * second.spacing
    return Shift(offset, float(correlation[place]))


def _correlations(
    first: CoarseScan, second: CoarseScan, shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the correlation for each shift, and how many voxels are common."""
    f, g = first.values.astype(np.float64), second.values.astype(np.float64)
    mean = (f[first.valid].mean() + g[second.valid].mean()) / 2
    f, g = np.where(first.valid, f - mean, 0), np.where(second.valid, g - mean, 0)

    def spectrum(values: NDArray[np.float64]) -> NDArray[np.complex128]:
        return np.fft.rfftn(values, shape, axes=_AXES)

    def summed(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> NDArray[np.float64]:
        return np.fft.irfftn(a * b, shape, axes=_AXES)

    # Each of these arrays is some 25 MB for whole bodies: none is made before it is needed, or kept after.
    ones, others = np.conj(spectrum(first.valid.astype(float))), spectrum(second.valid.astype(float))
    common = np.maximum(np.rint(summed(ones, others)), 0)
    count = np.maximum(common, 1)
    one = np.conj(spectrum(f))
    sum_f = summed(one, others)
    spread = np.maximum(summed(np.conj(spectrum(f**2)), others) - sum_f**2 / count, 0)
    del others
    other = spectrum(g)
    joint = summed(one, other)
    del one
    sum_g = summed(ones, other)
    del other
    joint -= sum_f * sum_g / count
    del sum_f
    spread *= np.maximum(summed(ones, spectrum(g**2)) - sum_g**2 / count, 0)
    del ones, sum_g
    np.sqrt(spread, out=spread)
    # Where one side is flat, what is left is rounding.
    flat = spread <= 1e-6 * count
    return np.where(flat, 0.0, joint / np.where(flat, 1, spread)), common


def _quick_size(size: int) -> int:
    """Return the next size whose only prime factors are 2, 3 and 5, for which the transform is quick."""
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1
