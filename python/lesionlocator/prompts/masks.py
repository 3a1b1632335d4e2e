"""Lesions as masks on the model grid, which prompt networks that know a lesion from an earlier scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator import _core
from lesionlocator.geometry import Box, Point, Shape
from lesionlocator.prompts.components import Region, component_regions, is_unnumbered, regions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.preprocessing import ModelGrid

    Labels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class GridMask:
    """The voxels of one lesion on a grid.

    Parameters
    ----------
    box
        The smallest block of the grid that holds all of the lesion.
    region
        uint8 of the box's shape: 1 in the lesion, else 0.
    """

    box: Box
    region: NDArray[np.uint8]

    @classmethod
    def of(cls, region: NDArray[np.uint8], start: Shape) -> GridMask | None:
        """Return the mask of a block that begins at ``start``, or None where no voxel is set."""
        found = _core.components_nonzero_box(region)
        if found is None:
            return None
        tight = Box(*found)
        return cls(tight.shifted(start), np.ascontiguousarray(region[tight.slices]))

    @property
    def voxels(self) -> int:
        """Number of voxels in the lesion."""
        return int(np.count_nonzero(self.region))

    @property
    def points(self) -> NDArray[np.intp]:
        """The voxels, (n, 3)."""
        return np.argwhere(self.region) + np.asarray(self.box.start)

    @property
    def centroid(self) -> Point:
        """Mean position of the voxels, z, y, x."""
        z, y, x = self.points.mean(axis=0).tolist()
        return z, y, x

    def contains(self, points: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which voxels (n, 3) are in the lesion, bool (n,)."""
        inside: NDArray[np.bool_] = np.asarray(
            ((points >= self.box.start) & (points < self.box.stop)).all(axis=1)
        )
        inside[inside] = self.region[tuple((points[inside] - self.box.start).T)] > 0
        return inside

    def cut(self, box: Box) -> GridMask | None:
        """Return the part inside a box, in voxels of the same grid, or None where there is none."""
        common = self.box.intersection(box)
        if common is None:
            return None
        return GridMask.of(self.region[common.shifted(negative(self.box.start)).slices], common.start)

    def moved(self, offset: Shape) -> GridMask:
        """Return the mask moved by some voxels."""
        return GridMask(self.box.shifted(offset), self.region)

    def mirrored(self, axes: Sequence[int], shape: Shape) -> GridMask:
        """Return the mask on the mirrored grid of ``shape``."""
        return GridMask(mirrored_box(self.box, axes, shape), np.flip(self.region, tuple(axes)))

    def render(self, out: NDArray[np.float32], start: Shape) -> None:
        """Set the lesion's voxels to 1 in a patch whose first voxel is ``start`` of the grid."""
        inside = self.cut(Box.whole(_shape(out)).shifted(start))
        if inside is not None:
            out[inside.box.shifted(negative(start)).slices] = inside.region


def masks_from_labels(labels: Labels, grid: ModelGrid) -> dict[int, GridMask]:
    """Return the lesions of a label map (of the scan's shape) on the model grid, by ascending id.

    They are those of the map on the model grid, as :func:`lesion_masks` finds them; labels that vanish there
    are not in the result.
    """
    return lesion_masks(grid.labels(labels))


def lesion_masks(labels: Labels) -> dict[int, GridMask]:
    """Return the lesions of a label map on its own grid, by ascending id.

    Where the only label is 1, the 26-connected components are the lesions, numbered by their first voxel;
    otherwise the labels are the lesions.
    """
    found = regions(labels)
    if is_unnumbered(found):
        return _components(labels[found[0].box.slices], found[0].box.start)
    return _masks(labels, found, (0, 0, 0))


def mask_from_scan(mask: NDArray[np.uint8], grid: ModelGrid) -> GridMask | None:
    """Return a mask (0/1, of the scan's shape) on the model grid, or None where it vanishes there."""
    return GridMask.of(grid.labels(mask).astype(np.uint8, copy=False), (0, 0, 0))


def mask_from_block(region: NDArray[np.uint8], box: Box, grid: ModelGrid) -> GridMask | None:
    """Return a mask that is known on a block of the scan on the model grid.

    Parameters
    ----------
    region, box
        The mask, 0/1, and the block of the scan as stored that it fills.
    grid
        The model grid.

    Returns
    -------
    GridMask
        One voxel in the middle of the block where the mask would vanish; None where the block lies outside
        the region that holds an image.
    """
    found = grid.label_block(region, box)
    if found is None:
        return None
    on_grid, block = found
    mask = GridMask.of(on_grid, block.start)
    if mask is not None:
        return mask
    z, y, x = (block.start[axis] + block.shape[axis] // 2 for axis in range(3))
    return GridMask(Box((z, y, x), (z + 1, y + 1, x + 1)), np.ones((1, 1, 1), np.uint8))


def too_few(voxels: int) -> str:
    """Return why a lesion of some voxels of the scan cannot be used that vanishes on the model grid."""
    return f"{voxels} voxels are too few: they vanish on the model grid"


def mirrored_box(box: Box, axes: Sequence[int], shape: Shape) -> Box:
    """Return a box on the mirrored grid of ``shape``."""
    pairs = [
        (n - b, n - a) if axis in axes else (a, b)
        for axis, (a, b, n) in enumerate(zip(box.start, box.stop, shape, strict=True))
    ]
    (z0, z1), (y0, y1), (x0, x1) = pairs
    return Box((z0, y0, x0), (z1, y1, x1))


def negative(offset: Shape) -> Shape:
    """Return the offset that leads back."""
    return -offset[0], -offset[1], -offset[2]


def _components(block: NDArray[Any], start: Shape) -> dict[int, GridMask]:
    numbered = np.zeros(block.shape, np.uint32)
    return _masks(numbered, component_regions(block, numbered), start)


def _masks(labels: NDArray[Any], found: Sequence[Region], start: Shape) -> dict[int, GridMask]:
    return {
        region.label: GridMask(
            region.box.shifted(start), (labels[region.box.slices] == region.label).view(np.uint8)
        )
        for region in found
    }


def _shape(array: NDArray[Any]) -> Shape:
    z, y, x = array.shape
    return z, y, x
