"""A patient with two whole-body scans of which the second shows less, and where its lesions then lie."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from lesionlocator.geometry import Geometry
from lesionlocator.synthetic import build_anatomy
from lesionlocator.synthetic.files import write_image
from lesionlocator.synthetic.tissue import Tissue

SPACING = (1.0, 0.98, 0.98)
SIZE = 512
_BLOCK = 4
"""Voxels to a side that one voxel of the anatomy becomes."""
_RADIUS, _BRIGHTER = 8, 120
_NOISE = 20
CUT, _SHIFT = 40, (7, -9)
"""Slices that the follow-up does not show, and voxels by which the patient lies elsewhere in them."""
_NOT_SOLID = (Tissue.AIR, Tissue.COUCH, Tissue.LUNG, Tissue.GAS)


def write_patient(folder: Path, slices: int, lesions: int) -> dict[int, tuple[float, float, float]]:
    """Write ``bl.nii.gz``, ``fu.nii.gz`` and the lesions of the first as ``bl_lesions.nii.gz``.

    Returns
    -------
    dict
        By id, the voxel of the follow-up in which a lesion's centre lies: z, y, x.
    """
    shape = (slices // _BLOCK, SIZE // _BLOCK, SIZE // _BLOCK)
    anatomy = build_anatomy(5, shape, tuple(_BLOCK * s for s in SPACING), middle_mm=0)
    body = np.empty((slices, SIZE, SIZE), np.int16)
    for z, plane in enumerate(anatomy.hounsfield):
        body[_BLOCK * z : _BLOCK * (z + 1)] = plane.repeat(_BLOCK, 0).repeat(_BLOCK, 1)
    labels = np.zeros(body.shape, np.uint8)
    centers = _centers(anatomy.tissue, lesions)
    ball = np.sum(np.square(np.indices([2 * _RADIUS + 1] * 3) - _RADIUS), axis=0) <= _RADIUS**2
    for lesion, center in enumerate(centers, 1):
        box = tuple(slice(c - _RADIUS, c + _RADIUS + 1) for c in center)
        body[box][ball] += _BRIGHTER
        labels[box][ball] = lesion
    write_image(labels, Geometry(labels.shape, SPACING), folder / "bl_lesions.nii.gz")
    later = np.roll(body[CUT:], _SHIFT, (1, 2))
    for seed, (name, voxels) in enumerate({"bl": body, "fu": later}.items()):
        _add_noise(voxels, seed)
        write_image(voxels, Geometry(voxels.shape, SPACING), folder / f"{name}.nii.gz")
    return {i: (z - CUT, y + _SHIFT[0], x + _SHIFT[1]) for i, (z, y, x) in enumerate(centers, 1)}


def _centers(tissue: np.ndarray, lesions: int) -> list[tuple[int, int, int]]:
    """Return voxels amid solid tissue, one in each of as many slabs of the follow-up."""
    rng = np.random.default_rng(2)
    first = (CUT + 3 * _RADIUS) // _BLOCK
    slabs = np.linspace(first, len(tissue) - 3 * _RADIUS // _BLOCK, lesions + 1).astype(int)
    centers = []
    for low, high in pairwise(slabs):
        solid = ~np.isin(tissue[low:high], _NOT_SOLID)
        for axis in (1, 2):
            solid &= np.roll(solid, 2, axis) & np.roll(solid, -2, axis)
        z, y, x = rng.choice(np.argwhere(solid))
        centers.append(tuple(int(_BLOCK * (n + 0.5)) for n in (z + low, y, x)))
    return centers


def _add_noise(voxels: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for z in range(len(voxels)):
        voxels[z] += (_NOISE * rng.standard_normal(voxels.shape[1:], np.float32)).astype(np.int16)
