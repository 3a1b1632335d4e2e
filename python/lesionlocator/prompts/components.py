"""Instances of a label map: connected components, and where each label lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def regions(labels: Labels) -> list[Region]:
    """Return the regions of the labels that occur (z, y, x; 0 is background), by ascending label."""
    return _regions(_core.components_statistics(labels))


def component_regions(mask: Labels, out: Labels | None = None) -> list[Region]:
    """Return the 26-connected components of the nonzero voxels (z, y, x), numbered by their first voxel.

    With ``out``, zeros of the mask's shape, the numbers are written there too.
    """
    return _regions(_core.components_instances(mask, connectivity=26, out=out))


def lesion_regions(labels: Labels) -> list[Region]:
    """Return the regions of the labels, or, where the only one is 1, of the 26-connected components."""
    found = regions(labels)
    return component_regions(labels) if is_unnumbered(found) else found


def is_unnumbered(found: Sequence[Region]) -> bool:
    """Say whether the only label of a map is 1, so that its connected components are the lesions."""
    return [region.label for region in found] == [1]


def _regions(statistics: tuple[NDArray[Any], ...]) -> list[Region]:
    found = zip(*(values.tolist() for values in statistics), strict=True)
    return [
        Region(label, voxels, Box((z[0], y[0], x[0]), (z[1], y[1], x[1])), (cz, cy, cx))
        for label, voxels, (z, y, x), (cz, cy, cx) in found
    ]
