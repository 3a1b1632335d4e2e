import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_cases import oblique, phantom
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import Scan
from lesionlocator.results.lesion import LesionMask
from lesionlocator.tracking.field import DisplacementField
from lesionlocator.viewer.link import Link
from lesionlocator.viewer.space import LabelPicture, Space

SHAPE = (8, 16, 16)
GRID = Geometry(SHAPE, (3.0, 1.0, 2.0), (5.0, -7.0, 11.0))


def space(geometry: Geometry) -> Space:
    return Space(Scan("a", phantom(geometry.shape), geometry))


@pytest.mark.parametrize("geometry", [GRID, oblique(SHAPE)])
def test_every_position_that_is_shown_is_that_of_the_voxel_under_it(geometry: Geometry) -> None:
    shown = space(geometry)
    voxels, spacing = shown.upright.voxels, shown.upright.spacing
    for index in ((0, 0, 0), (7, 3, 12), (2, 15, 1)):
        stored = shown.to_stored(np.multiply(index, spacing))
        assert shown.scan.voxels[tuple(round(i) for i in stored)] == voxels[index]
        np.testing.assert_allclose(shown.to_shown(stored), np.multiply(index, spacing), atol=1e-9)


@pytest.mark.parametrize("geometry", [GRID, oblique(SHAPE)])
def test_positions_in_the_patient_go_there_and_back(geometry: Geometry) -> None:
    shown = space(geometry)
    place = shown.to_lps((4.0, 5.5, 6.25))
    np.testing.assert_allclose(place, geometry.voxel_to_lps(shown.to_stored((4.0, 5.5, 6.25))))
    np.testing.assert_allclose(shown.from_lps(place), (4.0, 5.5, 6.25), atol=1e-9)


@pytest.mark.parametrize("geometry", [GRID, oblique(SHAPE)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_drawn_box_holds_just_the_voxels_of_its_rectangle(geometry: Geometry, axis: int) -> None:
    shown = space(geometry)
    spacing = shown.upright.spacing
    low, high = np.array([3, 4, 5]), np.array([5, 9, 8])
    high[axis] = low[axis]
    box = shown.drawn_box(high * spacing, low * spacing, axis, depth_mm=0.0)
    inside = np.zeros(SHAPE, bool)
    inside[box.slices] = True
    expected = np.zeros(shown.upright.voxels.shape, bool)
    expected[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))] = True
    np.testing.assert_array_equal(shown.upright.orientation.view(inside), expected)


def test_a_drawn_box_is_as_deep_as_its_shorter_side_or_as_is_said() -> None:
    shown = space(GRID)
    assert shown.drawn_box((12.0, 2.0, 4.0), (12.0, 8.0, 20.0), 0) == Box((3, 2, 2), (6, 9, 11))
    deep = shown.drawn_box((12.0, 2.0, 4.0), (12.0, 8.0, 20.0), 0, depth_mm=12.0)
    assert deep == Box((2, 2, 2), (7, 9, 11))


def test_lesions_that_are_gone_leave_no_trace_in_the_picture() -> None:
    picture = LabelPicture(space(oblique(SHAPE)))
    box = Box((1, 2, 3), (3, 5, 6))
    mask = LesionMask(SHAPE, box, np.ones(box.shape, np.uint8), np.ones(box.shape, np.float32))
    picture.draw({300: mask})
    assert (picture.shown == 300).sum() == mask.voxels
    picture.draw({})
    assert not picture.shown.any()


@given(st.tuples(*[st.floats(-8, 8)] * 3))
def test_cursors_meet_where_a_smooth_field_says(place: tuple[float, float, float]) -> None:
    nodes = np.moveaxis(np.indices((5, 5, 5)), 0, -1)[..., ::-1] * 4.0 - 8.0
    vectors = 0.1 * nodes + (3.0, -2.0, 1.0)  # affine, so that trilinear interpolation is exact
    link = Link(DisplacementField(vectors, Geometry((5, 5, 5), (4.0,) * 3, (-8.0, -8.0, -8.0))))
    expected = np.multiply(place, 1.1) + np.array([3.0, -2.0, 1.0])
    np.testing.assert_allclose(link.to_baseline(place), expected, atol=1e-9)
    np.testing.assert_allclose(link.to_followup(link.to_baseline(place)), place, atol=0.1)


def test_scans_that_are_not_registered_share_their_world() -> None:
    np.testing.assert_array_equal(Link().to_baseline((1.0, 2.0, 3.0)), (1.0, 2.0, 3.0))
    np.testing.assert_array_equal(Link().to_followup((1.0, 2.0, 3.0)), (1.0, 2.0, 3.0))
