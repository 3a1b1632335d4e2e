"""Prompts on the model grid: from scan voxels or a resampled label map, and as the network's dense prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lesionlocator import _core
from lesionlocator.geometry import Box, Shape
from lesionlocator.preprocessing.resample import GridChange
from lesionlocator.prompts.components import Region, is_unnumbered, lesion_regions, regions
from lesionlocator.prompts.kinds import Kind, LesionPrompt, MaskKind, PromptKind, check
from lesionlocator.prompts.masks import GridMask, lesion_masks, mask_from_block, masks_from_labels, too_few

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lesionlocator.preprocessing import ModelGrid

BALL_RADIUS = 5
"""Radius in model-grid voxels of the ball that stands for a point."""
_MARGIN = 1
"""Voxels by which a box is grown on each side on the model grid."""
OUTSIDE = "lies where the scan is zero all around, outside the region that holds an image"


@dataclass(frozen=True)
class GridPrompt:
    """A lesion's prompt on the model grid.

    Parameters
    ----------
    lesion_id
        The lesion's id.
    target
        A box, the voxel at the centre of a ball, or a mask.
    extent
        Where to look, within the grid: the box around the voxels that the dense prompt sets, or around what
        the network found there before.
    tells_size
        Whether the extent is about that of the lesion.
    finer
        The same prompt on the finer grid of the model, where it has one.
    """

    lesion_id: int
    target: Box | Shape | GridMask
    extent: Box
    tells_size: bool
    finer: GridPrompt | None = None

    @classmethod
    def of(cls, lesion_id: int, target: Box | Shape, shape: Shape) -> GridPrompt | None:
        """Return the prompt on a grid of ``shape``, or None where no part of it lies inside."""
        if isinstance(target, Box):
            extent = target.clipped(shape)
        else:
            start, stop = ([c + d for c in target] for d in (-BALL_RADIUS, BALL_RADIUS + 1))
            extent = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])).clipped(shape)
        return None if extent is None else cls(lesion_id, target, extent, isinstance(target, Box))

    @classmethod
    def of_mask(cls, lesion_id: int, mask: GridMask) -> GridPrompt:
        """Return the prompt that a mask within a grid is."""
        return cls(lesion_id, mask, mask.box, tells_size=True)

    def sharpest(self, grid: ModelGrid) -> tuple[GridPrompt, ModelGrid]:
        """Return the prompt and the grid on which the network is to look: the finer ones where it is small.

        Parameters
        ----------
        grid
            Which this prompt lies on.
        """
        finer = self.finer
        if finer is None or grid.fine is None or not finer.tells_size:
            return self, grid
        fits = grid.fine.plans.small_patch_for(finer.extent.shape) is not None
        return (finer, grid.fine) if fits else (self, grid)

    def render(self, out: NDArray[np.float32], start: Shape) -> None:
        """Set the prompt's voxels to 1 in a patch whose first voxel is ``start`` of the grid."""
        if isinstance(self.target, Box):
            z, y, x = (-s for s in start)
            box = self.extent.shifted((z, y, x))
            _core.prompt_box(out, start=box.start, stop=box.stop)
        elif isinstance(self.target, GridMask):
            self.target.render(out, start)
        else:
            z, y, x = (c - s for c, s in zip(self.target, start, strict=True))
            _core.prompt_ball(out, center=(z, y, x), radius=BALL_RADIUS)


def prompt_from_voxels(lesion: LesionPrompt, kind: PromptKind, grid: ModelGrid) -> GridPrompt | str:
    """Take a prompt in scan voxels to the model grid, or say why it cannot be used."""
    target = lesion.get(kind)
    if target is None:
        return f"has no {kind.value}"
    placed: Box | Shape | None
    stored = grid.scan.geometry.shape
    problem = check(target, stored)
    if problem is not None:
        return problem
    if isinstance(target, Box):
        placed = _box_on_grid(grid.orientation.box(target, stored), grid)
    else:
        placed = _point_on_grid(grid.orientation.point(target, stored), grid)
    found = None if placed is None else GridPrompt.of(lesion.lesion_id, placed, grid.shape)
    if found is None or grid.fine is None:
        return found or OUTSIDE
    finer = prompt_from_voxels(lesion, kind, grid.fine)
    return replace(found, finer=finer if isinstance(finer, GridPrompt) else None)


def prompt_from_mask(
    lesion_id: int, region: NDArray[np.uint8], box: Box, grid: ModelGrid
) -> GridPrompt | None:
    """Take a mask that fills a block of the scan to the model grid; None where no image is."""
    mask = mask_from_block(region, box, grid)
    if mask is None:
        return None
    found = GridPrompt.of_mask(lesion_id, mask)
    if grid.fine is None or grid.plans.small_patch_for(mask.box.shape) is None:
        return found
    return replace(found, finer=prompt_from_mask(lesion_id, region, box, grid.fine))


def prompts_from_labels(
    labels: NDArray[np.uint8] | NDArray[np.uint16], kind: Kind, grid: ModelGrid
) -> dict[int, GridPrompt | str]:
    """Return the prompts of a label map (of the scan's shape) by ascending id, or why one cannot be used.

    Where the only label is 1, the 26-connected components are the lesions, numbered by their first voxel;
    otherwise the labels are the lesions and keep their values. Lesions are those of the map on the model
    grid; where the model has a finer one, those of the scan, so that the finer grid shows them as exactly.
    """
    if grid.fine is not None:
        return _prompts_in_scan(labels, kind, grid)
    placed: dict[int, GridPrompt | str] = {}
    if isinstance(kind, MaskKind):
        placed |= {i: GridPrompt.of_mask(i, mask) for i, mask in masks_from_labels(labels, grid).items()}
    else:
        for region in lesion_regions(grid.labels(labels)):
            target = grown(region.box) if kind is PromptKind.BOX else _rounded(region.centroid)
            placed[region.label] = GridPrompt.of(region.label, target, grid.shape) or OUTSIDE
    in_scan = regions(labels)
    if placed and is_unnumbered(in_scan):
        return placed
    return placed | {region.label: _missing(region, grid) for region in in_scan if region.label not in placed}


def _prompts_in_scan(
    labels: NDArray[np.uint8] | NDArray[np.uint16], kind: Kind, grid: ModelGrid
) -> dict[int, GridPrompt | str]:
    if isinstance(kind, MaskKind):
        masks = lesion_masks(labels).items()
        return {i: prompt_from_mask(i, mask.region, mask.box, grid) or OUTSIDE for i, mask in masks}
    lesions = (LesionPrompt(one.label, one.box, one.centroid) for one in lesion_regions(labels))
    return {lesion.lesion_id: prompt_from_voxels(lesion, kind, grid) for lesion in lesions}


def _missing(region: Region, grid: ModelGrid) -> str:
    """Say why a label of the scan is not on the model grid."""
    around = prompt_from_voxels(LesionPrompt(region.label, region.box), PromptKind.BOX, grid)
    if isinstance(around, str):
        return around
    return f"{too_few(region.voxels)}; prompt by box or point"


def with_finer(prompt: GridPrompt, box: Box, grid: ModelGrid) -> GridPrompt:
    """Add the prompt on the finer grid, of a lesion that fills ``box`` on ``grid`` itself."""
    if grid.fine is None:
        return prompt
    target = grown(GridChange(grid.shape, grid.fine.shape).scaled(box))
    return replace(prompt, finer=GridPrompt.of(prompt.lesion_id, target, grid.fine.shape))


def _box_on_grid(box: Box, grid: ModelGrid) -> Box | None:
    """Scale the part of a box inside the crop, starts down and stops up, and grow it."""
    z, y, x = (-n for n in grid.crop.start)
    inside = box.shifted((z, y, x)).clipped(grid.crop.shape)
    return None if inside is None else grown(grid.to_grid.scaled(inside))


def _point_on_grid(point: tuple[float, float, float], grid: ModelGrid) -> Shape:
    """Scale a point, moved into the crop."""
    z, y, x = (
        min(max(p - start, 0), old - 1) * new / old
        for p, start, old, new in zip(point, grid.crop.start, grid.crop.shape, grid.shape, strict=True)
    )
    return _rounded((z, y, x))


def grown(box: Box) -> Box:
    """Return the box of a prompt around a lesion that fills ``box`` on the model grid."""
    return box.grown(_MARGIN)


def _rounded(point: tuple[float, float, float]) -> Shape:
    return round(point[0]), round(point[1]), round(point[2])
