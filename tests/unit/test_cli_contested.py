"""Which restored lesions share voxels with others, against the whole arrays."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lesionlocator.cli.case_run import contested
from lesionlocator.geometry import Box
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus, share_voxel

SHAPE = (4, 5, 6)


@st.composite
def masks(draw: st.DrawFn) -> LesionMask:
    start = [draw(st.integers(0, n - 1)) for n in SHAPE]
    stop = [draw(st.integers(a + 1, n)) for a, n in zip(start, SHAPE, strict=True)]
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    region = np.random.default_rng(draw(st.integers(0, 999))).random(box.shape) < draw(st.floats(0, 1))
    return LesionMask(SHAPE, box, region.astype(np.uint8), np.zeros(box.shape, np.float32))


@given(masks(), masks())
def test_sharing_a_voxel_is_what_the_whole_arrays_say(one: LesionMask, other: LesionMask) -> None:
    assert share_voxel(one, other) == bool(np.any(one.full() & other.full()))


@given(st.lists(masks(), max_size=4), st.integers(0, 4))
def test_contested_lesions_are_restored_ones_that_share_a_voxel(
    found: list[LesionMask], restored: int
) -> None:
    results = {
        i: LesionResult(i, LesionStatus.SEGMENTED, found=mask) for i, mask in enumerate(found, start=1)
    }
    results[9] = LesionResult(9, LesionStatus.EMPTY)
    kept = {i: result for i, result in results.items() if i <= restored or i == 9}
    count = sum((mask.full().astype(int) for mask in found), np.zeros(SHAPE, int))
    expected = [i for i in kept if i != 9 and (count[found[i - 1].full() > 0] > 1).any()]
    assert contested(kept, results) == expected
