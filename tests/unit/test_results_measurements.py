"""Measurements of lesions against the obvious slow way."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from lesionlocator.geometry import Box, Geometry, Orientation
from lesionlocator.io import Scan
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.measurements import measure

SHAPE = (7, 9, 11)
SPACING = (2.5, 0.8, 1.25)
ALL_ORIENTATIONS = [
    Orientation((axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2]))
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]


def scan(geometry: Geometry, seed: int = 0, dtype: Any = np.int16) -> Scan:
    values = np.random.default_rng(seed).normal(40, 100, geometry.shape)
    return Scan("ct", values.astype(dtype), geometry)


def lesion(full: np.ndarray[Any, Any], box: Box | None = None) -> LesionMask:
    box = box or Box.whole(full.shape)
    region = np.ascontiguousarray(full[box.slices], np.uint8)
    return LesionMask(full.shape, box, region, region.astype(np.float32))


def blob(seed: int = 1) -> np.ndarray[Any, Any]:
    """A lesion of many voxels inside a block of its own."""
    full = np.zeros(SHAPE, np.uint8)
    full[2:6, 3:8, 2:9] = np.random.default_rng(seed).random((4, 5, 7)) < 0.6
    return full


def test_sizes_positions_and_intensities_are_those_of_the_voxels() -> None:
    geometry = Geometry(SHAPE, SPACING, (-50.0, 12.0, 700.0))
    ct, full = scan(geometry), blob()
    found = measure(lesion(full, Box((1, 3, 1), (7, 9, 10))), ct)
    assert found is not None
    where = np.argwhere(full)
    assert found.voxels == len(where)
    assert found.volume_ml == pytest.approx(len(where) * 2.5 * 0.8 * 1.25 / 1000)
    assert found.centroid_voxel == pytest.approx(tuple(where.mean(axis=0)))
    z, y, x = where.mean(axis=0)
    assert found.centroid_lps_mm == pytest.approx((-50 + 1.25 * x, 12 + 0.8 * y, 700 + 2.5 * z))
    assert found.box.start == tuple(where.min(axis=0))
    assert found.box.stop == tuple(where.max(axis=0) + 1)
    assert found.hu_mean == pytest.approx(ct.voxels[full > 0].mean())
    assert found.hu_sd == pytest.approx(ct.voxels[full > 0].std())


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_both_types_of_scan_are_measured(dtype: Any) -> None:
    ct = scan(Geometry(SHAPE, SPACING), dtype=dtype)
    found = measure(lesion(blob()), ct)
    assert found is not None
    assert found.hu_mean == pytest.approx(float(ct.voxels[blob() > 0].astype(np.float64).mean()), rel=1e-6)


def test_an_empty_mask_has_no_measurements() -> None:
    assert measure(lesion(np.zeros(SHAPE, np.uint8)), scan(Geometry(SHAPE, SPACING))) is None


def test_the_longest_diameter_is_that_of_the_farthest_pair_in_one_slice() -> None:
    full = blob()
    found = measure(lesion(full), scan(Geometry(SHAPE, SPACING)))
    assert found is not None
    longest = max(
        float(np.hypot((a[0] - b[0]) * 0.8, (a[1] - b[1]) * 1.25))
        for plane in full
        for a, b in itertools.combinations(np.argwhere(plane), 2)
    )
    assert found.longest_diameter.length_mm == pytest.approx(longest)


def test_the_diameters_are_perpendicular_and_end_in_the_lesion() -> None:
    geometry = Geometry(SHAPE, SPACING, (3.0, 4.0, 5.0))
    full = blob()
    found = measure(lesion(full), scan(geometry))
    assert found is not None
    lines = [found.longest_diameter, found.perpendicular_diameter]
    for line in lines:
        start, stop = np.asarray(line.ends_lps_mm)
        np.testing.assert_allclose(geometry.voxel_to_lps(line.ends_voxel), line.ends_lps_mm)
        assert np.linalg.norm(stop - start) == pytest.approx(line.length_mm)
        assert start[2] == stop[2], "axial"
    for end in lines[0].ends_voxel:
        z, y, x = (round(position) for position in end)
        assert full[z, y, x]
    directions = [np.subtract(*line.ends_lps_mm) for line in lines]
    assert np.dot(*directions) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_measurements_do_not_depend_on_how_the_scan_is_stored(orientation: Orientation) -> None:
    geometry = Geometry(SHAPE, SPACING, (-50.0, 12.0, 700.0))
    ct, full = scan(geometry), blob()
    expected = measure(lesion(full), ct)
    found = measure(lesion(np.ascontiguousarray(orientation.view(full))), ct.oriented(orientation))
    assert expected is not None
    assert found is not None
    for name in ("voxels", "volume_ml", "touches_border"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name))
    assert found.hu_mean == pytest.approx(expected.hu_mean)
    assert found.centroid_lps_mm == pytest.approx(expected.centroid_lps_mm)
    for name in ("longest_diameter", "perpendicular_diameter"):
        theirs, ours = getattr(expected, name), getattr(found, name)
        assert ours.length_mm == pytest.approx(theirs.length_mm)
        np.testing.assert_allclose(ours.ends_lps_mm, theirs.ends_lps_mm)


def test_the_axial_plane_of_an_oblique_scan_is_that_of_the_nearest_axis() -> None:
    """Sagittal storage, tilted by 20 degrees: the diameter lies in the plane of the stored axes 1 and 2."""
    angle = np.deg2rad(20)
    tilted = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    direction = tilted[:, [2, 1, 0]]  # the stored x axis is nearest to superior
    geometry = Geometry(SHAPE, (1.0, 1.0, 1.0), direction_lps=tuple(direction.ravel()))
    full = np.zeros(SHAPE, np.uint8)
    full[3, 4, 1:10] = 1  # nine voxels along the superior axis
    full[2:5, 4, 5] = 1
    found = measure(lesion(full), scan(geometry))
    assert found is not None
    assert found.longest_diameter.length_mm == pytest.approx(2.0)
    assert sorted(found.longest_diameter.ends_voxel) == [(2.0, 4.0, 5.0), (4.0, 4.0, 5.0)]


def test_one_voxel_has_diameters_of_zero() -> None:
    full = np.zeros(SHAPE, np.uint8)
    full[3, 4, 5] = 1
    found = measure(lesion(full), scan(Geometry(SHAPE, SPACING)))
    assert found is not None
    assert (found.longest_diameter.length_mm, found.perpendicular_diameter.length_mm) == (0.0, 0.0)
    assert found.longest_diameter.ends_voxel == ((3.0, 4.0, 5.0), (3.0, 4.0, 5.0))
    assert found.hu_sd == 0.0


@pytest.mark.parametrize(
    ("voxel", "touches"),
    [
        ((0, 4, 5), True),
        ((6, 4, 5), True),
        ((3, 0, 5), True),
        ((3, 8, 5), True),
        ((3, 4, 0), True),
        ((3, 4, 10), True),
        ((1, 1, 1), False),
        ((5, 7, 9), False),
    ],
)
def test_touching_the_border_means_its_first_or_last_plane(
    voxel: tuple[int, int, int], touches: bool
) -> None:
    full = np.zeros(SHAPE, np.uint8)
    full[voxel] = 1
    found = measure(lesion(full), scan(Geometry(SHAPE, SPACING)))
    assert found is not None
    assert found.touches_border is touches


def test_the_dictionary_has_plain_rounded_values_and_units_in_its_names() -> None:
    geometry = Geometry(SHAPE, (1 / 3, 1 / 3, 1 / 3), (0.0, 0.0, -1.0))
    content = measure(lesion(blob()), scan(geometry)).as_dict()  # type: ignore[union-attr]
    assert content["volume_ml"] == round(content["voxels"] / 27 / 1000, 6)
    assert all(value == round(value, 4) for value in content["centroid_lps_mm"])
    assert type(content["voxels"]) is int
    assert type(content["touches_border"]) is bool
    assert {"longest_diameter_mm", "hu_mean", "box_start_voxel", "perpendicular_diameter_ends_lps_mm"} <= set(
        content
    )
