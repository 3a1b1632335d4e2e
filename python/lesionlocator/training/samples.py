"""Training samples: crops of synthetic bodies with fresh lesions and a simulated prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Shape
from lesionlocator.prompts.kinds import Kind, PromptKind
from lesionlocator.synthetic import Anatomy, LesionSite, acquire, build_anatomy, insert_lesion, random_site
from lesionlocator.synthetic.inpaint import grain
from lesionlocator.synthetic.patient import random_diameter
from lesionlocator.synthetic.tissue import Tissue
from lesionlocator.training.backgrounds import real_anatomy
from lesionlocator.training.recipe import SMALL_PATCHES, SPACING_MM, normalize
from lesionlocator.training.simulated import dense_prompt, drawn_kind, empty_prompt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

LESION = len(Tissue)
"""Code of lesions beside those of the tissues."""
BODY_SHAPE: Shape = (136, 192, 256)
UNNAMED = 255
"""Code of voxels of which nobody knows what they are: those of real scans."""
_EMPTY_FRACTION = 0.2
_REAL_FRACTION = 0.3
_THICK_FRACTION = 0.6
_THICK_MM = (2.0, 6.0)
_ANCHORS = 4000
_SMALLEST_MM, _LARGEST_MM = 3.0, 60.0
_LARGEST_IN_PATCH = 0.8
_SMALLEST_IN_NEXT_PATCH = 0.4


@dataclass(frozen=True)
class Body:
    """A body, voxels (n, 3) inside it where crops may be taken, and whether it is a real scan."""

    anatomy: Anatomy
    anchors: NDArray[np.int64]
    is_real: bool = False


def make_bodies(first_seed: int, count: int, *, shape: Shape = BODY_SHAPE) -> Iterator[Body]:
    """Yield bodies of consecutive seeds on the model's grid, of ``shape`` voxels."""
    for seed in range(first_seed, first_seed + count):
        anatomy = build_anatomy(seed, shape, SPACING_MM)
        yield Body(anatomy, _anchors(np.random.default_rng([seed, 3]), anatomy))


def real_body(path: Path, lowest: float = 0.0, highest: float = 1.0) -> Body:
    """Return a real scan, or a part of its height, as a body for synthetic lesions.

    Parameters
    ----------
    path
        The scan.
    lowest, highest
        Which part of its height, as fractions from its feet-most slice.

    Raises
    ------
    InputError
        Where the scan cannot be read.
    """
    whole = real_anatomy(path)
    rows = slice(*(round(share * len(whole.tissue)) for share in (lowest, highest)))
    anatomy = Anatomy(whole.tissue[rows].copy(), whole.hounsfield[rows].copy(), whole.spacing)
    return Body(anatomy, _anchors(np.random.default_rng(3), anatomy), is_real=True)


def _anchors(rng: np.random.Generator, anatomy: Anatomy) -> NDArray[np.int64]:
    inside = np.flatnonzero((anatomy.tissue != Tissue.AIR) & (anatomy.tissue != Tissue.COUCH))
    chosen = rng.choice(inside, _ANCHORS)
    return np.stack(np.unravel_index(chosen, anatomy.tissue.shape), axis=1)


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
        :class:`~lesionlocator.synthetic.tissue.Tissue`, ``LESION`` in any lesion, prompted or not, or in all
        of a real scan ``UNNAMED``.
    kind
        Of the prompt.
    """

    inputs: NDArray[np.float32]
    target: NDArray[np.bool_]
    parts: NDArray[np.uint8]
    kind: Kind


def draw_sample(rng: np.random.Generator, bodies: list[Body], patch: Shape) -> Sample:
    """Return a fresh sample of a random body, prompt and lesion; a fifth of them prompt nothing.

    Parameters
    ----------
    rng
        The only source of randomness.
    bodies
        Bodies to choose from, each at least as large as ``patch``.
    patch
        Voxels of the sample along z, y, x.
    """
    body, kind = _chosen(rng, bodies), drawn_kind(rng)
    hounsfield, labels, tissue = _crop_with_lesions(rng, body, patch, _diameters_mm(kind, patch))
    scanned, target, slice_voxels = _scanned(rng, hounsfield, labels == 1)
    image = normalize(_jitter_intensity(rng, scanned))
    empty = rng.random() < _EMPTY_FRACTION or not target.any()
    if empty:
        dense = empty_prompt(rng, labels, kind)
    else:
        dense = dense_prompt(rng, target, kind, voxel=(slice_voxels, 1.0, 1.0))
    if dense is None:  # no room beside the lesions for a prompt without one
        return draw_sample(rng, bodies, patch)
    answer = np.zeros_like(target) if empty else target
    parts = np.where(labels > 0, np.uint8(LESION), tissue)
    if body.is_real:
        parts[:] = UNNAMED
    flips = tuple(axis for axis in range(3) if rng.random() < 0.5)
    image, dense, answer, parts = (np.flip(a, flips).copy() for a in (image, dense, answer, parts))
    return Sample(np.stack([image, dense]), answer, parts, kind)


def _chosen(rng: np.random.Generator, bodies: list[Body]) -> Body:
    real = [body for body in bodies if body.is_real]
    painted = [body for body in bodies if not body.is_real]
    among = real if real and (not painted or rng.random() < _REAL_FRACTION) else painted
    return among[int(rng.integers(len(among)))]


def _diameters_mm(kind: Kind, patch: Shape) -> tuple[float, float]:
    """Return the range of lesions to ask for: those of boxes that are seen in such a patch."""
    smaller = [min(p) for p in SMALL_PATCHES if min(p) < min(patch)]
    sees_all = kind is not PromptKind.BOX or not smaller
    smallest = _SMALLEST_MM if sees_all else _SMALLEST_IN_NEXT_PATCH * max(smaller) * min(SPACING_MM)
    return smallest, min(_LARGEST_MM, _LARGEST_IN_PATCH * min(patch) * min(SPACING_MM))


def _scanned(
    rng: np.random.Generator, hounsfield: NDArray[np.float32], target: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], float]:
    """Return what a scanner makes of a crop, the lesion as its slices show it, and the voxels of a slice.

    In most cases slices are thicker than the model's; the lesion is then what a mask drawn on them becomes on
    the model's grid, and empty where it fell between them.
    """
    if rng.random() >= _THICK_FRACTION:
        return acquire(rng, hounsfield).astype(np.float32), target, 1.0
    slices, step = hounsfield.shape[0], rng.uniform(*_THICK_MM) / SPACING_MM[0]
    at = np.arange(rng.uniform(0, step) - step, slices - 1 + step, step)
    there, back = _between(at, slices), _between((np.arange(slices) - at[0]) / step, len(at))
    thick = acquire(rng, np.tensordot(there, hounsfield, axes=1)).astype(np.float32)
    drawn = np.tensordot(there, target.astype(np.float32), axes=1) >= 0.5
    seen = np.tensordot(back, drawn.astype(np.float32), axes=1) >= 0.5
    return np.tensordot(back, thick, axes=1), seen, step


def _between(positions: NDArray[np.float64], n: int) -> NDArray[np.float32]:
    """Return rows of weights that interpolate ``n`` slices linearly at positions, the ends extended."""
    inside = np.clip(positions, 0, n - 1)
    first = np.minimum(inside.astype(int), max(n - 2, 0))
    weights = np.zeros((len(inside), n), np.float32)
    rows = np.arange(len(inside))
    weights[rows, first] = 1 - (inside - first)
    weights[rows, np.minimum(first + 1, n - 1)] += inside - first
    return weights


def _crop_with_lesions(
    rng: np.random.Generator, body: Body, patch: Shape, diameters_mm: tuple[float, float]
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return HU, labels and tissues of a crop; label 1 is the lesion to ask for, if there was room for it."""
    tissue = body.anatomy.tissue
    anchor = body.anchors[int(rng.integers(len(body.anchors)))]
    diameter = random_diameter(rng, *diameters_mm)
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
    noise = grain(hounsfield) if body.is_real else None
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
    if noise is not None:  # a lesion pasted into a real scan has its noise as well
        hounsfield[labels > 0] += noise[labels > 0]
    return hounsfield, labels, tissue


def _jitter_intensity(rng: np.random.Generator, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return HU stretched by up to 10 % and shifted by up to 15 HU, as scanners and contrast differ."""
    return voxels * np.float32(rng.uniform(0.9, 1.1)) + np.float32(rng.uniform(-15, 15))
