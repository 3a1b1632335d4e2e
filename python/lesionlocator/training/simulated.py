"""Dense prompts as they are at inference, of lesions and of places without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box, Shape
from lesionlocator.prompts.kinds import Kind, LesionPrompt, MaskKind, PromptKind
from lesionlocator.prompts.masks import GridMask
from lesionlocator.prompts.on_grid import GridPrompt, prompt_from_mask, prompt_from_voxels
from lesionlocator.training import prompts
from lesionlocator.training.recipe import rendered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.preprocessing import ModelGrid

SHARES: dict[Kind, float] = {PromptKind.BOX: 0.35, PromptKind.POINT: 0.45, MaskKind.PREVIOUS: 0.2}
"""How often each kind is drawn, where a model learns all."""
_EXACT_FRACTION = 0.3
"""How often a prompt is of the lesion's own bounding box or centroid."""
_CARRIED_FRACTION = 0.3
"""How often a box is that of an earlier scan's mask, as tracking carries it over."""
_TRIES = 30
_EMPTY_HALF_OF_PATCH = (1 / 32, 0.3)


def drawn_kind(rng: np.random.Generator, among: Sequence[Kind] = tuple(SHARES)) -> Kind:
    """Draw a kind of prompt."""
    weights = np.array([SHARES[kind] for kind in among])
    return among[int(rng.choice(len(among), p=weights / weights.sum()))]


def dense_prompt(rng: np.random.Generator, target: NDArray[np.bool_], kind: Kind) -> NDArray[np.float32]:
    """Return the dense prompt that a person, or an earlier scan, gives for a lesion (not empty)."""
    if isinstance(kind, MaskKind):
        return prompts.rough_mask(rng, target).astype(np.float32)
    if kind is PromptKind.BOX:
        return rendered(prompts.on_model_grid(rng, _box(rng, target)), target.shape)
    return rendered(_point(rng, target), target.shape)


def _box(rng: np.random.Generator, target: NDArray[np.bool_]) -> Box:
    """Return a box that a person draws around a lesion, or that tracking carries over to it."""
    drawn = rng.random()
    if drawn < _EXACT_FRACTION:
        return prompts.exact_box(target)
    if drawn < _EXACT_FRACTION + _CARRIED_FRACTION:
        return prompts.exact_box(prompts.rough_mask(rng, target))
    return prompts.rough_box(rng, target)


def _point(rng: np.random.Generator, target: NDArray[np.bool_]) -> Shape:
    """Return a voxel on which a person clicks in a lesion."""
    exact = rng.random() < _EXACT_FRACTION
    return prompts.exact_point(target) if exact else prompts.rough_point(rng, target)


def drawn_prompt(
    rng: np.random.Generator, target: NDArray[np.bool_], kind: Kind, grid: ModelGrid, block: Box
) -> NDArray[np.float32] | None:
    """Return the dense prompt, in a block of the model's grid, for a lesion of a scan (not empty).

    None where the prompt lies outside.
    """
    prompt = _prompt(rng, target, kind, grid)
    if not isinstance(prompt, GridPrompt):
        return None
    out = np.zeros(block.shape, np.float32)
    prompt.render(out, block.start)
    return out


def _prompt(
    rng: np.random.Generator, target: NDArray[np.bool_], kind: Kind, grid: ModelGrid
) -> GridPrompt | str | None:
    if isinstance(kind, MaskKind):
        mask = GridMask.of(prompts.rough_mask(rng, target).view(np.uint8), (0, 0, 0))
        return None if mask is None else prompt_from_mask(1, mask.region, mask.box, grid)
    if kind is PromptKind.BOX:
        return prompt_from_voxels(LesionPrompt(1, box=_box(rng, target)), kind, grid)
    z, y, x = _point(rng, target)
    return prompt_from_voxels(LesionPrompt(1, point=(float(z), float(y), float(x))), kind, grid)


def empty_prompt(
    rng: np.random.Generator, labels: NDArray[np.unsignedinteger], kind: Kind
) -> NDArray[np.float32] | None:
    """Return a prompt that holds no lesion voxel, or None where none was found."""
    shape = np.array(labels.shape)
    for _ in range(_TRIES):
        center = np.rint(shape / 2 + rng.uniform(-0.35, 0.35, 3) * shape).astype(int)
        z, y, x = (int(v) for v in center)
        target: Box | Shape = (z, y, x)
        if kind is not PromptKind.POINT:
            smallest, largest = np.log(_EMPTY_HALF_OF_PATCH)
            share = np.exp(rng.uniform(smallest, largest, 3))
            half = np.maximum(share * shape, 1).astype(int)
            low, high = (center - half).tolist(), (center + half + 1).tolist()
            target = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
        dense = rendered(target, labels.shape)
        if isinstance(kind, MaskKind):
            dense = _inscribed(dense)
        if not labels[dense > 0].any():
            return dense
    return None


def _inscribed(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the ellipsoid that fills a box of ones."""
    where = np.argwhere(box > 0)
    middle, radii = (where.min(0) + where.max(0)) / 2, (np.ptp(where, axis=0) + 1) / 2
    grids = np.ogrid[tuple(slice(n) for n in box.shape)]
    distance = sum(((g - m) / r) ** 2 for g, m, r in zip(grids, middle, radii, strict=True))
    return (np.asarray(distance) <= 1).astype(np.float32)
