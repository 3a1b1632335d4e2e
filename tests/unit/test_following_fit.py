"""Where a follow-up shows a lesion that registration leaves a few millimetres off."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.following.appearance import Appearance
from lesionlocator.following.fit import fitted
from lesionlocator.following.origin import lesion_mask
from lesionlocator.geometry import Geometry
from lesionlocator.io import Scan
from lesionlocator.results.lesion import LesionMask

SPACING = (2.0, 1.0, 1.0)
GRID = Geometry((30, 60, 60), SPACING)
CENTRE = np.array([30.0, 30.0, 30.0])
NEAR_MM = 1.2
"""Half the diagonal of a voxel."""


def around(centre_mm: np.ndarray, geometry: Geometry = GRID) -> list[np.ndarray]:
    axes = [np.arange(n) * mm for n, mm in zip(geometry.shape, geometry.spacing, strict=True)]
    return [grid - c for grid, c in zip(np.meshgrid(*axes, indexing="ij"), centre_mm, strict=True)]


def ball(centre_mm: np.ndarray, radius_mm: float = 6.0, geometry: Geometry = GRID) -> np.ndarray:
    return np.sqrt(sum(axis**2 for axis in around(centre_mm, geometry))) <= radius_mm


def scan(
    centre_mm: np.ndarray,
    *,
    radius_mm: float = 6.0,
    host: float = 100.0,
    geometry: Geometry = GRID,
    seed: int = 2,
) -> Scan:
    """A dark lesion beside a vessel and below the edge of an organ, which all lie where it lies."""
    z, y, x = around(centre_mm, geometry)
    voxels = np.full(geometry.shape, host)
    voxels[np.hypot(y, x - 10) <= 2.5] += 120
    voxels[z > 9] = -80
    voxels[ball(centre_mm, radius_mm, geometry)] = host - 60
    voxels += np.random.default_rng(seed).normal(0, 8, geometry.shape)
    return Scan("scan", voxels.astype(np.int16), geometry)


def mask(lesion: np.ndarray) -> LesionMask:
    found = lesion_mask(lesion.astype(np.uint8))
    assert found is not None
    return found


def off_mm(place: LesionMask, centre_mm: np.ndarray, geometry: Geometry = GRID) -> float:
    centre = (np.argwhere(place.region).mean(axis=0) + place.box.start) * geometry.spacing
    return float(np.linalg.norm(centre - centre_mm))


APPEARANCE = Appearance.of(scan(CENTRE, seed=1), mask(ball(CENTRE)))


@pytest.mark.parametrize("moved", [(0, 0, 0), (2, -3, 1), (-4, 2, 3), (0, 5, -4)])
@pytest.mark.parametrize("radius_mm", [4.5, 6.0, 8.0])
def test_a_place_moves_to_where_the_lesion_is(moved: tuple[int, int, int], radius_mm: float) -> None:
    there = CENTRE + moved
    place = fitted(APPEARANCE, scan(there, radius_mm=radius_mm), mask(ball(CENTRE)))
    assert off_mm(place, there) <= NEAR_MM
    assert place.voxels == ball(CENTRE).sum()


def test_another_contrast_phase_and_grid_are_no_matter() -> None:
    grid = Geometry((40, 50, 50), (1.5, 1.3, 1.3))
    there = CENTRE + np.array([3, -2, 2])
    expected = mask(ball(CENTRE, geometry=grid))
    place = fitted(APPEARANCE, scan(there, host=150.0, geometry=grid), expected)
    assert off_mm(place, there, grid) <= NEAR_MM


def test_where_a_lesion_is_gone_its_surroundings_tell_its_place() -> None:
    there = CENTRE + np.array([0, 3, -3])
    gone = scan(there, radius_mm=0.0)
    assert off_mm(fitted(APPEARANCE, gone, mask(ball(CENTRE))), there) <= NEAR_MM


def test_what_looks_the_same_everywhere_moves_nothing() -> None:
    even = Scan("even", np.full(GRID.shape, 100, np.int16), GRID)
    expected = mask(ball(CENTRE))
    assert fitted(Appearance.of(even, expected), even, expected).box == expected.box


def test_a_place_that_is_hardly_in_view_stays() -> None:
    corner = np.zeros(GRID.shape, bool)
    corner[:1, :3, :3] = True
    expected = mask(corner)
    assert fitted(APPEARANCE, scan(CENTRE), expected).box == expected.box
