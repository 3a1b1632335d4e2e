"""Merging, splitting and explaining lesions of one scan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_cases import SHAPE, block, found, line
from lesionlocator.errors import InputError
from lesionlocator.geometry import Box
from lesionlocator.results.lesion import LesionMask
from lesionlocator.results.relations import (
    Labelled,
    RelationLimits,
    common_voxels,
    explain_labels,
    merged_into,
)
from lesionlocator.tracking.matching import Gate

LIMITS = RelationLimits(shared=0.5, gate=Gate(0.1, 8.0))


def explained(tracked, labelled, expected=()):
    return explain_labels(tracked, dict(expected), labelled, LIMITS)


def test_masks_that_share_half_of_the_smaller_have_merged_into_the_larger_before():
    lesions = {1: line(0, 4), 2: line(2, 20)}
    assert merged_into(lesions, {1: 9.0, 2: 5.0}, {}, LIMITS) == {2: 1}
    assert merged_into(lesions, {1: 4.0, 2: 5.0}, {}, LIMITS) == {1: 2}
    assert merged_into(lesions, {}, {}, LIMITS) == {2: 1}


def test_masks_that_share_less_have_not_merged():
    assert merged_into({1: line(0, 4), 2: line(3, 20)}, {}, {}, LIMITS) == {}
    assert merged_into({1: line(0, 4), 2: line(4, 8)}, {}, {}, LIMITS) == {}


def test_merging_passes_through_others():
    lesions = {4: line(0, 6), 2: line(3, 9), 9: line(6, 12), 7: line(40, 50)}
    assert merged_into(lesions, {9: 3.0, 2: 1.0, 4: 2.0}, {}, LIMITS) == {2: 9, 4: 9}


def test_lesions_with_one_label_have_merged_without_touching():
    lesions = {1: line(0, 4), 2: line(4, 8), 3: line(9, 12)}
    assert merged_into(lesions, {2: 1.0}, {1: 5, 2: 5, 3: 6}, LIMITS) == {1: 2}


def test_each_tracked_lesion_gets_its_label():
    tracked = {5: line(0, 6), 8: line(20, 30)}
    labelled = {1: line(21, 30), 2: line(0, 5), 3: line(60, 64)}
    assert explained(tracked, labelled) == Labelled({5: 2, 8: 1}, {}, (3,))


def test_a_further_label_inside_a_track_is_split_from_it():
    assert explained({5: line(0, 20)}, {1: line(0, 9), 2: line(11, 20)}) == Labelled({5: 1}, {2: 5}, ())


def test_a_label_where_registration_expected_the_lesion_is_split_from_it():
    tracked, labelled = {5: line(0, 9)}, {1: line(0, 9), 2: line(30, 40)}
    assert explained(tracked, labelled) == Labelled({5: 1}, {}, (2,))
    assert explained(tracked, labelled, {5: line(0, 35).mask}) == Labelled({5: 1}, {2: 5}, ())
    assert explained(tracked, labelled, {5: line(0, 34).mask}) == Labelled({5: 1}, {}, (2,))


def test_lesions_within_one_label_share_it():
    assert explained({1: line(0, 6), 2: line(8, 12)}, {3: line(0, 12)}) == Labelled({1: 3, 2: 3}, {}, ())


def test_no_lesions_or_no_labels():
    assert explained({}, {}) == Labelled()
    assert explained({}, {4: line(0, 3)}) == Labelled({}, {}, (4,))
    assert explained({4: line(0, 3)}, {}) == Labelled()


@pytest.mark.parametrize("bad", [0.0, 1.1, float("nan")])
def test_an_impossible_share_is_refused(bad):
    with pytest.raises(InputError, match="shared fraction is"):
        RelationLimits(shared=bad)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_blocks_share_what_whole_masks_share(seed):
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(2):
        start = rng.integers(0, 4, 3)
        box = Box(tuple(start.tolist()), tuple((start + rng.integers(1, 5, 3)).tolist()))
        region = rng.integers(0, 2, box.shape).astype(np.uint8)
        masks.append(LesionMask(SHAPE, box, region, np.zeros(box.shape, np.float32)))
    expected = np.count_nonzero(masks[0].full() & masks[1].full())
    assert common_voxels(*masks) == expected


def test_a_mask_is_found_with_its_measurements():
    assert found(block((0, 0, 0), (1, 1, 3))).measurements.voxels == 3
