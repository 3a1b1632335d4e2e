"""Voxels that the published system marks -1 in the mask of a single lesion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator import _core
from lesionlocator.prompts.masks import GridMask, mask_from_scan

if TYPE_CHECKING:
    from lesionlocator.preprocessing import ModelGrid


def void_mask(grid: ModelGrid) -> GridMask | None:
    """Return the voxels of value 0 that are connected to the border of the crop, on the model grid.

    They are meant to be padding, but tissue of 0 HU in the first and last slices counts too.

    Parameters
    ----------
    grid
        The scan on the model grid.

    Returns
    -------
    GridMask or None
        None where there are none.
    """
    oriented = grid.orientation.view(grid.scan.voxels)[grid.crop.slices]
    if oriented.all():
        return None
    filled = np.zeros(oriented.shape, np.uint8)
    _core.components_fill_holes((oriented != 0).view(np.uint8), filled)
    void = np.zeros(grid.scan.geometry.shape, np.uint8)
    grid.orientation.view(void)[grid.crop.slices] = 1 - filled
    return mask_from_scan(void, grid)
