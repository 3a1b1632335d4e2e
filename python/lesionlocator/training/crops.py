"""Crops of synthetic bodies as scanners show them: any voxel size, fresh lesions, blur and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Triple
from lesionlocator.synthetic import LesionSite, Scanner, insert_lesion, random_site
from lesionlocator.synthetic.inpaint import grain
from lesionlocator.synthetic.patient import random_diameter
from lesionlocator.synthetic.sites import site_in
from lesionlocator.synthetic.tissue import Tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.synthetic import Anatomy

_SLICES_MM = (1.0, 5.5)
_PIXELS_MM = (0.7, 1.6)
_MARGIN = 3
"""Voxels of the scan on each side of what was asked for."""
_OTHERS = (0.35, 0.35, 0.2, 0.1)
"""How often there are none, one, two and three lesions beside the one to ask for."""
_LARGEST_OTHER_MM = 40.0
_NEAR_MM = 24.0


@dataclass(frozen=True)
class ScannedCrop:
    """A piece of a scan.

    Parameters
    ----------
    voxels
        HU, int16, (z, y, x).
    labels
        Lesions, uint8, of the same shape: 1 is the one to ask for, absent where there was no room for it.
    tissue
        Codes of :class:`~lesionlocator.synthetic.tissue.Tissue`, uint8, of the same shape.
    spacing
        mm along z, y, x.
    start_mm
        How far into the piece what was asked for begins, along z, y, x.
    """

    voxels: NDArray[np.int16]
    labels: NDArray[np.uint8]
    tissue: NDArray[np.uint8]
    spacing: Triple
    start_mm: NDArray[np.float64]


def scanned_crop(
    rng: np.random.Generator,
    anatomy: Anatomy,
    anchor: NDArray[np.int64],
    extent_mm: NDArray[np.float64],
    diameters_mm: tuple[float, float],
    *,
    is_real: bool,
) -> ScannedCrop:
    """Return a crop with a lesion near a voxel of a body and in the same tissue, and maybe others.

    Parameters
    ----------
    rng
        Decides all of it.
    anatomy, anchor
        The body, and a voxel (z, y, x) of it, of a tissue that can have lesions.
    extent_mm
        What the crop must show, along z, y, x; the body is larger.
    diameters_mm
        Range of the diameter of the lesion to ask for.
    is_real
        Whether the body has the noise of a real scan, which lesions pasted into it get as well.
    """
    diameter = random_diameter(rng, *diameters_mm)
    body_mm = np.asarray(anatomy.spacing)
    near = np.ceil(_NEAR_MM / body_mm).astype(int)
    low, high = np.maximum(anchor - near, 0), np.minimum(anchor + near, anatomy.tissue.shape)
    site = site_in(
        Tissue(anatomy.tissue[tuple(anchor)]),
        rng,
        anatomy.tissue[tuple(slice(a, b) for a, b in zip(low, high, strict=True))],
        anatomy.spacing,
        diameter,
    )
    center_mm = (0.5 + low + site.center) * body_mm
    spread = rng.uniform(-0.33, 0.33, 3) if rng.random() < 0.2 else rng.normal(0, 0.07, 3)
    sides = np.exp(rng.uniform(*np.log([_SLICES_MM, _PIXELS_MM]).T))[[0, 1, 1]]
    shape = np.ceil(extent_mm / sides).astype(int) + 2 * _MARGIN
    wanted_mm = center_mm + spread * extent_mm - extent_mm / 2
    last_mm = np.array(anatomy.tissue.shape) * body_mm - shape * sides
    corner_mm = np.clip(wanted_mm - _MARGIN * sides, 0, last_mm)
    hounsfield, tissue = _resampled(anatomy, corner_mm, sides, shape)
    spacing = (float(sides[0]), float(sides[1]), float(sides[2]))
    labels = np.zeros(hounsfield.shape, np.uint8)
    scanner = Scanner.drawn(rng)
    noise = grain(hounsfield) if is_real else None
    seen_by = scanner if noise is None else Scanner.that_left(noise[tissue != Tissue.AIR])
    z, y, x = np.clip(((center_mm - corner_mm) / sides).astype(int), 0, shape - 1).tolist()
    place = LesionSite((z, y, x), site.host)
    draw = partial(insert_lesion, rng, hounsfield, labels, tissue, spacing=spacing, scanner=seen_by)
    draw(site=place, diameter_mm=diameter, label=1)
    for label in range(2, 2 + int(rng.choice(len(_OTHERS), p=_OTHERS))):
        diameter = random_diameter(rng, high_mm=_LARGEST_OTHER_MM)
        other = random_site(rng, tissue, spacing, diameter)
        if other is not None:
            draw(site=other, diameter_mm=diameter, label=label)
    if noise is not None:
        hounsfield[labels > 0] += noise[labels > 0]
    start_mm = np.clip(wanted_mm - corner_mm, 0, shape * sides - extent_mm)
    return ScannedCrop(scanner.scan(rng, hounsfield), labels, tissue, spacing, start_mm)


def _resampled(
    anatomy: Anatomy, corner_mm: NDArray[np.float64], sides: NDArray[np.float64], shape: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return HU and tissues at the voxels of a scan, the former interpolated linearly."""
    at = [
        (corner + (np.arange(n) + 0.5) * side) / mm - 0.5
        for corner, n, side, mm in zip(corner_mm, shape, sides, anatomy.spacing, strict=True)
    ]
    first = [max(int(a[0]), 0) for a in at]
    last = [min(int(a[-1]) + 2, n) for a, n in zip(at, anatomy.tissue.shape, strict=True)]
    block = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    inside = [np.clip(a - a0, 0, b - a0 - 1) for a, a0, b in zip(at, first, last, strict=True)]
    hounsfield = anatomy.hounsfield[block].astype(np.float32)
    for axis, positions in enumerate(inside):
        weights = _between(positions, hounsfield.shape[axis])
        hounsfield = np.moveaxis(np.tensordot(weights, hounsfield, axes=(1, axis)), 0, axis)
    tissue = anatomy.tissue[block][np.ix_(*(np.rint(positions).astype(int) for positions in inside))]
    return np.ascontiguousarray(hounsfield), tissue


def _between(positions: NDArray[np.float64], n: int) -> NDArray[np.float32]:
    """Return rows of weights that interpolate ``n`` values linearly at positions from 0 to n - 1."""
    first = np.minimum(positions.astype(int), max(n - 2, 0))
    weights = np.zeros((len(positions), n), np.float32)
    rows = np.arange(len(positions))
    weights[rows, first] = 1 - (positions - first)
    weights[rows, np.minimum(first + 1, n - 1)] += positions - first
    return weights
