"""What is measured of a lesion, from just the block of the scan that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lesionlocator import _core
from lesionlocator.geometry import Box, Geometry, Orientation, Point, Shape, Triple

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask

DECIMALS = 4
"""Of a number in a file: a tenth of a micrometre."""


@dataclass(frozen=True)
class Diameter:
    """A line through a lesion.

    Parameters
    ----------
    length_mm
        Distance of the ends.
    ends_voxel
        Both ends in voxels of the scan as stored, z, y, x; they lie at voxel centres or between them.
    ends_lps_mm
        Both ends in the patient, x, y, z.
    """

    length_mm: float
    ends_voxel: tuple[Point, Point]
    ends_lps_mm: tuple[Triple, Triple]


@dataclass(frozen=True)
class Measurements:
    """What is measured of a lesion that has voxels.

    Parameters
    ----------
    voxels, volume_ml
        Size.
    centroid_voxel, centroid_lps_mm
        Mean position of the voxels: z, y, x in the scan as stored; x, y, z in the patient.
    box
        The smallest box around the voxels of the scan as stored.
    longest_diameter
        The longest line between voxel centres within one axial slice.
    perpendicular_diameter
        The longest line at a right angle to it in the same slice.
    hu_mean, hu_sd
        Mean and standard deviation (of the population) of the scan's values.
    touches_border
        Whether a voxel lies in the first or last plane of the scan along any axis: the lesion may go on.
    """

    voxels: int
    volume_ml: float
    centroid_voxel: Point
    centroid_lps_mm: Triple
    box: Box
    longest_diameter: Diameter
    perpendicular_diameter: Diameter
    hu_mean: float
    hu_sd: float
    touches_border: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers, rounded, under names that hold unit and axis order."""
        return {
            "volume_ml": round(self.volume_ml, 6),
            "voxels": self.voxels,
            "centroid_lps_mm": _rounded(self.centroid_lps_mm),
            "centroid_voxel": _rounded(self.centroid_voxel),
            "box_start_voxel": list(self.box.start),
            "box_stop_voxel": list(self.box.stop),
            **diameter_dict("longest_diameter", self.longest_diameter),
            **diameter_dict("perpendicular_diameter", self.perpendicular_diameter),
            "hu_mean": round(self.hu_mean, DECIMALS),
            "hu_sd": round(self.hu_sd, DECIMALS),
            "touches_border": self.touches_border,
        }


BLANK_LINE = Diameter(0.0, ((0.0,) * 3, (0.0,) * 3), ((0.0,) * 3, (0.0,) * 3))
BLANK = Measurements(
    1, 0.0, (0.0,) * 3, (0.0,) * 3, Box((0, 0, 0), (1, 1, 1)), BLANK_LINE, BLANK_LINE, 0.0, 0.0, False
)
"""Stands for any measurements where only their names are asked for."""


def measure(mask: LesionMask, scan: Scan) -> Measurements | None:
    """Measure a lesion.

    Parameters
    ----------
    mask
        The lesion.
    scan
        The scan that it was found in.

    Returns
    -------
    Measurements or None
        None where the mask has no voxel.
    """
    ids, _, boxes, centroids = _core.components_statistics(mask.region)
    if not len(ids):
        return None
    (z0, z1), (y0, y1), (x0, x1) = boxes[0].tolist()
    inner = Box((z0, y0, x0), (z1, y1, x1))
    region = np.ascontiguousarray(mask.region[inner.slices])
    box = inner.shifted(mask.box.start)
    geometry = scan.geometry
    values = cast("NDArray[np.float32]", np.ascontiguousarray(scan.voxels[box.slices]))  # or int16
    voxels, mean, sd, _, _ = _core.measure_intensity(values, region)
    centroid = triple(centroids[0] + mask.box.start)
    longest, perpendicular = _diameters(region, box, geometry)
    return Measurements(
        voxels=voxels,
        volume_ml=voxels * geometry.voxel_volume_ml,
        centroid_voxel=centroid,
        centroid_lps_mm=triple(geometry.voxel_to_lps(centroid)),
        box=box,
        longest_diameter=longest,
        perpendicular_diameter=perpendicular,
        hu_mean=mean,
        hu_sd=sd,
        touches_border=_touches_border(box, geometry.shape),
    )


def _diameters(region: NDArray[np.uint8], box: Box, geometry: Geometry) -> tuple[Diameter, Diameter]:
    """Measure in the plane whose normal is the stored axis nearest to the patient's superior direction."""
    orientation = Orientation.canonical(geometry)
    oriented = orientation.geometry(geometry)
    axial = cast("NDArray[np.uint8]", np.ascontiguousarray(orientation.view(region)))
    found = _core.measure_axial_diameters(axial, spacing=oriented.spacing)
    if found is None:
        raise ValueError("an empty mask has no diameter")
    plane, *chords = found
    z0, y0, x0 = orientation.box(box, geometry.shape).start

    def diameter(ends: NDArray[np.float64]) -> Diameter:
        in_scan = [
            orientation.inverse.point((float(plane + z0), y + y0, x + x0), oriented.shape)
            for y, x in ends.tolist()
        ]
        world = geometry.voxel_to_lps(in_scan)
        length = float(np.linalg.norm(world[1] - world[0]))
        return Diameter(length, (in_scan[0], in_scan[1]), (triple(world[0]), triple(world[1])))

    return diameter(chords[0]), diameter(chords[1])


def _touches_border(box: Box, shape: Shape) -> bool:
    return any(
        start == 0 or stop == size for start, stop, size in zip(box.start, box.stop, shape, strict=True)
    )


def diameter_dict(name: str, diameter: Diameter) -> dict[str, Any]:
    """Return a line's length and ends, rounded, under names that hold unit and axis order."""
    return {
        f"{name}_mm": round(diameter.length_mm, DECIMALS),
        f"{name}_ends_lps_mm": [_rounded(end) for end in diameter.ends_lps_mm],
        f"{name}_ends_voxel": [_rounded(end) for end in diameter.ends_voxel],
    }


def _rounded(values: Triple) -> list[float]:
    return [round(value, DECIMALS) + 0.0 for value in values]  # -0.0 becomes 0.0


def triple(values: ArrayLike) -> Triple:
    """Return three numbers as a position."""
    a, b, c = (float(value) for value in np.asarray(values))
    return a, b, c
