"""Whether a follow-up still shows a lesion where registration expects it.

A segmentation model that is prompted by a box answers with some mask also where nothing is left to find. So
the place is drawn twice, from the scan that last showed the lesion: with the lesion, and with its hole filled
from what is around it. How much of the difference between both the follow-up shows tells whether the lesion
is there.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.following.appearance import Appearance, sampled, surroundings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask

LEAST_LEFT = 0.25
"""Share of a lesion below which it counts as gone; see docs/decisions/0008-gone-lesions.md."""

_TELLING_HU = 10.0
"""How much a lesion has to stand out from what is around it to say anything: less may be noise."""
_SIZES = (0.65, 1.0)
"""Lengths of the lesion that are tried: it may have shrunk. One that has grown shows what it was."""
_SHIFTS_MM = (-6.0, -3.0, 0.0, 3.0, 6.0)
_LARGEST_SHIFT_MM = 7.0
"""How far a registration may be off."""
_LEAST_IN_VIEW = 0.6
_MOST_VOXELS = 20000


def remaining_share(appearance: Appearance, followup: Scan, expected: LesionMask) -> float | None:
    """Return which share of a lesion a follow-up shows: about 1 where it has not changed, 0 where it is gone.

    Around where the lesion is expected, and some millimetres off, the follow-up is compared with the block
    that last showed it and with the same block without it. At the shift and size at which either fits
    best, the share is the factor by which the difference of both has to be taken to fit the follow-up.

    Parameters
    ----------
    appearance
        The lesion as it was last seen.
    followup, expected
        The later scan, and where in it registration puts the lesion.

    Returns
    -------
    float or None
        None where the lesion stood out too little to tell, or the follow-up does not show its place.
    """
    points, offsets = surroundings(appearance, expected, followup.geometry)
    step = max(1, -(-len(points) // _MOST_VOXELS))
    points, offsets = points[::step], offsets[::step]
    background = sampled(appearance.without, appearance.at(offsets))
    alone = appearance.hounsfield - appearance.without
    lesions = [sampled(alone, appearance.at(offsets / size), outside=0.0) for size in _SIZES]
    is_around = lesions[-1] == 0
    if not len(points) or _typical(alone[appearance.lesion]) < _TELLING_HU or not is_around.any():
        return None
    best, share = np.inf, None
    for shift in _shifts(followup.geometry):
        inside = np.all((points + shift >= 0) & (points + shift < followup.geometry.shape), axis=1)
        if inside.mean() < _LEAST_IN_VIEW or not (inside & is_around).any():
            continue
        z, y, x = (points[inside] + shift).T
        change = followup.voxels[z, y, x] - background[inside]
        change -= np.median(change[is_around[inside]])  # of another contrast phase
        drawn = [lesion[inside] for lesion in lesions]
        error = min(float(np.abs(change - one).mean()) for one in (0.0, *drawn))
        if error < best:
            best, share = error, max(_factor(one, change) for one in drawn)
    return share


def _factor(lesion: NDArray[np.float32], change: NDArray[np.float32]) -> float:
    """Return how often a lesion is in a change, by least squares."""
    power = float(lesion @ lesion)
    return float(lesion @ change) / power if power else 0.0


def _typical(values: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _shifts(geometry: Geometry) -> NDArray[np.int64]:
    """Return the shifts in voxels that are tried, (n, 3)."""
    shifts = np.array([s for s in itertools.product(_SHIFTS_MM, repeat=3)])
    shifts = shifts[np.linalg.norm(shifts, axis=1) <= _LARGEST_SHIFT_MM]
    return np.unique(np.rint(shifts / np.asarray(geometry.spacing)).astype(np.int64), axis=0)
