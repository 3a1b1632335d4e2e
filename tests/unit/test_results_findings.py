"""What a timeline is given of the lesions of a scan."""

from __future__ import annotations

import numpy as np
import pytest

from course_cases import GRID, SCAN, SHAPE, block
from lesionlocator.errors import InputError
from lesionlocator.geometry import Box, Geometry
from lesionlocator.io import LabelMap
from lesionlocator.results.course import Tracked
from lesionlocator.results.findings import found_in, labelled_in, tracked_in
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus


def labelmap(dtype=np.uint8, **boxes):
    labels = np.zeros(SHAPE, dtype)
    for name, (start, stop) in boxes.items():
        labels[3, 4, start:stop] = int(name[1:])
    return LabelMap(labels, GRID)


def test_a_segmented_lesion_comes_with_its_measurements():
    mask = block((1, 2, 3), (2, 4, 6))
    tracked = tracked_in(LesionResult(4, LesionStatus.SEGMENTED, found=mask, warnings=("w",)), SCAN)
    assert tracked.found.mask is mask
    assert tracked.found.measurements.voxels == 6
    assert (tracked.assessed, tracked.warnings) == (True, ("w",))


def test_an_empty_lesion_was_assessed_and_a_refused_or_unseen_one_was_not():
    empty, refused = LesionResult(4, LesionStatus.EMPTY), LesionResult(4, LesionStatus.REFUSED)
    assert tracked_in(empty, SCAN) == Tracked(None, True)
    assert tracked_in(refused, SCAN) == Tracked(None, False)
    assert tracked_in(empty, SCAN, in_view=False) == Tracked(None, False)


def test_a_mask_without_voxels_is_not_found():
    box = Box((0, 0, 0), (2, 2, 2))
    nothing = LesionMask(SHAPE, box, np.zeros(box.shape, np.uint8), np.zeros(box.shape, np.float32))
    assert found_in(nothing, SCAN) is found_in(None, SCAN) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_are_kept(dtype):
    found = labelled_in(labelmap(dtype, l7=(0, 4), l3=(10, 12)), SCAN)
    assert {label: lesion.measurements.voxels for label, lesion in found.items()} == {3: 2, 7: 4}
    assert found[7].mask.box == Box((3, 4, 0), (4, 5, 4))


def test_the_parts_of_a_binary_map_are_lesions():
    labels = labelmap(l1=(0, 4))
    labels.labels[9, 9, 10:13] = 1
    assert {i: lesion.measurements.voxels for i, lesion in labelled_in(labels, SCAN).items()} == {1: 4, 2: 3}


def test_a_single_label_other_than_1_is_one_lesion():
    labels = labelmap(l2=(0, 4))
    labels.labels[9, 9, 10:13] = 2
    assert {i: lesion.measurements.voxels for i, lesion in labelled_in(labels, SCAN).items()} == {2: 7}


def test_an_empty_map_holds_nothing():
    assert labelled_in(labelmap(), SCAN) == {}


def test_a_map_on_another_grid_is_refused():
    other = LabelMap(np.zeros((2, 3, 4), np.uint8), Geometry((2, 3, 4), (1.0, 1.0, 1.0)))
    with pytest.raises(InputError, match=r"label map: is not on the grid of scan: shape \(2, 3, 4\)"):
        labelled_in(other, SCAN)
