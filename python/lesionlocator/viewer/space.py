"""From what a window shows to a scan as stored: upright axes, millimetres, and boxes drawn on a slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.geometry import Box
from lesionlocator.results.upright import UprightScan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from lesionlocator.geometry import Point
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask


@dataclass(frozen=True, eq=False)
class Space:
    """The space in which a scan is shown.

    Its axes z, y, x run most nearly towards superior, posterior and left; positions are in mm from the
    centre of the first voxel of that order. An oblique scan is shown along its own axes.
    """

    scan: Scan

    @property
    def upright(self) -> UprightScan:
        """The scan along these axes."""
        return UprightScan(self.scan)

    def to_stored(self, shown: ArrayLike) -> Point:
        """Take a position in mm to voxels of the scan as stored, z, y, x."""
        upright = self.upright
        geometry = upright.orientation.geometry(self.scan.geometry)
        z, y, x = (np.asarray(shown, np.float64) / upright.spacing).tolist()
        return upright.orientation.inverse.point((z, y, x), geometry.shape)

    def to_shown(self, stored: Point) -> Point:
        """Take a position in voxels of the scan as stored to mm."""
        z, y, x = np.multiply(self.upright.point(stored), self.upright.spacing).tolist()
        return z, y, x

    def to_lps(self, shown: ArrayLike) -> NDArray[np.float64]:
        """Take a position in mm to the patient: LPS mm, ordered x, y, z."""
        return self.scan.geometry.voxel_to_lps(self.to_stored(shown))

    def from_lps(self, place: ArrayLike) -> Point:
        """Take a position in the patient to mm."""
        z, y, x = self.scan.geometry.lps_to_voxel(place).tolist()
        return self.to_shown((z, y, x))

    def drawn_box(
        self, corner: ArrayLike, opposite: ArrayLike, axis: int, *, depth_mm: float | None = None
    ) -> Box:
        """Return the block of voxels of a rectangle that was drawn on a slice, as stored.

        Parameters
        ----------
        corner, opposite
            Two corners, in mm.
        axis
            Across the slice: 0 for an axial one, 1 for a coronal, 2 for a sagittal one.
        depth_mm
            Extent across the slice, half of it on either side; None for the shorter side of the rectangle.
            At least the slice itself is in the box.

        Raises
        ------
        PromptError
            Where a coordinate is not finite.
        """
        low, high = np.minimum(corner, opposite), np.maximum(corner, opposite)
        sides = np.delete(high - low, axis)
        half = (float(sides.min()) if depth_mm is None else depth_mm) / 2
        low[axis] -= half
        high[axis] += half
        spacing = np.asarray(self.upright.spacing)
        start = np.floor(low / spacing + 0.5).astype(int)
        stop = np.floor(high / spacing + 0.5).astype(int) + 1
        shown = Box(_triple(start), _triple(stop))
        return self.upright.orientation.restored_box(shown, self.scan.geometry.shape)


class LabelPicture:
    """All lesions of a scan in one array, which is kept up to date block by block.

    Parameters
    ----------
    space
        Of the scan.
    """

    def __init__(self, space: Space) -> None:
        self._stored = np.zeros(space.scan.geometry.shape, np.uint16)
        self.shown: NDArray[np.uint16] = space.upright.orientation.view(self._stored)
        self._drawn: dict[int, LesionMask] = {}

    def draw(self, masks: dict[int, LesionMask]) -> None:
        """Show these lesions; of two that share a voxel, the one with the higher id is seen."""
        for mask in self._drawn.values():
            self._stored[mask.box.slices] = 0
        for lesion_id, mask in sorted(masks.items()):
            self._stored[mask.box.slices][mask.region > 0] = lesion_id
        self._drawn = dict(masks)


def _triple(values: NDArray[Any] | Sequence[int]) -> tuple[int, int, int]:
    z, y, x = (int(value) for value in values)
    return z, y, x
