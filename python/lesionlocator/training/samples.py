"""Training samples: crops of synthetic bodies with fresh lesions and a simulated prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box, Geometry, Shape
from lesionlocator.io import Scan
from lesionlocator.preprocessing import ModelGrid
from lesionlocator.prompts.kinds import Kind
from lesionlocator.synthetic import Anatomy, build_anatomy
from lesionlocator.synthetic.sites import host_shares
from lesionlocator.synthetic.tissue import Tissue
from lesionlocator.training.backgrounds import real_anatomy
from lesionlocator.training.crops import ScannedCrop, scanned_crop
from lesionlocator.training.recipe import SPACING_MM
from lesionlocator.training.shown_patches import ShownPatch
from lesionlocator.training.simulated import drawn_kind, drawn_prompt, empty_prompt

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
_ANCHORS = 4000


@dataclass(frozen=True)
class Body:
    """A body, voxels (n, 3) of it around which lesions arise, and whether it is a real scan."""

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
    """Return voxels of tissues that can have lesions, of each as many as lesions arise in it."""
    shares = host_shares(anatomy.tissue)
    counts = rng.multinomial(_ANCHORS, list(shares.values()))
    chosen = [
        rng.choice(np.flatnonzero(anatomy.tissue == host), n) for host, n in zip(shares, counts, strict=True)
    ]
    return np.stack(np.unravel_index(np.concatenate(chosen), anatomy.tissue.shape), axis=1)


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


def draw_sample(rng: np.random.Generator, bodies: list[Body], shown: ShownPatch) -> Sample:
    """Return a fresh sample of a random body, prompt and lesion; a fifth of them prompt nothing.

    The scan, its voxels of any size, and the prompt that a reader gives on it come to the model's grid as
    they do at inference.

    Parameters
    ----------
    rng
        The only source of randomness.
    bodies
        Bodies to choose from, each larger than the patch.
    shown
        Patch and spacing of the sample.
    """
    body, kind = _chosen(rng, bodies), drawn_kind(rng)
    anchor = body.anchors[int(rng.integers(len(body.anchors)))]
    crop = scanned_crop(
        rng, body.anatomy, anchor, shown.extent_mm, shown.diameters_mm(rng, kind), is_real=body.is_real
    )
    stretched = _jitter_intensity(rng, crop.voxels.astype(np.float32))
    shape = crop.labels.shape
    scan = Scan("crop", stretched, Geometry((shape[0], shape[1], shape[2]), crop.spacing))
    grid = ModelGrid(scan, shown.plans, canonical=False)
    block = _block(crop, grid, shown)
    labels = grid.labels(crop.labels)[block.slices]
    target = labels == 1
    empty = rng.random() < _EMPTY_FRACTION
    if not target.any() and not empty:  # no room for the lesion, or it fell between the slices
        return draw_sample(rng, bodies, shown)
    if empty:
        dense = empty_prompt(rng, labels, kind)
    else:
        dense = drawn_prompt(rng, crop.labels == 1, kind, grid, block)
    if dense is None or not dense.any():  # no room for such a prompt
        return draw_sample(rng, bodies, shown)
    answer = np.zeros_like(target) if empty else target
    if body.is_real:
        parts = np.full(target.shape, UNNAMED, np.uint8)
    else:
        parts = np.where(labels > 0, np.uint8(LESION), _nearest(crop.tissue, grid, block))
    flips = tuple(axis for axis in range(3) if rng.random() < 0.5)
    arrays = (grid.image(block), dense, answer, parts)
    image, dense, answer, parts = (np.flip(a, flips).copy() for a in arrays)
    return Sample(np.stack([image, dense]), answer, parts, kind)


def _chosen(rng: np.random.Generator, bodies: list[Body]) -> Body:
    real = [body for body in bodies if body.is_real]
    painted = [body for body in bodies if not body.is_real]
    among = real if real and (not painted or rng.random() < _REAL_FRACTION) else painted
    return among[int(rng.integers(len(among)))]


def _block(crop: ScannedCrop, grid: ModelGrid, shown: ShownPatch) -> Box:
    """Return the patch on the grid of a crop."""
    start = np.rint(crop.start_mm / shown.spacing).astype(int)
    z, y, x = np.clip(start, 0, np.array(grid.shape) - shown.patch).tolist()
    return Box((z, y, x), (z + shown.patch[0], y + shown.patch[1], x + shown.patch[2]))


def _nearest(volume: NDArray[np.uint8], grid: ModelGrid, block: Box) -> NDArray[np.uint8]:
    """Return what of a volume on the scan's grid is nearest to the voxels of a block of the model's."""
    at = (
        ((np.arange(a, b) + 0.5) * old / new).astype(int)
        for a, b, old, new in zip(block.start, block.stop, volume.shape, grid.shape, strict=True)
    )
    return volume[np.ix_(*at)]


def _jitter_intensity(rng: np.random.Generator, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return HU stretched by up to 10 % and shifted by up to 15 HU, as scanners and contrast differ."""
    return voxels * np.float32(rng.uniform(0.9, 1.1)) + np.float32(rng.uniform(-15, 15))
