"""Coordinates as files give them, voxels or mm in the patient, taken to voxels once, at the door."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry, Point, Triple
from lesionlocator.prompts.kinds import coordinate_problem

_EDGE_TOLERANCE = 1e-4
"""An edge this near to a voxel's border, in voxels, lies on it: decimals in a file do not make a box grow."""


class Frame(str, Enum):
    """What the coordinates in a file are measured in."""

    VOXEL = "voxel"
    LPS = "lps"
    RAS = "ras"


@dataclass(frozen=True)
class Coordinates:
    """How positions in a file correspond to voxels of an image as stored.

    Positions in files are ordered x, y, z here, in every frame; voxels of the image z, y, x.

    Parameters
    ----------
    frame
        Voxels, or LPS or RAS mm.
    geometry
        The image's grid; needed for mm.

    Raises
    ------
    InputError
        Where the frame is in mm and there is no geometry.

    Examples
    --------
    >>> image = Geometry((10, 10, 10), spacing=(5.0, 1.0, 2.0), origin_lps=(100.0, 0.0, 0.0))
    >>> Coordinates(Frame.LPS, image).point_to_voxel((104.0, 3.0, 10.0))
    (2.0, 3.0, 2.0)
    >>> Coordinates(Frame.RAS, image).point_from_voxel((2.0, 3.0, 2.0))
    (-104.0, -3.0, 10.0)
    """

    frame: Frame = Frame.VOXEL
    geometry: Geometry | None = None

    def __post_init__(self) -> None:
        if self.frame is not Frame.VOXEL and self.geometry is None:
            raise InputError(f"{self.frame.value.upper()} coordinates need the image, for its geometry")

    def point_to_voxel(self, xyz: Triple) -> Point:
        """Take a position in the file (x, y, z) to voxels (z, y, x)."""
        if self.geometry is None or self.frame is Frame.VOXEL:
            return xyz[::-1]
        return _triple(self.geometry.lps_to_voxel(self._lps(xyz)))

    def point_from_voxel(self, point: Point) -> Triple:
        """Take voxels (z, y, x) to a position in the file (x, y, z)."""
        if self.geometry is None or self.frame is Frame.VOXEL:
            return point[::-1]
        return self._lps(_triple(self.geometry.voxel_to_lps(point)))

    def box_to_voxel(self, low: Triple, high: Triple) -> Box:
        """Take a box between two corners (x, y, z) to voxels.

        In voxels the corners are a half-open block, whole numbers. In mm they are opposite corners of a box
        along the axes of the frame, which becomes the smallest block of voxels that covers it.

        Raises
        ------
        InputError
            Where ``high`` is not above ``low`` along every axis, or a voxel index is not a whole number.
        """
        if self.geometry is None or self.frame is Frame.VOXEL:
            return _whole_box(low[::-1], high[::-1])
        if any(b <= a for a, b in zip(low, high, strict=True)):
            raise InputError(f"box {low} to {high} (x, y, z) is empty or inverted")
        corners = itertools.product(*zip(low, high, strict=True))
        return covering([self.point_to_voxel(_triple(corner)) for corner in corners])

    def box_from_voxel(self, box: Box) -> tuple[Triple, Triple]:
        """Take a box to two corners (x, y, z); in mm, of the smallest box along the frame's axes."""
        if self.geometry is None or self.frame is Frame.VOXEL:
            return box.start[::-1], box.stop[::-1]
        edges = zip(np.subtract(box.start, 0.5), np.subtract(box.stop, 0.5), strict=True)
        corners = [self.point_from_voxel(_triple(corner)) for corner in itertools.product(*edges)]
        return _triple(np.min(corners, axis=0)), _triple(np.max(corners, axis=0))

    def _lps(self, xyz: Triple) -> Triple:
        """Turn RAS to LPS or back, which is the same; LPS stays."""
        x, y, z = xyz
        return (-x, -y, z) if self.frame is Frame.RAS else xyz


VOXELS = Coordinates()


def _whole_box(start: Triple, stop: Triple) -> Box:
    fractions = [value for value in (*start, *stop) if value != int(value)]
    if fractions:
        raise InputError(f"box corner {fractions[0]:g} is not a whole number; boxes are blocks of voxels")
    return Box(_whole(start), _whole(stop))


def covering(corners: list[Point]) -> Box:
    """Return the smallest block of voxels whose outer faces enclose the corners."""
    problem = coordinate_problem(itertools.chain.from_iterable(corners))
    if problem:
        raise InputError(f"{problem} (in voxels)")
    start = np.floor(np.min(corners, axis=0) + 0.5 + _EDGE_TOLERANCE)
    stop = np.ceil(np.max(corners, axis=0) + 0.5 - _EDGE_TOLERANCE)
    return Box(_whole(_triple(start)), _whole(_triple(np.maximum(stop, start + 1))))


def _whole(values: Triple) -> tuple[int, int, int]:
    z, y, x = (int(value) for value in values)
    return z, y, x


def _triple(values: Iterable[float]) -> Triple:
    a, b, c = (float(value) for value in values)
    return a, b, c
