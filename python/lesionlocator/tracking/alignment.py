"""Which slices of two scans show the same part of the body."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.tracking.cube import Window

_TOLERATED_SLICES = 20
"""Scans whose slice counts differ by no more are taken to show the same part."""
_PIXELS_AT_A_TIME = 4096
_ROUNDING = 1e-9
"""Errors (of normalized images) that differ by no more are equal but for rounding."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """Baseline and follow-up along z.

    Parameters
    ----------
    baseline, followup
        Slices of both model grids, brought to the same rows and columns: float32 (slices, rows, columns).
    """

    baseline: NDArray[np.float32]
    followup: NDArray[np.float32]

    def windows(self, *, mirrored: bool = False) -> tuple[Window, Window]:
        """Return the slices of baseline and follow-up to use.

        Where the slice counts differ by more than 20, the longer scan is cut to where the shorter one fits it
        best. The published system never tries the last offset, and of equals it takes the first; in images
        mirrored along z those are the first offset and the last.

        Parameters
        ----------
        mirrored
            Whether the images are mirrored along z; slices are counted unmirrored all the same.
        """
        both = len(self.baseline), len(self.followup)
        if abs(both[0] - both[1]) <= _TOLERATED_SLICES:
            return (0, both[0]), (0, both[1])
        last = len(self._errors) - 1
        first = (
            last - _first_smallest(self._errors[:0:-1]) if mirrored else _first_smallest(self._errors[:-1])
        )
        cut = (first, first + min(both))
        return (cut, (0, both[1])) if both[0] > both[1] else ((0, both[0]), cut)

    @cached_property
    def _errors(self) -> NDArray[np.float64]:
        shorter, longer = sorted((self.baseline, self.followup), key=len)
        return offset_errors(longer, shorter)


def offset_errors(longer: NDArray[np.float32], shorter: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean squared error of each offset of the shorter stack of slices in the longer one.

    The products of all pairs of slices give every offset in one pass over the voxels.

    Parameters
    ----------
    longer, shorter
        float32 (slices, rows, columns) of the same rows and columns.

    Returns
    -------
    ndarray
        float64, one more than the longer has more slices.
    """
    a, b = (stack.reshape(len(stack), -1) for stack in (longer, shorter))
    products = np.zeros((len(a), len(b)))
    for start in range(0, a.shape[1], _PIXELS_AT_A_TIME):
        columns = slice(start, start + _PIXELS_AT_A_TIME)
        products += a[:, columns].astype(np.float64) @ b[:, columns].astype(np.float64).T
    power = np.concatenate(([0.0], np.cumsum([np.square(row, dtype=np.float64).sum() for row in a])))
    own = sum(float(np.square(row, dtype=np.float64).sum()) for row in b)
    offsets = np.arange(len(a) - len(b) + 1)
    common = np.array([np.trace(products, offset=-offset) for offset in offsets])
    return (power[offsets + len(b)] - power[offsets] + own - 2 * common) / b.size


def _first_smallest(errors: NDArray[np.float64]) -> int:
    return int(np.argmax(errors <= errors.min() + _ROUNDING))
