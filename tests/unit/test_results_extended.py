"""The measurements that `lesionlocator measure` adds, against numpy and across orientations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry, Orientation
from lesionlocator.io import LabelMap, Scan
from lesionlocator.results.extended import PERCENTILES, components_of, measure_extended, measure_labels
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.measurements import measure

SHAPE = (14, 18, 20)
GRID = Geometry(SHAPE, (2.5, 0.8, 1.25), (-50.0, 12.0, 700.0))


def labels() -> np.ndarray:
    """Two lesions that touch, one of them in a corner, and a single voxel."""
    full = np.zeros(SHAPE, np.uint16)
    random = np.random.default_rng(5).random(SHAPE)
    full[3:9, 4:12, 5:13] = (random < 0.7)[3:9, 4:12, 5:13] * 3
    full[9:14, 4:12, 5:13] = 700
    full[0, 0, 0] = 9
    return full


def scan(dtype: type = np.int16) -> Scan:
    return Scan("ct", np.random.default_rng(0).normal(40, 100, SHAPE).astype(dtype), GRID)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_each_label_is_measured_by_itself(dtype: type) -> None:
    full, ct = labels(), scan(dtype)
    found = measure_labels(LabelMap(full, GRID), ct)
    assert list(found) == [3, 9, 700]
    for label, measured in found.items():
        mask = full == label
        assert measured.basic.voxels == mask.sum()
        expected = np.percentile(ct.voxels[mask].astype(float), PERCENTILES)
        np.testing.assert_allclose(measured.hu_percentiles, expected, rtol=1e-6)
        where = np.argwhere(mask) * GRID.spacing
        apart = np.linalg.norm(where[:, None] - where[None], axis=-1).max()
        assert measured.longest_diameter_3d.length_mm == pytest.approx(apart)
        assert measured.longest_diameter_3d.length_mm >= measured.basic.longest_diameter.length_mm
        assert 0 < measured.sphericity <= 1


def test_the_basic_measurements_are_those_of_a_segmentation() -> None:
    full, ct = labels(), scan()
    region = (full == 3).astype(np.uint8)
    expected = measure(LesionMask(SHAPE, Box.whole(SHAPE), region, np.zeros(SHAPE, np.float32)), ct)
    assert measure_labels(LabelMap(full, GRID), ct)[3].basic == expected


def test_a_single_voxel_is_an_octahedron() -> None:
    found = measure_labels(LabelMap(labels(), GRID), scan())[9]
    assert found.longest_diameter_3d.length_mm == 0
    assert found.mesh_volume_ml == pytest.approx(GRID.voxel_volume_ml / 6)
    assert len(set(found.hu_percentiles)) == 1


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_measurements_do_not_depend_on_how_the_scan_is_stored(axes: tuple[int, int, int]) -> None:
    turned = Orientation(axes, (True, False, True))
    ct, full = scan(), labels()
    expected = measure_labels(LabelMap(full, GRID), ct)[3]
    view = np.ascontiguousarray(turned.view(full))
    found = measure_labels(LabelMap(view, turned.geometry(GRID)), ct.oriented(turned))[3]
    assert found.surface_area_mm2 == pytest.approx(expected.surface_area_mm2)
    assert found.sphericity == pytest.approx(expected.sphericity)
    assert found.longest_diameter_3d.length_mm == pytest.approx(expected.longest_diameter_3d.length_mm)
    assert found.hu_percentiles == expected.hu_percentiles


def test_an_empty_mask_has_no_measurements() -> None:
    empty = LesionMask(SHAPE, Box.whole(SHAPE), np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.float32))
    assert measure_extended(empty, scan()) is None


def test_components_are_numbered_by_their_first_voxel() -> None:
    found = components_of(LabelMap(labels(), GRID))
    assert found.labels[0, 0, 0] == 1
    assert found.labels[13, 11, 12] == found.labels[9, 4, 5] == 2


def test_too_many_components_are_an_error() -> None:
    full = np.zeros((3, 400, 1400), np.uint8)
    full[::2, ::2, ::2] = 1
    with pytest.raises(InputError, match="label map: "):
        components_of(LabelMap(full, Geometry(full.shape, (1.0, 1.0, 1.0))))


def test_another_grid_is_an_error() -> None:
    other = Geometry(SHAPE, (2.5, 0.8, 1.0))
    with pytest.raises(InputError, match="label map: is not on the grid of ct: spacing"):
        measure_labels(LabelMap(labels(), other), scan())
