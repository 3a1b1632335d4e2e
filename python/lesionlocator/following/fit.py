"""Where a follow-up shows a lesion, once registration has said about where.

Registration aligns bodies, on a coarse grid; a lesion in them it leaves a few millimetres off. What is around
the lesion, and the lesion itself, say where it is.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.following.appearance import Appearance, sampled, surroundings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask

_STEPS_MM = ((3.0, 2), (1.5, 1), (0.75, 1))
"""Distance of the shifts that are tried around the best one so far, and how many to each side."""
_FARTHEST_MM = 7.0
_HU_FOR_A_MM = 0.5
"""How much better a place has to fit that lies a millimetre farther off."""
_LEAST_IN_VIEW = 0.6
_MOST_VOXELS = 3000


def fitted(appearance: Appearance, followup: Scan, expected: LesionMask) -> LesionMask:
    """Return the place of a lesion, moved by up to 7 mm to where the follow-up looks most like it.

    Compared are the lesion with what lies within 8 mm of it, and the same without the lesion, which may be
    gone: the mean absolute difference in HU, less the median difference, as the contrast phase may be
    another.

    Parameters
    ----------
    appearance
        The lesion as it was last seen.
    followup, expected
        The later scan, and where in it registration puts the lesion.
    """
    geometry = followup.geometry
    shift = _shift_mm(appearance, followup, expected)
    centre = np.argwhere(expected.region).mean(axis=0) + expected.box.start
    moved = geometry.lps_to_voxel(geometry.voxel_to_lps(centre) + shift) - centre
    z, y, x = np.rint(moved).astype(int).tolist()
    box = expected.box.shifted((z, y, x))
    return replace(expected, box=box) if box.clipped(geometry.shape) == box else expected


def _shift_mm(appearance: Appearance, followup: Scan, expected: LesionMask) -> NDArray[np.float64]:
    """Return how far off the follow-up shows a lesion, LPS mm; 0 where it shows too little to tell."""
    unmoved = np.zeros(3)
    points, offsets = surroundings(appearance, expected, followup.geometry)
    inside = np.all((points >= 0) & (points < followup.geometry.shape), axis=1)
    if not len(points) or inside.mean() < _LEAST_IN_VIEW:
        return unmoved
    step = max(1, -(-np.count_nonzero(inside) // _MOST_VOXELS))
    points, offsets = points[inside][::step], offsets[inside][::step]
    z, y, x = points.T
    seen = followup.voxels[z, y, x].astype(np.float32)

    def misfit(shift: NDArray[np.float64]) -> float:
        at = appearance.at(offsets - shift)
        drawn = (sampled(block, at) for block in (appearance.hounsfield, appearance.without))
        error = min(float(np.abs(rest - np.median(rest)).mean()) for rest in (seen - one for one in drawn))
        return error + _HU_FOR_A_MM * float(np.linalg.norm(shift))

    best, least = unmoved, misfit(unmoved)
    for step_mm, reach in _STEPS_MM:
        around = best
        for steps in itertools.product(range(-reach, reach + 1), repeat=3):
            shift = around + step_mm * np.array(steps)
            if any(steps) and np.linalg.norm(shift) <= _FARTHEST_MM and (error := misfit(shift)) < least:
                best, least = shift, error
    return best
