"""Training samples: crops of synthetic bodies with fresh lesions and a simulated prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box, Shape
from lesionlocator.prompts.kinds import PromptKind
from lesionlocator.synthetic import Anatomy, LesionSite, acquire, build_anatomy, insert_lesion, random_site
from lesionlocator.synthetic.patient import random_diameter
from lesionlocator.synthetic.tissue import Tissue
from lesionlocator.training import prompts
from lesionlocator.training.recipe import SPACING_MM, normalize, rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LESION = len(Tissue)
"""Code of lesions beside those of the tissues."""
BODY_SHAPE: Shape = (136, 192, 256)
_EMPTY_FRACTION = 0.1
_ANCHORS = 4000
_EXACT_FRACTION = 0.3
_SMALLEST_MM, _LARGEST_MM = 4.0, 60.0
_LARGEST_IN_PATCH = 0.8
_TRIES = 30


@dataclass(frozen=True)
class Body:
    """A synthetic body and voxels (n, 3) inside it where crops may be taken."""

    anatomy: Anatomy
    anchors: NDArray[np.int64]


def make_bodies(first_seed: int, count: int, *, shape: Shape = BODY_SHAPE) -> Iterator[Body]:
    """Yield bodies of consecutive seeds on the model's grid, of ``shape`` voxels."""
    for seed in range(first_seed, first_seed + count):
        anatomy = build_anatomy(seed, shape, SPACING_MM)
        rng = np.random.default_rng([seed, 3])
        inside = np.flatnonzero((anatomy.tissue != Tissue.AIR) & (anatomy.tissue != Tissue.COUCH))
        chosen = rng.choice(inside, _ANCHORS)
        yield Body(anatomy, np.stack(np.unravel_index(chosen, shape), axis=1))


@dataclass(frozen=True)
class Sample:
    """What the network gets and should answer, and what the lesion was.

    Parameters
    ----------
    inputs
        Normalised image and dense prompt, float32, (2, z, y, x).
    target
        The prompted lesion, bool, (z, y, x); empty where the prompt holds none.
    parts
        What fills each voxel, uint8, (z, y, x): a code of
        :class:`~lesionlocator.synthetic.tissue.Tissue`, or ``LESION`` in any lesion, prompted or not.
    kind
        Of the prompt.
    """

    inputs: NDArray[np.float32]
    target: NDArray[np.bool_]
    parts: NDArray[np.uint8]
    kind: PromptKind


def draw_sample(rng: np.random.Generator, bodies: list[Body], patch: Shape) -> Sample:
    """Return a fresh sample of a random body, prompt and lesion; a tenth of them prompt nothing.

    Parameters
    ----------
    rng
        The only source of randomness.
    bodies
        Bodies to choose from, each at least as large as ``patch``.
    patch
        Voxels of the sample along z, y, x.
    """
    body = bodies[int(rng.integers(len(bodies)))]
    hounsfield, labels, tissue = _crop_with_lesions(rng, body, patch)
    image = normalize(_jitter_intensity(rng, acquire(rng, hounsfield)))
    kind = PromptKind.BOX if rng.random() < 0.5 else PromptKind.POINT
    target = labels == 1
    empty = rng.random() < _EMPTY_FRACTION or not target.any()
    dense = _empty_prompt(rng, labels, kind) if empty else _dense_prompt(rng, target, kind)
    if dense is None:  # no room beside the lesions for a prompt without one
        return draw_sample(rng, bodies, patch)
    answer = np.zeros_like(target) if empty else target
    parts = np.where(labels > 0, np.uint8(LESION), tissue)
    flips = tuple(axis for axis in range(3) if rng.random() < 0.5)
    image, dense, answer, parts = (np.flip(a, flips).copy() for a in (image, dense, answer, parts))
    return Sample(np.stack([image, dense]), answer, parts, kind)


def _crop_with_lesions(
    rng: np.random.Generator, body: Body, patch: Shape
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return HU, labels and tissues of a crop; label 1 is the lesion to ask for, if there was room for it."""
    tissue = body.anatomy.tissue
    anchor = body.anchors[int(rng.integers(len(body.anchors)))]
    largest = min(_LARGEST_MM, _LARGEST_IN_PATCH * min(patch) * min(SPACING_MM))
    diameter = random_diameter(rng, _SMALLEST_MM, largest)
    near, far = np.maximum(anchor - 16, 0), np.minimum(anchor + 16, tissue.shape)
    site = random_site(
        rng, tissue[tuple(slice(a, b) for a, b in zip(near, far, strict=True))], SPACING_MM, diameter
    )
    center = anchor if site is None else near + site.center
    wander = rng.uniform(-0.33, 0.33, 3) * patch if rng.random() < 0.2 else rng.normal(0, 2, 3)
    start = np.rint(center - np.asarray(patch) / 2 + wander).astype(int)
    start = np.clip(start, 0, np.array(tissue.shape) - patch)
    block = tuple(slice(int(a), int(a + n)) for a, n in zip(start, patch, strict=True))
    hounsfield, tissue = body.anatomy.hounsfield[block].astype(np.float32), tissue[block]
    labels = np.zeros(patch, dtype=np.uint8)
    if site is not None:
        z, y, x = (int(v) for v in np.clip(center - start, 0, np.array(patch) - 1))
        place = LesionSite((z, y, x), site.host)
        insert_lesion(
            rng, hounsfield, labels, tissue, spacing=SPACING_MM, site=place, diameter_mm=diameter, label=1
        )
    for label in range(2, 2 + int(rng.choice(4, p=[0.35, 0.35, 0.2, 0.1]))):
        diameter = random_diameter(rng, high_mm=40)
        other = random_site(rng, tissue, SPACING_MM, diameter)
        if other is not None:
            insert_lesion(
                rng,
                hounsfield,
                labels,
                tissue,
                spacing=SPACING_MM,
                site=other,
                diameter_mm=diameter,
                label=label,
            )
    return hounsfield, labels, tissue


def _jitter_intensity(rng: np.random.Generator, voxels: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return HU stretched by up to 10 % and shifted by up to 15 HU, as scanners and contrast differ."""
    return voxels.astype(np.float32) * np.float32(rng.uniform(0.9, 1.1)) + np.float32(rng.uniform(-15, 15))


def _dense_prompt(
    rng: np.random.Generator, target: NDArray[np.bool_], kind: PromptKind
) -> NDArray[np.float32]:
    exact = rng.random() < _EXACT_FRACTION
    if kind is PromptKind.BOX:
        box = prompts.exact_box(target) if exact else prompts.rough_box(rng, target)
        return rendered(prompts.grown(box), target.shape)
    return rendered(prompts.exact_point(target) if exact else prompts.rough_point(rng, target), target.shape)


def _empty_prompt(
    rng: np.random.Generator, labels: NDArray[np.uint8], kind: PromptKind
) -> NDArray[np.float32] | None:
    """Return a prompt that holds no lesion voxel, or None where none was found."""
    shape = np.array(labels.shape)
    for _ in range(_TRIES):
        center = np.rint(shape / 2 + rng.uniform(-0.35, 0.35, 3) * shape).astype(int)
        z, y, x = (int(v) for v in center)
        target: Box | Shape = (z, y, x)
        if kind is PromptKind.BOX:
            half = np.exp(rng.uniform(np.log(1.5), np.log(14), 3)).astype(int)
            low, high = (center - half).tolist(), (center + half + 1).tolist()
            target = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
        dense = rendered(target, labels.shape)
        if not labels[dense > 0].any():
            return dense
    return None
