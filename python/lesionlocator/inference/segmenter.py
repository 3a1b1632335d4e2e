"""From a prompt on the model grid to the logits of the region that the network saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch.profiler import record_function

from lesionlocator import _core
from lesionlocator.geometry import Box
from lesionlocator.inference.tiles import Tiling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.inference.ensemble import Ensemble
    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.prompts.on_grid import GridPrompt


@dataclass(frozen=True)
class GridLogits:
    """Lesion minus background logit on a block of the model grid; the network saw nothing else.

    Parameters
    ----------
    difference
        float32 of the block's shape, z, y, x.
    block
        Voxels of the model grid.
    """

    difference: NDArray[np.float32]
    block: Box


def segment_prompt(
    ensemble: Ensemble,
    grid: ModelGrid,
    prompt: GridPrompt,
    *,
    step_size: float = 0.5,
    on_forward: Callable[[], None] = lambda: None,
) -> GridLogits:
    """Run an ensemble where a prompt says.

    Parameters
    ----------
    ensemble
        The networks.
    grid, prompt
        The scan on the model grid, and a lesion's prompt there.
    step_size
        Distance of neighbouring tiles as a fraction of the patch, where the prompt needs more than one.
    on_forward
        Called after each network call.
    """
    tiling = Tiling.around(prompt.extent, grid.shape, grid.plans.patch_size, step_size)

    def logits(tile: Box) -> NDArray[np.float32]:
        return ensemble.logit_difference(_network_input(grid, prompt, tile), on_forward=on_forward)

    tiles = tiling.tiles
    difference = logits(tiles[0]) if len(tiles) == 1 else _stitched(tiling, logits)
    return _inside_grid(difference, tiling.span, grid)


def _network_input(grid: ModelGrid, prompt: GridPrompt, tile: Box) -> NDArray[np.float32]:
    """Return image and dense prompt of a tile, shape (2, z, y, x)."""
    with record_function("lesionlocator: prepare"):
        patch = np.zeros((2, *tile.shape), np.float32)
        patch[0] = grid.image(tile)
        prompt.render(patch[1], tile.start)
    return patch


def _stitched(tiling: Tiling, logits: Callable[[Box], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the Gaussian-weighted mean of the tiles over their span."""
    span = tiling.span
    total = np.zeros(span.shape, np.float32)
    z0, y0, x0 = span.start
    for tile in tiling.tiles:
        z, y, x = tile.start
        _core.stitch_accumulate(total, logits(tile), start=(z - z0, y - y0, x - x0))
    starts = tuple(
        [first - origin for first in axis] for axis, origin in zip(tiling.starts, span.start, strict=True)
    )
    _core.stitch_normalize(total, patch=tiling.patch, starts=(starts[0], starts[1], starts[2]))
    return total


def _inside_grid(difference: NDArray[np.float32], span: Box, grid: ModelGrid) -> GridLogits:
    inside = span.clipped(grid.shape)
    if inside is None:
        raise ValueError(f"tiles over {span} lie outside a grid of {grid.shape}")
    z, y, x = (-n for n in span.start)
    return GridLogits(np.ascontiguousarray(difference[inside.shifted((z, y, x)).slices]), inside)
