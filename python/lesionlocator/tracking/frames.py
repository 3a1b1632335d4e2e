"""What one registration sees of a model grid: a range of its slices, mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box, Geometry, Shape
from lesionlocator.prompts.masks import GridMask, mirrored_box, negative
from lesionlocator.tracking.cube import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.preprocessing import ModelGrid


@dataclass(frozen=True, eq=False)
class Frame:
    """A model grid cut along z and mirrored; voxels are counted from its own first one.

    Parameters
    ----------
    grid
        The whole grid, not mirrored.
    window
        Its slices that are used.
    mirrored
        Axes along which what is left is mirrored.
    """

    grid: ModelGrid
    window: Window
    mirrored: tuple[int, ...] = ()

    @property
    def shape(self) -> Shape:
        """Voxels along z, y, x."""
        return self.window[1] - self.window[0], self.grid.shape[1], self.grid.shape[2]

    def image(self, block: Box) -> NDArray[np.float32]:
        """Return a block of the image, float32; parts outside the frame are 0."""
        out = np.zeros(block.shape, np.float32)
        inside = block.clipped(self.shape)
        if inside is not None:
            values = self.grid.image(self.box_on_grid(inside))
            out[inside.shifted(negative(block.start)).slices] = np.flip(values, self.mirrored)
        return out

    def from_grid(self, mask: GridMask) -> GridMask | None:
        """Take a mask on the whole grid into the frame; None where all of it is cut away."""
        moved = mask.moved((-self.window[0], 0, 0)).cut(Box.whole(self.shape))
        return None if moved is None else moved.mirrored(self.mirrored, self.shape)

    def to_grid(self, mask: GridMask) -> GridMask:
        """Take a mask in the frame to the whole grid."""
        return mask.mirrored(self.mirrored, self.shape).moved((self.window[0], 0, 0))

    def box_on_grid(self, box: Box) -> Box:
        """Take a box in the frame to the whole grid."""
        return mirrored_box(box, self.mirrored, self.shape).shifted((self.window[0], 0, 0))

    def geometry(self, nodes: Shape) -> Geometry:
        """Return the grid of so many nodes an axis that fills the frame, faces on faces, in the patient."""
        grid = self.grid
        stored = grid.orientation.geometry(grid.scan.geometry)
        first, step = [], []
        for axis in range(3):
            size = self.shape[axis] / nodes[axis]
            sign = -1 if axis in self.mirrored else 1
            edge = (self.window[0] if axis == 0 else 0) + (self.shape[axis] if sign < 0 else 0)
            voxel = grid.crop.shape[axis] / grid.shape[axis]
            first.append((edge + sign * size / 2) * voxel - 0.5 + grid.crop.start[axis])
            step.append(sign * size * voxel)
        columns = np.reshape(stored.direction_lps, (3, 3)) * np.sign(step)[::-1]
        x, y, z = stored.voxel_to_lps(first).tolist()
        dz, dy, dx = (abs(n) * mm for n, mm in zip(step, stored.spacing, strict=True))
        return Geometry(nodes, (dz, dy, dx), (x, y, z), tuple(columns.ravel().tolist()))
