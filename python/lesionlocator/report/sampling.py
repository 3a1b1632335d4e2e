"""Planes through a scan as pictures of square pixels, and the masks in them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.geometry import Orientation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Box, Point
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask


class Plane(Enum):
    """A plane of the patient: its axis, and which axes run down and across its picture.

    As radiologists look at it: the patient's left is on the right, superior or anterior is up.
    """

    AXIAL = (0, 1, 2)
    CORONAL = (1, 0, 2)
    SAGITTAL = (2, 0, 1)


@dataclass(frozen=True)
class Window:
    """Which values are seen: those around ``level`` over a range of ``width``."""

    name: str
    level: float
    width: float

    def gray(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return values as gray from 0 to 255."""
        share = (values - (self.level - self.width / 2)) / self.width
        return (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)


SOFT_TISSUE = Window("soft tissue", 40, 400)
LUNG = Window("lung", -600, 1500)
_OUTSIDE = -1024.0


@dataclass(frozen=True, eq=False)
class UprightScan:
    """A scan with z, y, x towards superior, posterior and left; positions are given in the scan as stored."""

    scan: Scan

    @property
    def orientation(self) -> Orientation:
        """What takes the stored axes to the upright ones."""
        return Orientation.canonical(self.scan.geometry)

    def point(self, stored: Point) -> Point:
        """Take a position in the scan as stored to upright axes."""
        return self.orientation.point(stored, self.scan.geometry.shape)

    def box(self, stored: Box) -> Box:
        """Take a box in the scan as stored to upright axes."""
        return self.orientation.box(stored, self.scan.geometry.shape)


@dataclass(frozen=True)
class Frame:
    """A square picture of a plane.

    Parameters
    ----------
    plane
        Which plane.
    centre
        Position at the middle of the picture, upright z, y, x in voxels; the plane goes through its voxel.
    side_mm
        What the picture covers.
    pixels
        Its size.
    spacing
        Of the upright scan, z, y, x in mm.
    """

    plane: Plane
    centre: Point
    side_mm: float
    pixels: int
    spacing: tuple[float, float, float]

    def positions(self, axis: int) -> NDArray[np.float64]:
        """Return the positions in voxels of the pixels along an axis; z runs upwards in pictures."""
        steps = (np.arange(self.pixels) - (self.pixels - 1) / 2) * self.side_mm / self.pixels
        signed = -steps if axis == 0 else steps
        return self.centre[axis] + signed / self.spacing[axis]

    def pixel(self, point: Point) -> tuple[float, float]:
        """Return where a position falls: pixels across and down."""
        _, down, across = self.plane.value
        at = [
            (point[axis] - self.centre[axis]) * self.spacing[axis] * self.pixels / self.side_mm
            for axis in (across, down)
        ]
        middle = (self.pixels - 1) / 2
        return middle + at[0], middle + (-at[1] if down == 0 else at[1])

    def values(self, voxels: NDArray[Any]) -> NDArray[np.float32]:
        """Return the values of an upright array in the picture, linear between voxels; air outside."""
        axis, down, across = self.plane.value
        place = min(max(round(self.centre[axis]), 0), voxels.shape[axis] - 1)
        return bilinear(np.moveaxis(voxels, axis, 0)[place], self.positions(down), self.positions(across))

    def covers(self, mask: NDArray[np.bool_], box: Box) -> NDArray[np.bool_]:
        """Return which pixels lie in voxels of a mask, given as an upright box and what is in it."""
        axis, down, across = self.plane.value
        place = round(self.centre[axis]) - box.start[axis]
        inside = np.zeros((self.pixels, self.pixels), np.bool_)
        if not 0 <= place < mask.shape[axis]:
            return inside
        section = np.moveaxis(mask, axis, 0)[place]
        rows = np.floor(self.positions(down) + 0.5).astype(int) - box.start[down]
        columns = np.floor(self.positions(across) + 0.5).astype(int) - box.start[across]
        in_rows = (rows >= 0) & (rows < section.shape[0])
        in_columns = (columns >= 0) & (columns < section.shape[1])
        inside[np.ix_(in_rows, in_columns)] = section[np.ix_(rows[in_rows], columns[in_columns])]
        return inside


def bilinear(
    section: NDArray[Any], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return values at all pairs of row and column positions, linear between pixels; air outside."""
    (above, below, row_share), (left, right, column_share) = (
        _neighbours(rows, section.shape[0]),
        _neighbours(columns, section.shape[1]),
    )
    upper = _mix(section[np.ix_(above, left)], section[np.ix_(above, right)], column_share)
    lower = _mix(section[np.ix_(below, left)], section[np.ix_(below, right)], column_share)
    values = _mix(upper, lower, row_share[:, None])
    for axis, (positions, size) in enumerate(((rows, section.shape[0]), (columns, section.shape[1]))):
        outside = (positions < -0.5) | (positions > size - 0.5)
        values[(slice(None),) * axis + (outside,)] = _OUTSIDE
    return values


def outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a mask that have a neighbour beside them outside of it."""
    padded = np.pad(inside, 1)
    surrounded = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~surrounded


def upright_mask(mask: LesionMask, upright: UprightScan) -> tuple[NDArray[np.bool_], Box]:
    """Return a mask's block and its box along upright axes."""
    return upright.orientation.view(mask.region) > 0, upright.box(mask.box)


def _neighbours(
    positions: NDArray[np.float64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    clamped = np.clip(positions, 0, size - 1)
    low = np.floor(clamped).astype(np.int64)
    return low, np.minimum(low + 1, size - 1), (clamped - low).astype(np.float32)


def _mix(first: NDArray[Any], second: NDArray[Any], share: NDArray[np.float32]) -> NDArray[np.float32]:
    start = first.astype(np.float32)
    return start + (second.astype(np.float32) - start) * share
