"""Instances of a label map: connected components, and where each label lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lesionlocator import _core
from lesionlocator.geometry import Box, Point

Labels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]


@dataclass(frozen=True)
class Region:
    """The voxels of one label: how many, the smallest box around them, their mean position (z, y, x)."""

    label: int
    voxels: int
    box: Box
    centroid: Point


def connected_components(labels: Labels) -> NDArray[np.uint32]:
    """Return the 26-connected components of the nonzero voxels (z, y, x), numbered in raster order."""
    components = np.zeros(labels.shape, dtype=np.uint32)
    _core.components_label(labels, components, connectivity=26)
    return components


def regions(labels: Labels) -> list[Region]:
    """Return the regions of the labels that occur (z, y, x; 0 is background), by ascending label."""
    found = zip(*(values.tolist() for values in _core.components_statistics(labels)), strict=True)
    return [
        Region(label, voxels, Box((z[0], y[0], x[0]), (z[1], y[1], x[1])), (cz, cy, cx))
        for label, voxels, (z, y, x), (cz, cy, cx) in found
    ]
