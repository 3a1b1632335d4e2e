"""Outlines filled again are the mask: by another library's filling, for any mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from lesionlocator.dicom.contours import outlines


def filled(mask: np.ndarray) -> np.ndarray:
    """Fill each polygon by itself: parts that touch must not cancel."""
    back = np.zeros(mask.shape, np.uint8)
    for polygon in outlines(mask):
        back += polygon2mask(mask.shape, np.asarray(polygon, float) - 0.5).astype(np.uint8)
    return back


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 0.9))
def test_filling_the_outlines_gives_the_mask(seed: int, density: float) -> None:
    mask = (np.random.default_rng(seed).random((9, 11)) < density).astype(np.uint8)
    assert np.array_equal(filled(mask), mask)


def test_a_hole_in_an_island_in_a_hole_is_kept() -> None:
    mask = np.zeros((13, 13), np.uint8)
    for i in range(6):
        mask[i + 1 : 12 - i, i + 1 : 12 - i] = 1 - i % 2
    assert mask[6, 6] == 0
    assert len(outlines(mask)) == 3
    assert np.array_equal(filled(mask), mask)


@pytest.mark.parametrize("holes", [[(3, 3), (3, 6)], [(3, 3), (5, 4), (4, 7)]])
def test_several_holes_are_joined_to_one_outline(holes: list[tuple[int, int]]) -> None:
    mask = np.zeros((9, 10), np.uint8)
    mask[1:8, 1:9] = 1
    for hole in holes:
        mask[hole] = 0
    assert len(outlines(mask)) == 1
    assert np.array_equal(filled(mask), mask)
