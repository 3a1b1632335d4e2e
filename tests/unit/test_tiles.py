from __future__ import annotations

import itertools

import pytest

from lesionlocator.geometry import Box
from lesionlocator.inference.tiles import Tiling

PATCH = (48, 64, 64)


def test_a_small_prompt_gets_one_patch_around_it() -> None:
    tiling = Tiling.around(Box((21, 31, 59), (33, 43, 72)), (100, 120, 136), PATCH, 0.5)
    assert tiling.tiles == [Box((2, 4, 33), (50, 68, 97))]


def test_a_patch_is_moved_inside_the_grid() -> None:
    tiling = Tiling.around(Box((0, 0, 130), (5, 5, 136)), (100, 120, 136), PATCH, 0.5)
    assert tiling.tiles == [Box((0, 0, 72), (48, 64, 136))]


def test_a_grid_smaller_than_the_patch_is_centred_in_it() -> None:
    tiling = Tiling.around(Box((4, 29, 14), (16, 37, 32)), (40, 57, 61), PATCH, 0.5)
    assert tiling.tiles == [Box((-4, -3, -1), (44, 61, 63))]


def test_a_prompt_as_large_as_the_patch_needs_one_and_a_larger_one_more() -> None:
    shape = (100, 120, 136)
    assert len(Tiling.around(Box((10, 10, 10), (58, 20, 20)), shape, PATCH, 0.5).tiles) == 1
    assert len(Tiling.around(Box((10, 10, 10), (59, 20, 20)), shape, PATCH, 0.5).tiles) > 1


def test_only_tiles_that_touch_a_large_prompt_are_kept() -> None:
    tiling = Tiling.around(Box((0, 0, 0), (30, 70, 10)), (200, 200, 200), PATCH, 0.5)
    assert [axis[0] for axis in tiling.starts] == [0, 0, 0]
    assert all(start < stop for axis, stop in zip(tiling.starts, (29, 69, 9), strict=True) for start in axis)
    assert tiling.span == Box((0, 0, 0), tiling.tiles[-1].stop)


@pytest.mark.parametrize("step_size", [0.25, 0.5, 1.0])
def test_tiles_cover_a_grid_wholly_covered_by_its_prompt(step_size: float) -> None:
    shape = (84, 110, 120)
    tiling = Tiling.around(Box.whole(shape), shape, PATCH, step_size)
    assert tiling.span == Box.whole(shape)
    for axis, patch in zip(tiling.starts, PATCH, strict=True):
        assert all(b - a <= patch for a, b in itertools.pairwise(axis))
