"""A lesion as a scan showed it, with what is around it, and where a later scan may show the same."""

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

_AROUND_MM = 8.0
"""How far from a lesion its surroundings reach."""


@dataclass(frozen=True, eq=False)
class Appearance:
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
    def of(cls, scan: Scan, mask: LesionMask) -> Appearance:
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


def surroundings(
    appearance: Appearance, expected: LesionMask, geometry: Geometry
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return voxels of a place and around it, (n, 3), and their offsets from its centroid, LPS mm.

    They lie where the lesion and what is within 8 mm of it would lie, on a grid that may end before.
    """
    block = _around(expected.box, geometry)
    points = np.argwhere(np.ones(block.shape, np.bool_)) + np.asarray(block.start)
    centre = np.argwhere(expected.region).mean(axis=0) + expected.box.start
    offsets = geometry.voxel_to_lps(points) - geometry.voxel_to_lps(centre)
    near = sampled(appearance.outside_mm, appearance.at(offsets), outside=np.inf) <= _AROUND_MM
    return points[near], offsets[near]


def sampled(
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


def _around(box: Box, geometry: Geometry) -> Box:
    """Return a box with what is around it."""
    margin = [int(np.ceil(_AROUND_MM / mm)) + 2 for mm in geometry.spacing]
    (z0, y0, x0), (z1, y1, x1) = box.start, box.stop
    z, y, x = margin
    return Box((z0 - z, y0 - y, x0 - x), (z1 + z, y1 + y, x1 + x))
