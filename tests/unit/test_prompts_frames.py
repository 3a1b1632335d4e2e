"""Coordinates of files: voxels, LPS and RAS, against numbers that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.prompts.frames import Coordinates, Frame

# x runs to the right (flipped), 2 mm; y to posterior, 1 mm; z to superior, 5 mm.
IMAGE = Geometry((10, 20, 30), (5.0, 1.0, 2.0), (100.0, -50.0, 7.0), (-1, 0, 0, 0, 1, 0, 0, 0, 1))
# The same image turned by 30 degrees about z.
C, S = np.cos(np.pi / 6), np.sin(np.pi / 6)
TURNED = Geometry((10, 20, 30), (5.0, 1.0, 2.0), (0.0, 0.0, 0.0), (C, -S, 0, S, C, 0, 0, 0, 1))


def test_voxels_in_files_are_x_y_z() -> None:
    assert Coordinates().point_to_voxel((1.0, 2.0, 3.0)) == (3.0, 2.0, 1.0)
    assert Coordinates().box_to_voxel((1.0, 2.0, 3.0), (4.0, 6.0, 8.0)) == Box((3, 2, 1), (8, 6, 4))
    assert Coordinates().box_from_voxel(Box((3, 2, 1), (8, 6, 4))) == ((1, 2, 3), (4, 6, 8))


def test_an_lps_point_becomes_a_voxel() -> None:
    assert Coordinates(Frame.LPS, IMAGE).point_to_voxel((90.0, -47.0, 17.0)) == pytest.approx((2.0, 3.0, 5.0))


def test_ras_is_lps_with_x_and_y_negated() -> None:
    assert Coordinates(Frame.RAS, IMAGE).point_to_voxel((-90.0, 47.0, 17.0)) == pytest.approx((2.0, 3.0, 5.0))
    assert Coordinates(Frame.RAS, IMAGE).point_from_voxel((2.0, 3.0, 5.0)) == pytest.approx(
        (-90.0, 47.0, 17.0)
    )


def test_a_voxel_box_reaches_to_the_faces_of_its_voxels() -> None:
    low, high = Coordinates(Frame.LPS, IMAGE).box_from_voxel(Box((2, 3, 5), (3, 5, 6)))
    assert low == pytest.approx((89.0, -47.5, 14.5))
    assert high == pytest.approx((91.0, -45.5, 19.5))


def test_a_world_box_becomes_the_voxels_it_touches() -> None:
    box = Coordinates(Frame.LPS, IMAGE).box_to_voxel((89.5, -47.4, 16.0), (92.0, -46.4, 20.0))
    assert box == Box((2, 3, 4), (4, 5, 6))


def test_a_world_box_thinner_than_a_voxel_is_not_lost() -> None:
    box = Coordinates(Frame.LPS, IMAGE).box_to_voxel(
        (91.0, -47.5, 14.5), (91.0 + 1e-9, -47.5 + 1e-9, 14.5 + 1e-9)
    )
    assert box.shape == (1, 1, 1)


def test_a_world_box_on_a_turned_image_is_covered() -> None:
    frame = Coordinates(Frame.LPS, TURNED)
    box = frame.box_to_voxel((0.0, 10.0, 0.0), (6.0, 14.0, 5.0))
    corners = [frame.point_to_voxel((x, y, z)) for x in (0.0, 6.0) for y in (10.0, 14.0) for z in (0.0, 5.0)]
    assert np.all(np.subtract(box.start, 0.5) <= np.min(corners, axis=0) + 1e-3)
    assert np.all(np.subtract(box.stop, 0.5) >= np.max(corners, axis=0) - 1e-3)
    assert np.all(np.subtract(box.start, -0.5) > np.min(corners, axis=0))
    assert np.all(np.subtract(box.stop, 1.5) < np.max(corners, axis=0))


@pytest.mark.parametrize("frame", [Frame.LPS, Frame.RAS])
def test_mm_without_an_image_raise(frame: Frame) -> None:
    with pytest.raises(InputError, match=f"{frame.value.upper()} coordinates need the image"):
        Coordinates(frame)


def test_an_inverted_world_box_raises() -> None:
    with pytest.raises(InputError, match="is empty or inverted"):
        Coordinates(Frame.LPS, IMAGE).box_to_voxel((1.0, 0.0, 0.0), (0.0, 1.0, 1.0))


def test_a_world_box_beyond_any_voxel_raises() -> None:
    tiny = Geometry((10, 10, 10), (1e-3, 1e-3, 1e-3))
    with pytest.raises(InputError, match=r"is beyond 2147483647 \(in voxels\)"):
        Coordinates(Frame.LPS, tiny).box_to_voxel((0.0, 0.0, 0.0), (2e9, 1.0, 1.0))
