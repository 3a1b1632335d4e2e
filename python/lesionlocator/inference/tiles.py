"""Where the network looks for a prompt: one patch around it, or overlapping tiles that touch it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lesionlocator import _core
from lesionlocator.geometry import Box, Shape

if TYPE_CHECKING:
    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.prompts.on_grid import GridPrompt


@dataclass(frozen=True)
class Tiling:
    """The patches that see a prompt, in voxels of the model grid.

    Parameters
    ----------
    patch
        Size of every tile, z, y, x.
    starts
        First voxels along each axis; the tiles are all their combinations. A grid smaller than the patch is
        centred in it, so that starts may be negative.
    shape
        Voxels of the grid.
    """

    patch: Shape
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    shape: Shape

    @classmethod
    def around(cls, extent: Box, shape: Shape, patch: Shape, step_size: float) -> Tiling:
        """Place tiles for the voxels of a prompt.

        Parameters
        ----------
        extent
            Box around the prompt's voxels.
        shape, patch
            Voxels of the grid and of a tile.
        step_size
            Distance of neighbouring tiles as a fraction of the patch, above 0 and up to 1.
        """
        one = all(size - 1 < p for size, p in zip(extent.shape, patch, strict=True))
        z, y, x = (
            _one_start(*axis) if one else _tile_starts(*axis, step_size)
            for axis in zip(extent.start, extent.stop, shape, patch, strict=True)
        )
        return cls(patch, (z, y, x), shape)

    @classmethod
    def of(cls, prompt: GridPrompt, grid: ModelGrid, step_size: float) -> Tiling:
        """Place tiles for a prompt on ``grid``, of the patch that fits it."""
        plans = grid.plans
        patch = plans.patch_for(prompt.extent.shape) if prompt.tells_size else plans.patch_size
        return cls.around(prompt.extent, grid.shape, patch, step_size)

    @property
    def tiles(self) -> list[Box]:
        """All tiles, in raster order."""
        return [
            Box(start, (start[0] + self.patch[0], start[1] + self.patch[1], start[2] + self.patch[2]))
            for start in itertools.product(*self.starts)
        ]

    @property
    def span(self) -> Box:
        """The box around all tiles, which reaches outside a grid smaller than the patch."""
        return Box(self.tiles[0].start, self.tiles[-1].stop)


def _one_start(start: int, stop: int, size: int, patch: int) -> tuple[int]:
    if size < patch:
        return (-((patch - size) // 2),)
    return (min(max(int((start + stop - 1 - patch) / 2), 0), size - patch),)


def _tile_starts(start: int, stop: int, size: int, patch: int, step_size: float) -> tuple[int, ...]:
    if size < patch:
        return (-((patch - size) // 2),)
    every = _core.stitch_tile_starts(size, patch, step_size)
    return tuple(first for first in every if start < first + patch and stop - 1 > first)
