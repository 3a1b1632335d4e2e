"""What is left of a lesion's contrast in a follow-up."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.following.evidence import LEAST_CONTRAST, remaining_contrast
from lesionlocator.following.origin import lesion_mask
from lesionlocator.geometry import Geometry
from lesionlocator.io import Scan
from lesionlocator.results.lesion import LesionMask

SHAPE, SPACING = (30, 40, 40), (2.0, 1.0, 1.0)
CENTRE = np.array([30.0, 20.0, 20.0])


def ball(radius_mm: float, *, offset_mm: float = 0.0) -> np.ndarray:
    axes = [np.arange(n) * mm for n, mm in zip(SHAPE, SPACING, strict=True)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return np.linalg.norm(places - CENTRE - (0, offset_mm, 0), axis=-1) <= radius_mm


def scan(lesion: np.ndarray, *, hu: float = 20.0, host: float = 100.0, seed: int = 1) -> Scan:
    noise = np.random.default_rng(seed).normal(0, 8, SHAPE)
    voxels = np.where(lesion, hu, host) + noise
    return Scan("scan", voxels.astype(np.int16), Geometry(SHAPE, SPACING))


def mask(lesion: np.ndarray) -> LesionMask:
    found = lesion_mask(lesion.astype(np.uint8))
    assert found is not None
    return found


def left(after: np.ndarray, found: np.ndarray, **later: float) -> float | None:
    before = ball(8)
    followup = scan(after, seed=2, **later)
    return remaining_contrast(scan(before), mask(before), followup, mask(before), mask(found))


def test_a_lesion_that_is_there_keeps_its_contrast() -> None:
    assert left(ball(8), ball(8)) == pytest.approx(1, abs=0.2)
    assert left(ball(8, offset_mm=5), ball(8)) > 0.8  # the registration was off
    assert left(ball(5, offset_mm=2), ball(8)) > 0.8  # it has shrunk
    assert left(ball(14), ball(14)) > 0.8  # it has grown, and was found so


def test_a_lesion_that_is_gone_leaves_little() -> None:
    nothing = np.zeros(SHAPE, bool)
    assert left(nothing, ball(6)) < LEAST_CONTRAST
    assert left(nothing, ball(8), host=150.0) < LEAST_CONTRAST  # of another contrast phase


def test_too_little_contrast_tells_nothing() -> None:
    before = ball(8)
    assert (
        remaining_contrast(scan(before, hu=95.0), mask(before), scan(before), mask(before), mask(before))
        is None
    )
