"""Distances, and the surfaces of lesions, against scipy and the package of DeepMind."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest
from scipy import ndimage

from lesionlocator import _core
from lesionlocator.evaluation.surfaces import surface_agreement
from racing import Racing

SPACING = (1.5, 0.8, 0.8)
_LESION = (40, 75, 75)


def ball(shape: tuple[int, int, int], radius: float) -> np.ndarray:
    """Return a ball around the middle, of a radius in mm."""
    places = [(np.arange(size) - size // 2) * mm for size, mm in zip(shape, SPACING, strict=True)]
    z, y, x = np.meshgrid(*places, indexing="ij", sparse=True)
    return (z**2 + y**2 + x**2 < radius**2).astype(np.uint8)


def ours(mask: np.ndarray) -> np.ndarray:
    out = np.empty(mask.shape, np.float32)
    _core.measure_distance_transform(mask, out, spacing=SPACING)
    return out


def race_distance_transform(race: Racing, quick: bool) -> None:
    mask = ball((60, 128, 128) if quick else (160, 224, 224), 30.0)
    race(
        "distance transform, patch",
        partial(ours, mask),
        "scipy distance_transform_edt",
        lambda: ndimage.distance_transform_edt(mask == 0, sampling=SPACING),
        equal=partial(np.allclose, rtol=3e-7, atol=0),
        goals={1: 4, 2: 6},
    )


def race_surfaces(race: Racing) -> None:
    surface_distance = pytest.importorskip("surface_distance")
    one = ball(_LESION, 25.0)
    other = np.roll(one, 2, 2)

    def theirs() -> tuple[float, float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of scipy, at its door
            found = surface_distance.compute_surface_distances(one > 0, other > 0, SPACING)
        return (
            surface_distance.compute_surface_dice_at_tolerance(found, 1.0),
            surface_distance.compute_robust_hausdorff(found, 100),
        )

    race(
        "surface Dice and distances, lesion of 50 mm",
        lambda: surface_agreement(one, other, SPACING),
        "surface-distance",
        theirs,
        equal=lambda a, b: np.allclose([a.nsd_1mm, a.hausdorff_mm], b, rtol=0, atol=0.01),
        goals={1: 2, 2: 3},
    )
