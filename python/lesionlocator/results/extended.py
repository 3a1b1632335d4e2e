"""More measurements of a lesion than a segmentation needs: its surface, its extent in 3D, its percentiles."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lesionlocator import _core
from lesionlocator.errors import InputError, KernelError
from lesionlocator.io import LabelMap
from lesionlocator.prompts.components import Region, regions
from lesionlocator.results.documents import flattened
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.measurements import (
    BLANK,
    BLANK_LINE,
    DECIMALS,
    Diameter,
    Measurements,
    diameter_dict,
    measure,
    triple,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Box
    from lesionlocator.io import Scan

PERCENTILES = (0, 5, 10, 25, 50, 75, 90, 95, 100)
"""Of the scan's values; 0 is the smallest, 100 the largest."""


@dataclass(frozen=True)
class ExtendedMeasurements:
    """What is measured of a lesion that has voxels, and of its surface.

    Parameters
    ----------
    basic
        Size, position, axial diameters, mean and standard deviation.
    longest_diameter_3d
        The longest line between the centres of two voxels in any direction.
    surface_area_mm2
        Area of the mesh of marching cubes half-way between inner and outer voxel centres.
    mesh_volume_ml
        Volume within that mesh.
    sphericity
        Surface of a sphere of the mesh's volume over the mesh's surface: 1 for a sphere, else less.
    hu_percentiles
        The scan's values at :data:`PERCENTILES`, linear between ranks.

    Notes
    -----
    Surface area, mesh volume and sphericity are features C0JK, RNU0 and QCFX of the Image Biomarker
    Standardisation Initiative (Zwanenburg et al., Radiology 2020;295:328). The diameter is its L0JK but for
    the ends: voxel centres instead of corners of the mesh, so that it is never less than the axial one.
    """

    basic: Measurements
    longest_diameter_3d: Diameter
    surface_area_mm2: float
    mesh_volume_ml: float
    sphericity: float
    hu_percentiles: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers, rounded, under names that hold unit and axis order."""
        percentiles = zip(PERCENTILES, self.hu_percentiles, strict=True)
        return {
            **self.basic.as_dict(),
            **diameter_dict("longest_diameter_3d", self.longest_diameter_3d),
            "surface_area_mm2": round(self.surface_area_mm2, DECIMALS),
            "mesh_volume_ml": round(self.mesh_volume_ml, 6),
            "sphericity": round(self.sphericity, 6),
            **{f"hu_percentile_{p}": round(value, DECIMALS) for p, value in percentiles},
        }


def measure_extended(mask: LesionMask, scan: Scan) -> ExtendedMeasurements | None:
    """Measure a lesion and its surface.

    Parameters
    ----------
    mask
        The lesion.
    scan
        The scan that it was found in.

    Returns
    -------
    ExtendedMeasurements or None
        None where the mask has no voxel.
    """
    basic = measure(mask, scan)
    if basic is None:
        return None
    offset = tuple(-start for start in mask.box.start)
    inner = basic.box.shifted((offset[0], offset[1], offset[2]))
    region, geometry = mask.region[inner.slices], scan.geometry
    area, volume = _core.measure_surface(region, spacing=geometry.spacing)
    values = cast("NDArray[np.float32]", scan.voxels[basic.box.slices])  # or int16
    return ExtendedMeasurements(
        basic,
        _longest_diameter(region, basic.box, scan),
        area,
        volume / 1000.0,
        (36 * math.pi * volume**2) ** (1 / 3) / area,
        tuple(_core.measure_percentiles(values, region, PERCENTILES).tolist()),
    )


def measure_labels(labelmap: LabelMap, scan: Scan) -> dict[int, ExtendedMeasurements]:
    """Measure every label of a label map of a scan; several at a time, as many as the kernels have threads.

    Returns
    -------
    dict
        Measurements by label, ascending.

    Raises
    ------
    InputError
        Where the label map is not on the scan's grid.
    """
    difference = labelmap.geometry.difference(scan.geometry)
    if difference is not None:
        raise InputError(
            f"{labelmap.path or 'label map'}: is not on the grid of {scan.path or scan.name}: {difference}"
        )

    def measured(found: Region) -> ExtendedMeasurements | None:
        region = np.ascontiguousarray(labelmap.labels[found.box.slices] == found.label, np.uint8)
        logits = np.broadcast_to(np.float32(0), region.shape)
        return measure_extended(LesionMask(scan.geometry.shape, found.box, region, logits), scan)

    every = regions(labelmap.labels)
    with ThreadPoolExecutor(_core.threads()) as pool:
        results = zip(every, pool.map(measured, every), strict=True)
        return {found.label: one for found, one in results if one is not None}


def components_of(labelmap: LabelMap) -> LabelMap:
    """Return a label map of the 26-connected components of what is not 0, numbered by their first voxel.

    Raises
    ------
    InputError
        Where there are more than 65535.
    """
    labels = np.zeros(labelmap.labels.shape, np.uint16)
    try:
        _core.components_label(labelmap.labels, labels, connectivity=26)
    except KernelError as error:
        raise InputError(f"{labelmap.path or 'label map'}: {error}") from error
    return LabelMap(labels, labelmap.geometry, labelmap.path)


def extended_columns() -> list[str]:
    """Return the columns of a CSV that extended measurements fill."""
    blank = ExtendedMeasurements(BLANK, BLANK_LINE, 0.0, 0.0, 0.0, (0.0,) * len(PERCENTILES))
    return list(flattened(blank.as_dict()))


def _longest_diameter(region: NDArray[np.uint8], box: Box, scan: Scan) -> Diameter:
    found = _core.measure_longest_diameter(region, spacing=scan.geometry.spacing)
    if found is None:
        raise ValueError("an empty mask has no diameter")
    ends = found + np.asarray(box.start)
    world = scan.geometry.voxel_to_lps(ends)
    length = float(np.linalg.norm(world[1] - world[0]))
    return Diameter(length, (triple(ends[0]), triple(ends[1])), (triple(world[0]), triple(world[1])))
