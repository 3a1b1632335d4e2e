"""Simulated prompts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lesionlocator.geometry import Box
from lesionlocator.training.prompts import (
    exact_box,
    exact_point,
    on_model_grid,
    rough_box,
    rough_mask,
    rough_point,
)

BOXES = st.tuples(*(st.tuples(st.integers(0, 18), st.integers(1, 12)) for _ in range(3)))


def mask_of(box: tuple[tuple[int, int], ...]) -> np.ndarray:
    mask = np.zeros((20, 20, 20), bool)
    mask[tuple(slice(start, start + size) for start, size in box)] = True
    return mask


def test_exact_box_and_point_of_a_block() -> None:
    mask = mask_of(((3, 4), (5, 1), (7, 3)))
    assert exact_box(mask) == Box((3, 5, 7), (7, 6, 10))
    assert exact_point(mask) == (4, 5, 8)


def test_on_the_models_grid_each_side_is_one_or_two_voxels_further_out() -> None:
    rng = np.random.default_rng(0)
    boxes = [on_model_grid(rng, Box((0, 2, 3), (1, 4, 9))) for _ in range(200)]
    starts, stops = np.array([box.start for box in boxes]), np.array([box.stop for box in boxes])
    further = np.concatenate(((0, 2, 3) - starts, stops - (1, 4, 9)), axis=1)
    assert set(further.flat) == {1, 2}
    assert (abs(further.mean(axis=0) - 1.5) < 0.15).all()


@settings(deadline=None)
@given(box=BOXES, seed=st.integers(0, 2**32))
def test_a_rough_box_keeps_the_core_and_is_not_far_off(box: tuple[tuple[int, int], ...], seed: int) -> None:
    mask = mask_of(box)
    exact, rough = exact_box(mask), rough_box(np.random.default_rng(seed), mask)
    for axis in range(3):
        size = exact.shape[axis]
        outside = int(np.ceil(3 * (0.06 * size + 0.5)))
        cut = max((size - 1) // 4, 0)
        assert -outside <= rough.start[axis] - exact.start[axis] <= cut
        assert -cut <= rough.stop[axis] - exact.stop[axis] <= outside
        assert rough.start[axis] >= 0
        assert rough.stop[axis] <= 20


@settings(deadline=None)
@given(box=BOXES, seed=st.integers(0, 2**32))
def test_a_rough_point_lies_in_the_lesion(box: tuple[tuple[int, int], ...], seed: int) -> None:
    mask = mask_of(box)
    assert mask[rough_point(np.random.default_rng(seed), mask)]


@settings(deadline=None, max_examples=50)
@given(box=BOXES, seed=st.integers(0, 2**32))
def test_a_rough_mask_is_near_the_lesion(box: tuple[tuple[int, int], ...], seed: int) -> None:
    mask = mask_of(box)
    rough = rough_mask(np.random.default_rng(seed), mask)
    assert rough.any()
    apart = np.abs(np.argwhere(rough).mean(axis=0) - np.argwhere(mask).mean(axis=0))
    extent = np.ptp(np.argwhere(mask), axis=0) + 1
    assert (apart <= 4 + 0.8 * extent).all()
    assert rough.sum() <= 12 * mask.sum() + 30


def test_half_of_rough_masks_are_about_as_large_as_the_lesion_and_others_much_smaller_or_larger() -> None:
    mask = np.zeros((40, 40, 40), bool)
    mask[14:26, 14:26, 14:26] = True
    sizes = (
        np.array([rough_mask(np.random.default_rng(seed), mask).sum() for seed in range(200)]) / mask.sum()
    )
    assert 0.8 < np.median(sizes) < 1.2
    assert 0.4 < np.mean((sizes > 0.75) & (sizes < 1.35)) < 0.8
    assert np.mean(sizes < 0.5) > 0.05
    assert np.mean(sizes > 2) > 0.05
    assert sizes.min() > 0.02
    assert sizes.max() < 12
