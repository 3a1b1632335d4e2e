"""What a follow-up still shows of a lesion."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.following.appearance import Appearance
from lesionlocator.following.evidence import LEAST_LEFT, remaining_share
from lesionlocator.following.methods import Carried
from lesionlocator.following.origin import Origin, lesion_mask
from lesionlocator.following.places import KnownPlaces
from lesionlocator.geometry import Geometry
from lesionlocator.io import Scan
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus

SHAPE, SPACING = (30, 60, 60), (2.0, 1.0, 1.0)
CENTRE = np.array([30.0, 30.0, 30.0])
GRID = Geometry(SHAPE, SPACING)


def places() -> np.ndarray:
    axes = [np.arange(n) * mm for n, mm in zip(SHAPE, SPACING, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def ball(radius_mm: float, *, offset_mm: float = 0.0) -> np.ndarray:
    return np.linalg.norm(places() - CENTRE - (0, offset_mm, 0), axis=-1) <= radius_mm


def scan(lesion: np.ndarray, *, hu: float = 20.0, host: float = 100.0, seed: int = 1) -> Scan:
    """A lesion in tissue that is not even: next to it runs a vessel."""
    vessel = np.linalg.norm(places()[..., 1:] - CENTRE[1:] - (0, 13), axis=-1) <= 3
    noise = np.random.default_rng(seed).normal(0, 8, SHAPE)
    voxels = np.where(lesion, hu, np.where(vessel, host + 120, host)) + noise
    return Scan("scan", voxels.astype(np.int16), GRID)


def mask(lesion: np.ndarray) -> LesionMask:
    found = lesion_mask(lesion.astype(np.uint8))
    assert found is not None
    return found


def left(after: np.ndarray, *, expected_off_mm: float = 0.0, **later: float) -> float:
    before = ball(8)
    expected = mask(ball(8, offset_mm=expected_off_mm))
    share = remaining_share(Appearance.of(scan(before), mask(before)), scan(after, seed=2, **later), expected)
    assert share is not None
    return share


def test_a_lesion_that_is_there_is_seen() -> None:
    assert left(ball(8)) == pytest.approx(1, abs=0.1)
    assert left(ball(8), expected_off_mm=4) > 0.7
    assert left(ball(5.5)) > 0.7  # it has shrunk to a third of its volume
    assert left(ball(12)) > 0.7  # it has grown to more than threefold
    assert left(ball(8), hu=60.0) == pytest.approx(0.5, abs=0.15)  # it takes up contrast


def test_a_lesion_that_is_gone_leaves_nothing() -> None:
    nothing = np.zeros(SHAPE, bool)
    assert abs(left(nothing)) < LEAST_LEFT / 2
    assert abs(left(nothing, expected_off_mm=4)) < LEAST_LEFT  # the vessel is no lesion
    assert abs(left(nothing, host=150.0)) < LEAST_LEFT  # another contrast phase


def test_too_little_contrast_tells_nothing() -> None:
    before = scan(ball(8), hu=97.0)
    quiet = Scan("scan", np.where(ball(8), 97, 100).astype(np.int16), GRID)
    assert remaining_share(Appearance.of(quiet, mask(ball(8))), before, mask(ball(8))) is None


def test_a_place_that_is_hardly_in_view_tells_nothing() -> None:
    corner = np.zeros(SHAPE, bool)
    corner[:1, :3, :3] = True
    appearance = Appearance.of(scan(ball(8)), mask(ball(8)))
    assert remaining_share(appearance, scan(ball(8)), mask(corner)) is None


def test_a_lesion_is_compared_with_the_baseline_and_the_last_scan_that_showed_it() -> None:
    places = KnownPlaces(Origin(scan(ball(8)), {1: mask(ball(8))}), from_previous=True)
    levels = []
    for hu, is_found in ((20.0, True), (60.0, True), (100.0, False), (100.0, False)):
        found = mask(ball(8)) if is_found else None
        status = LesionStatus.SEGMENTED if is_found else LesionStatus.EMPTY
        lesion = LesionResult(1, status, found=found)
        places.move(scan(ball(8), hu=hu), {1: Carried(lesion, mask(ball(8)))})
        (origin,) = places.origins
        levels.append([round(float(s.hounsfield[s.lesion].mean()), -1) for s in origin.appearances(1)])
    assert levels == [[20, 20], [20, 60], [20, 60], [20, 60]]


def test_orientation_does_not_matter() -> None:
    flipped = Geometry(
        SHAPE,
        SPACING,
        origin_lps=tuple(GRID.voxel_to_lps((0, 59, 0))),
        direction_lps=(1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0),
    )
    after = scan(ball(8, offset_mm=2), seed=3)
    other = Scan("other", np.ascontiguousarray(after.voxels[:, ::-1]), flipped)
    appearance = Appearance.of(scan(ball(8)), mask(ball(8)))
    same = remaining_share(appearance, after, mask(ball(8)))
    turned = remaining_share(appearance, other, mask(ball(8)[:, ::-1]))
    assert turned == pytest.approx(same, abs=0.02)
