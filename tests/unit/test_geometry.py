from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry, Orientation

OBLIQUE = (1.0, 0.0, 0.0, 0.0, 0.8, -0.6, 0.0, 0.6, 0.8)
ALL_ORIENTATIONS = [
    Orientation(axes, flips)
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]


def geometry() -> Geometry:
    return Geometry((4, 5, 6), (3.0, 2.0, 1.5), (-10.0, 20.0, 30.0), OBLIQUE)


def test_voxel_to_lps_agrees_with_simpleitk() -> None:
    image = sitk.Image((6, 5, 4), sitk.sitkUInt8)
    image.SetSpacing((1.5, 2.0, 3.0))
    image.SetOrigin((-10.0, 20.0, 30.0))
    image.SetDirection(OBLIQUE)
    expected = image.TransformContinuousIndexToPhysicalPoint((5.25, 1.5, 2.0))
    np.testing.assert_allclose(geometry().voxel_to_lps((2.0, 1.5, 5.25)), expected)


def test_lps_to_voxel_inverts_voxel_to_lps() -> None:
    points = np.random.default_rng(0).uniform(-5, 10, (20, 3))
    np.testing.assert_allclose(geometry().lps_to_voxel(geometry().voxel_to_lps(points)), points, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spacing": (0.0, 1.0, 1.0)}, "spacing"),
        ({"spacing": (-1.0, 1.0, 1.0)}, "spacing"),
        ({"spacing": (float("nan"), 1.0, 1.0)}, "spacing"),
        ({"shape": (0, 5, 6)}, "shape"),
        ({"origin_lps": (float("inf"), 0.0, 0.0)}, "origin"),
        ({"direction_lps": (0.0,) * 9}, "singular"),
    ],
)
def test_an_illegal_geometry_is_not_born(change: dict, message: str) -> None:
    legal = {"shape": (4, 5, 6), "spacing": (1.0, 1.0, 1.0)}
    with pytest.raises(InputError, match=message):
        Geometry(**{**legal, **change})


def test_difference_names_what_differs() -> None:
    same = geometry()
    assert same.difference(geometry()) is None
    assert "shape" in str(same.difference(Geometry((4, 5, 7), same.spacing, same.origin_lps, OBLIQUE)))
    assert "spacing" in str(same.difference(Geometry(same.shape, (3.0, 2.0, 1.6), same.origin_lps, OBLIQUE)))
    assert "origin" in str(same.difference(Geometry(same.shape, same.spacing, (0.0, 0.0, 0.0), OBLIQUE)))
    assert same.difference(Geometry(same.shape, same.spacing, (-10.001, 20.0, 30.0), OBLIQUE)) is None


@pytest.mark.parametrize("box", [((0, 0, 0), (0, 1, 1)), ((2, 2, 2), (1, 3, 3))])
def test_an_empty_or_inverted_box_is_not_born(box: tuple) -> None:
    with pytest.raises(InputError, match="empty or inverted"):
        Box(*box)


def test_clipping_a_box_outside_leaves_nothing() -> None:
    assert Box((5, 0, 0), (8, 2, 2)).clipped((5, 5, 5)) is None
    assert Box((-2, 1, 1), (3, 9, 2)).clipped((5, 5, 5)) == Box((0, 1, 1), (3, 5, 2))


def test_the_box_around_boxes_holds_each_and_no_more() -> None:
    boxes = [Box((5, 1, 2), (6, 3, 9)), Box((4, 2, 3), (5, 8, 4))]
    assert Box.around(boxes) == Box((4, 1, 2), (6, 8, 9))
    assert Box.around(boxes[:1]) == boxes[0]


def test_a_box_is_widened_by_a_fraction_of_each_side_rounded_down() -> None:
    assert Box((5, 5, 5), (12, 13, 29)).widened(1 / 8) == Box((5, 4, 2), (12, 14, 32))


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_reorienting_keeps_every_voxel_where_it_is_in_the_patient(orientation: Orientation) -> None:
    stored = geometry()
    array = np.arange(np.prod(stored.shape)).reshape(stored.shape)
    turned, turned_geometry = orientation.view(array), orientation.geometry(stored)
    assert turned.shape == turned_geometry.shape
    for index in [(0, 0, 0), (1, 2, 3), (3, 4, 5)]:
        there = orientation.point(tuple(map(float, index)), stored.shape)
        assert turned[tuple(int(i) for i in there)] == array[index]
        np.testing.assert_allclose(turned_geometry.voxel_to_lps(there), stored.voxel_to_lps(index), atol=1e-9)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_restoring_inverts_reorienting(orientation: Orientation) -> None:
    shape, box = (4, 5, 6), Box((1, 0, 2), (3, 4, 6))
    array = np.arange(120).reshape(shape)
    turned = orientation.box(box, shape)
    assert orientation.restored_box(turned, shape) == box
    np.testing.assert_array_equal(orientation.view(array)[turned.slices], orientation.view(array[box.slices]))
    np.testing.assert_array_equal(orientation.restored(orientation.view(array)), array)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_canonical_orientation_undoes_any_reordering(orientation: Orientation) -> None:
    canonical = Geometry((4, 5, 6), (3.0, 2.0, 1.5), (1.0, 2.0, 3.0), OBLIQUE)
    stored = orientation.geometry(canonical)
    assert Orientation.canonical(canonical).is_identity
    assert Orientation.canonical(stored).geometry(stored).difference(canonical, tolerance_mm=1e-9) is None
