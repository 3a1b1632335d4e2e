"""Whether a follow-up still shows a lesion where registration expects it.

A segmentation model that is prompted by a box answers with some mask also where nothing is left to find. So
the place is drawn twice, from the scan that last showed the lesion: with the lesion, and with its hole filled
from what is around it. How much of the difference between both the follow-up shows tells whether the lesion
is there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.filling import filled, grown
from lesionlocator.geometry import Box, Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask

LEAST_LEFT = 0.25
"""Share of a lesion below which it counts as gone; see docs/decisions/0008-gone-lesions.md."""

_TELLING_HU = 10.0
"""How much a lesion has to stand out from what is around it to say anything: less may be noise."""
_AROUND_MM = 8.0
_SIZES = (0.65, 1.0)
"""Lengths of the lesion that are tried: it may have shrunk. One that has grown shows what it was."""
_SHIFTS_MM = (-6.0, -3.0, 0.0, 3.0, 6.0)
_LARGEST_SHIFT_MM = 7.0
"""How far a registration may be off."""
_LEAST_IN_VIEW = 0.6
_MOST_VOXELS = 20000


@dataclass(frozen=True, eq=False)
class Sight:
    """A lesion as a scan showed it, and no more of the scan than what is around the lesion.

    Parameters
    ----------
    geometry
        The grid of the scan.
    start
        Its voxel at which the block begins.
    hounsfield, lesion
        The block: HU, float32, and bool.
    """

    geometry: Geometry
    start: NDArray[np.int64]
    hounsfield: NDArray[np.float32]
    lesion: NDArray[np.bool_]

    @classmethod
    def of(cls, scan: Scan, mask: LesionMask) -> Sight:
        """Return a lesion of a scan."""
        block = _around(mask.box, scan.geometry).clipped(scan.geometry.shape) or mask.box
        lesion = np.zeros(block.shape, np.bool_)
        z, y, x = (-n for n in block.start)
        lesion[mask.box.shifted((z, y, x)).slices] = mask.region > 0
        hounsfield = scan.voxels[block.slices].astype(np.float32)
        return cls(scan.geometry, np.asarray(block.start), hounsfield, lesion)

    @cached_property
    def blurred(self) -> NDArray[np.bool_]:
        """The lesion with the voxels that it shares with its surroundings."""
        return grown(self.lesion, 1)

    @cached_property
    def without(self) -> NDArray[np.float32]:
        """The block as it may look when the lesion is gone, HU."""
        return filled(self.hounsfield, ~self.blurred)

    @cached_property
    def outside_mm(self) -> NDArray[np.float32]:
        """Distance of each voxel from the lesion, 0 or less inside."""
        import SimpleITK

        sitk: Any = SimpleITK  # SWIG wrappers have no types
        image = sitk.GetImageFromArray(self.blurred.view(np.uint8))
        image.SetSpacing(self.geometry.spacing[::-1])
        distance = sitk.SignedMaurerDistanceMap(image, False, False, True)
        return np.asarray(sitk.GetArrayFromImage(distance), np.float32)

    def at(self, offsets_lps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return positions in the block, (n, 3), of offsets from the lesion's centroid, LPS mm."""
        centre = self.geometry.voxel_to_lps(np.argwhere(self.lesion).mean(axis=0) + self.start)
        return self.geometry.lps_to_voxel(centre + offsets_lps) - self.start


def remaining_share(sight: Sight, followup: Scan, expected: LesionMask) -> float | None:
    """Return which share of a lesion a follow-up shows: about 1 where it has not changed, 0 where it is gone.

    Around where the lesion is expected, and some millimetres off, the follow-up is compared with the block
    that last showed it and with the same block without it. At the shift and size at which either fits
    best, the share is the factor by which the difference of both has to be taken to fit the follow-up.

    Parameters
    ----------
    sight
        The lesion as it was last seen.
    followup, expected
        The later scan, and where in it registration puts the lesion.

    Returns
    -------
    float or None
        None where the lesion stood out too little to tell, or the follow-up does not show its place.
    """
    points, offsets = _places(expected, followup.geometry)
    near = _sampled(sight.outside_mm, sight.at(offsets), outside=np.inf) <= _AROUND_MM
    step = max(1, -(-np.count_nonzero(near) // _MOST_VOXELS))
    points, offsets = points[near][::step], offsets[near][::step]
    background = _sampled(sight.without, sight.at(offsets))
    alone = sight.hounsfield - sight.without
    lesions = [_sampled(alone, sight.at(offsets / size), outside=0.0) for size in _SIZES]
    is_around = lesions[-1] == 0
    if not len(points) or _typical(alone[sight.lesion]) < _TELLING_HU or not is_around.any():
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


def _around(box: Box, geometry: Geometry) -> Box:
    """Return a box with what is around it."""
    margin = [int(np.ceil(_AROUND_MM / mm)) + 2 for mm in geometry.spacing]
    (z0, y0, x0), (z1, y1, x1) = box.start, box.stop
    z, y, x = margin
    return Box((z0 - z, y0 - y, x0 - x), (z1 + z, y1 + y, x1 + x))


def _places(expected: LesionMask, geometry: Geometry) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return voxels around a place, (n, 3), and their offsets from its centroid, LPS mm."""
    block = _around(expected.box, geometry)
    points = np.argwhere(np.ones(block.shape, np.bool_)) + np.asarray(block.start)
    centre = np.argwhere(expected.region).mean(axis=0) + expected.box.start
    return points, geometry.voxel_to_lps(points) - geometry.voxel_to_lps(centre)


def _shifts(geometry: Geometry) -> NDArray[np.int64]:
    """Return the shifts in voxels that are tried, (n, 3)."""
    shifts = np.array([s for s in itertools.product(_SHIFTS_MM, repeat=3)])
    shifts = shifts[np.linalg.norm(shifts, axis=1) <= _LARGEST_SHIFT_MM]
    return np.unique(np.rint(shifts / np.asarray(geometry.spacing)).astype(np.int64), axis=0)


def _sampled(
    block: NDArray[np.float32], positions: NDArray[np.float64], *, outside: float | None = None
) -> NDArray[np.float32]:
    """Return trilinear samples of a block at positions (n, 3); off it, its edge or what is said."""
    last = np.asarray(block.shape) - 1
    clamped = np.clip(positions, 0, last)
    low = np.minimum(clamped.astype(np.int64), np.maximum(last - 1, 0))
    share = (clamped - low).astype(np.float32)
    values = np.zeros(len(positions), np.float32)
    for corner in itertools.product((0, 1), repeat=3):
        weight = np.prod(np.where(np.asarray(corner), share, 1 - share), axis=1)
        z, y, x = np.minimum(low + corner, last).T
        values += weight * block[z, y, x]
    if outside is not None:
        values[(positions != clamped).any(axis=1)] = outside
    return values
