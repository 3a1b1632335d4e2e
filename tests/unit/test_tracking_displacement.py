"""The map between two scans: there and back, and what it does to a mask."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from lesionlocator.errors import OutputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.tracking.displacement import DisplacementMap

BASELINE = Geometry((20, 30, 40), (3.0, 2.0, 1.0), (-10.0, 5.0, 0.0))
FOLLOWUP = Geometry((30, 25, 50), (2.0, 2.0, 1.0), (0.0, -5.0, 10.0), (-1, 0, 0, 0, 1, 0, 0, 0, 1))


def constant(*xyz):
    return DisplacementMap(np.full((2, 2, 2, 3), xyz, np.float64), np.zeros(3), 10.0)


def wavy():
    z, y, x = np.meshgrid(*[np.arange(8) * 10.0] * 3, indexing="ij")
    field = np.stack([5 * np.sin(y / 30) + 20, 4 * np.cos(z / 25), 6 * np.sin(x / 40) - 100], axis=-1)
    return DisplacementMap(field, np.array([-30.0, -20.0, -10.0]), 10.0)


def test_displacements_are_trilinear_between_nodes_and_constant_beyond():
    field = np.zeros((2, 2, 3, 3))
    field[..., 1, 0], field[1, ..., 2] = 6.0, 10.0
    between = DisplacementMap(field, np.array([100.0, 0.0, 0.0]), 4.0)
    found = between.to_baseline([[101.0, 2.0, 1.0], [104.0, 0.0, 4.0], [90.0, -9.0, 50.0]])
    np.testing.assert_allclose(found, [[102.5, 2.0, 3.5], [110.0, 0.0, 14.0], [90.0, -9.0, 60.0]])


def test_back_and_forth_ends_where_it_began():
    points = np.random.default_rng(0).uniform(-60, 120, (50, 2, 3))
    np.testing.assert_allclose(wavy().to_baseline(wavy().to_followup(points)), points, atol=2e-3)
    np.testing.assert_allclose(wavy().to_followup(wavy().to_baseline(points)), points, atol=5e-3)


def test_a_field_of_one_slice_is_a_map_too():
    flat = DisplacementMap(np.full((1, 3, 3, 3), 7.0), np.zeros(3), 5.0)
    np.testing.assert_allclose(flat.to_baseline([1.0, 2.0, 3.0]), [8.0, 9.0, 10.0])


def test_a_mask_is_warped_as_each_voxel_says():
    rng = np.random.default_rng(3)
    box = Box((4, 10, 12), (12, 20, 30))
    mask = rng.integers(0, 2, box.shape).astype(np.uint8)
    full = np.zeros(BASELINE.shape, np.uint8)
    full[box.slices] = mask
    bent = DisplacementMap(wavy().displacement + np.array([-22.0, 3.0, 95.0]), wavy().origin, 10.0)
    found_box, found = bent.warp_mask(mask, box, BASELINE, FOLLOWUP)
    whole = np.zeros(FOLLOWUP.shape, np.uint8)
    whole[found_box.slices] = found
    indices = np.moveaxis(np.indices(FOLLOWUP.shape), 0, -1)
    nearest = np.floor(BASELINE.lps_to_voxel(bent.to_baseline(FOLLOWUP.voxel_to_lps(indices))) + 0.5).astype(
        int
    )
    inside = np.all((nearest >= 0) & (nearest < BASELINE.shape), axis=-1)
    expected = np.zeros(FOLLOWUP.shape, np.uint8)
    expected[inside] = full[tuple(nearest[inside].T)]
    assert expected.any()
    np.testing.assert_array_equal(whole, expected)
    for axis in range(3):
        edges = np.moveaxis(found, axis, 0)
        assert edges[0].any()
        assert edges[-1].any()


def test_an_identical_grid_without_displacement_keeps_the_mask():
    box = Box((0, 0, 0), (3, 4, 5))
    found_box, found = constant(0, 0, 0).warp_mask(np.ones(box.shape, np.uint8), box, BASELINE, BASELINE)
    assert found_box == box
    assert found.all()


@pytest.mark.parametrize("away", [(500.0, 0.0, 0.0), (0.0, 0.0, -300.0)])
def test_a_mask_that_leaves_the_follow_up_is_none(away):
    box = Box((0, 0, 0), (3, 4, 5))
    assert constant(*away).warp_mask(np.ones(box.shape, np.uint8), box, BASELINE, BASELINE) is None


def test_an_empty_mask_is_none():
    box = Box((5, 5, 5), (8, 8, 8))
    assert constant(0, 0, 0).warp_mask(np.zeros(box.shape, np.uint8), box, BASELINE, BASELINE) is None


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii.gz"])
def test_a_written_map_is_a_transform_of_itk(tmp_path, ending):
    path = tmp_path / f"map{ending}"
    wavy().field().write(path)
    transform = sitk.DisplacementFieldTransform(sitk.ReadImage(str(path), sitk.sitkVectorFloat64))
    for point in ([1.0, 2.0, 3.0], [-20.0, 30.0, 11.5]):
        np.testing.assert_allclose(transform.TransformPoint(point), wavy().to_baseline(point), atol=1e-4)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_map_that_cannot_be_written_is_named(tmp_path):
    for path in (tmp_path / "nowhere" / "map.nrrd", tmp_path / "map.txt"):
        with pytest.raises(OutputError, match=f"cannot write .*{path.name}"):
            wavy().field().write(path)
    assert list(tmp_path.iterdir()) == []
