"""Planes through scans as pictures: places, values, outlines, whatever the axes of the file."""

from __future__ import annotations

import itertools
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from lesionlocator.geometry import Box, Orientation
from lesionlocator.io import Scan
from lesionlocator.planes import SOFT_TISSUE, Frame, Plane, Window, bilinear, outline, png
from lesionlocator.report.patient import block_mask, read_patients
from lesionlocator.report.pictures import _Planes, pictures_of
from lesionlocator.results.upright import UprightScan
from report_cases import GRID, write_results

SPACING = (3.0, 2.0, 1.0)


@pytest.mark.parametrize("plane", list(Plane))
def test_a_position_falls_on_the_pixel_whose_position_it_is(plane: Plane) -> None:
    frame = Frame(plane, (10.0, 20.0, 30.0), 60.0, 80, SPACING)
    _, down, across = plane.value
    point = [10.0, 20.0, 30.0]
    point[down], point[across] = frame.positions(down)[13], frame.positions(across)[57]
    assert frame.pixel((point[0], point[1], point[2])) == pytest.approx((57, 13))


def test_superior_is_up_and_left_is_right() -> None:
    frame = Frame(Plane.CORONAL, (10.0, 20.0, 30.0), 60.0, 80, SPACING)
    assert frame.pixel((12.0, 20.0, 30.0))[1] < frame.pixel((10.0, 20.0, 30.0))[1]
    assert frame.pixel((10.0, 20.0, 31.0))[0] > frame.pixel((10.0, 20.0, 30.0))[0]


def test_values_are_linear_between_voxels_and_air_outside() -> None:
    section = np.arange(12, dtype=np.int16).reshape(3, 4)
    found = bilinear(section, np.array([0.0, 1.5, 2.4, 2.6]), np.array([0.5, 3.0, -0.6]))
    np.testing.assert_allclose(found[:3, :2], [[0.5, 3.0], [6.5, 9.0], [8.5, 11.0]])
    assert (found[3] == -1024).all()
    assert (found[:, 2] == -1024).all()


def test_a_window_clips() -> None:
    values = np.array([-500.0, -160.0, 40.0, 240.0, 900.0], np.float32)
    assert SOFT_TISSUE.gray(values).tolist() == [0, 0, 128, 255, 255]


def test_a_png_is_read_back() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    with Image.open(BytesIO(png(picture))) as image:
        np.testing.assert_array_equal(np.asarray(image), picture)


def test_an_outline_is_the_mask_without_what_it_surrounds() -> None:
    mask = np.zeros((6, 6), np.bool_)
    mask[1:5, 1:6] = True
    expected = mask.copy()
    expected[2:4, 2:5] = False
    np.testing.assert_array_equal(outline(mask), expected)


def test_a_mask_covers_the_pixels_of_its_voxels() -> None:
    mask = np.zeros((9, 9, 9), np.bool_)
    mask[4, 4, 3:6] = True
    frame = Frame(Plane.AXIAL, (4.0, 4.0, 4.0), 9.0, 90, (1.0, 1.0, 1.0))
    inside = frame.covers(mask[4:5, 4:5, 3:6], Box((4, 4, 3), (5, 5, 6)))
    rows, columns = np.nonzero(inside)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 49, 30, 59)
    elsewhere = Frame(Plane.AXIAL, (7.0, 4.0, 4.0), 9.0, 90, (1.0, 1.0, 1.0))
    assert not elsewhere.covers(mask[4:5, 4:5, 3:6], Box((4, 4, 3), (5, 5, 6))).any()


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_pictures_do_not_depend_on_how_the_scan_is_stored(axes: tuple[int, int, int]) -> None:
    voxels = np.random.default_rng(0).integers(-160, 240, GRID.shape, dtype=np.int16)
    labels = np.zeros(GRID.shape, np.uint8)
    labels[8:14, 15:25, 10:22] = 1
    scan = Scan("ct", voxels, GRID)
    turned = Orientation(axes, (True, True, False))
    stored = scan.oriented(turned)
    images = []
    for one, array in ((scan, labels), (stored, turned.view(labels))):
        upright = UprightScan(one)
        mask = block_mask(array, Box.whole(one.geometry.shape), one)
        planes = _Planes(upright, (11.0, 20.0, 16.0), 60.0, None)
        images.append(np.asarray(planes.drawn(Window("any", 40, 400), mask)))
    np.testing.assert_array_equal(images[0], images[1])
    assert (images[0] == (255, 200, 40)).all(axis=-1).any(), "the outline"


def test_each_scan_has_a_projection_and_each_known_lesion_a_picture(tmp_path) -> None:
    [patient] = read_patients(write_results(tmp_path))
    shown = [(picture.place, picture.lesion_id) for picture in pictures_of(patient)]
    assert shown == [
        (0, None),
        (0, 1),
        (0, 2),
        (0, 5),
        (1, None),
        (1, 1),
        (1, 2),
        (1, 5),
        (2, None),
        (2, 1),
        (2, 2),
    ]
