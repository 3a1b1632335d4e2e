"""Planes through a volume as pictures of square pixels, and the masks in them."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Box, Point

UprightMask = tuple["NDArray[np.bool_]", "Box"]
"""What is in a box along upright axes, and the box."""
OUTLINE = (255, 200, 40)
"""Color of outlines: red, green, blue."""


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
_PROJECTION = Window("projection", 250, 900)
_OUTSIDE = -1024.0


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


def projection(
    voxels: NDArray[Any], spacing: tuple[float, float, float], masks: Sequence[UprightMask], pixels: int
) -> tuple[NDArray[np.uint8], list[NDArray[np.bool_]]]:
    """Return the coronal maximum projection of an upright array with the outlines of masks.

    Parameters
    ----------
    voxels
        Shape (z, y, x), towards superior, posterior and left.
    spacing
        Of the voxels, z, y, x in mm.
    masks
        What is to be outlined.
    pixels
        The longer side of the picture.

    Returns
    -------
    tuple
        The picture, shape (height, width, 3), and which of its pixels each mask covers.
    """
    highest = voxels.max(axis=1)
    height_mm, width_mm = highest.shape[0] * spacing[0], highest.shape[1] * spacing[2]
    size = max(height_mm, width_mm) / pixels
    rows = highest.shape[0] - 0.5 - (np.arange(max(1, round(height_mm / size))) + 0.5) * size / spacing[0]
    columns = (np.arange(max(1, round(width_mm / size))) + 0.5) * size / spacing[2] - 0.5
    nearest = np.ix_(
        np.clip(np.rint(rows), 0, highest.shape[0] - 1).astype(int),
        np.clip(np.rint(columns), 0, highest.shape[1] - 1).astype(int),
    )
    picture = rgb(_PROJECTION.gray(bilinear(highest, rows, columns)))
    covered = []
    for region, box in masks:
        shadow = np.zeros(highest.shape, np.bool_)
        shadow[box.slices[0], box.slices[2]] = region.any(axis=1)
        covered.append(shadow[nearest])
        picture[outline(covered[-1])] = OUTLINE
    return picture, covered


def rgb(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a gray picture in colors, shape (height, width, 3)."""
    return np.repeat(gray[..., None], 3, axis=2)


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture of shape (height, width, 3) as a PNG file."""
    height, width, _ = picture.shape
    lines = np.zeros((height, 1 + 3 * width), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = picture.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def data_url(picture: NDArray[np.uint8]) -> str:
    """Return a picture as the source of an ``<img>``."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode('ascii')}"


def _neighbours(
    positions: NDArray[np.float64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    clamped = np.clip(positions, 0, size - 1)
    low = np.floor(clamped).astype(np.int64)
    return low, np.minimum(low + 1, size - 1), (clamped - low).astype(np.float32)


def _mix(first: NDArray[Any], second: NDArray[Any], share: NDArray[np.float32]) -> NDArray[np.float32]:
    start = first.astype(np.float32)
    return start + (second.astype(np.float32) - start) * share
