"""A scan along the patient's axes, whatever its axes are as stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lesionlocator.geometry import Orientation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Box, Point
    from lesionlocator.io import Scan
    from lesionlocator.planes import UprightMask
    from lesionlocator.results.lesion import LesionMask


@dataclass(frozen=True, eq=False)
class UprightScan:
    """A scan with z, y, x towards superior, posterior and left; positions are given in the scan as stored."""

    scan: Scan

    @property
    def orientation(self) -> Orientation:
        """What takes the stored axes to the upright ones."""
        return Orientation.canonical(self.scan.geometry)

    @property
    def voxels(self) -> NDArray[Any]:
        """The voxels along upright axes; a view."""
        return self.orientation.view(self.scan.voxels)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size along upright axes, in mm."""
        return self.orientation.geometry(self.scan.geometry).spacing

    def point(self, stored: Point) -> Point:
        """Take a position in the scan as stored to upright axes."""
        return self.orientation.point(stored, self.scan.geometry.shape)

    def box(self, stored: Box) -> Box:
        """Take a box in the scan as stored to upright axes."""
        return self.orientation.box(stored, self.scan.geometry.shape)

    def mask(self, mask: LesionMask) -> UprightMask:
        """Return a mask's block and its box along upright axes."""
        return self.orientation.view(mask.region) > 0, self.box(mask.box)
