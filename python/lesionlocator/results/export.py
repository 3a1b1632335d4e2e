"""From logits on a block of the model grid to a mask in the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator import _core
from lesionlocator.geometry import Box
from lesionlocator.preprocessing.resample import GridChange, linear_from_block
from lesionlocator.results.lesion import LesionMask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Orientation
    from lesionlocator.inference.segmenter import GridLogits
    from lesionlocator.preprocessing import ModelGrid


def scan_mask(logits: GridLogits, grid: ModelGrid) -> LesionMask | None:
    """Return the lesion's mask in the scan as stored, or None where no voxel is lesion.

    A voxel is lesion where the linearly interpolated logit difference is above 0 and its whole stencil lies
    in the region that the network saw.

    Parameters
    ----------
    logits
        What the network said.
    grid
        The model grid over the scan.
    """
    target = _reachable(logits, grid.to_scan)
    if target is None:
        return None
    difference = linear_from_block(logits.difference, logits.block.start, grid.to_scan, target)
    region = np.empty(difference.shape, np.uint8)
    _core.stitch_foreground(difference, region)
    tight = _core.components_nonzero_box(region)
    if tight is None:
        return None
    inner = Box(*tight)
    in_scan = inner.shifted(target.start).shifted(grid.crop.start)
    return LesionMask(
        shape=grid.scan.geometry.shape,
        box=grid.orientation.restored_box(in_scan, grid.scan.geometry.shape),
        region=_stored(region, inner, grid.orientation),
        logits=_stored(difference, inner, grid.orientation),
    )


def part_within(mask: LesionMask, box: Box) -> LesionMask | None:
    """Return the part of a lesion that lies in a box of the scan, or None where none does."""
    block = mask.box.intersection(box)
    if block is None:
        return None
    z, y, x = mask.box.start
    inside = block.shifted((-z, -y, -x)).slices
    region = np.ascontiguousarray(mask.region[inside])
    tight = _core.components_nonzero_box(region)
    if tight is None:
        return None
    held = Box(*tight)
    return LesionMask(
        mask.shape,
        held.shifted(block.start),
        np.ascontiguousarray(region[held.slices]),
        np.ascontiguousarray(mask.logits[inside][held.slices]),
    )


def _stored(block: NDArray[Any], inner: Box, orientation: Orientation) -> NDArray[Any]:
    return np.ascontiguousarray(orientation.restored(block[inner.slices]))


def _reachable(logits: GridLogits, change: GridChange) -> Box | None:
    """Return the scan voxels that the network covered and whose stencil can hold a positive logit."""
    covered = change.covered_block(logits.block)
    positive = np.empty(logits.difference.shape, np.uint8)
    _core.stitch_foreground(logits.difference, positive)
    found = _core.components_nonzero_box(positive)
    if covered is None or found is None:
        return None
    box = Box(*found).shifted(logits.block.start)
    return covered.intersection(change.scaled(box.grown(1)).grown(1))
