from __future__ import annotations

import numpy as np
import pytest

from evaluation_cases import blobs, dice, geometry
from lesionlocator.errors import InputError
from lesionlocator.evaluation.tracking import score_tracking
from lesionlocator.tracking.matching import Comparison, compare_labels

SIZE = (3, 8, 60)


def squares(**starts: int) -> np.ndarray:
    """Return a label map with a block of 2 x 4 x 4 voxels for each label, from a place along x on."""
    labels = np.zeros(SIZE, np.uint8)
    for name, start in starts.items():
        labels[0:2, 2:6, start : start + 4] = int(name.removeprefix("l"))
    return labels


def compared(truth: np.ndarray, predicted: np.ndarray) -> Comparison:
    return compare_labels(truth, predicted, geometry(truth.shape, (1.0, 1.0, 1.0)))


@pytest.mark.parametrize("seed", range(4))
def test_distance_and_dice_are_those_of_masks_under_the_same_id(seed: int) -> None:
    truth = blobs(seed)
    predicted = np.roll(truth, (1, -2, 3), (0, 1, 2))
    grid = geometry()
    for unit in score_tracking(compare_labels(truth, predicted, grid)):
        one, other = truth == unit.ids[0], predicted == unit.ids[0]
        centers = [grid.voxel_to_lps(np.argwhere(mask).mean(axis=0)) for mask in (one, other)]
        assert unit.distance_mm == pytest.approx(np.linalg.norm(centers[0] - centers[1]))
        assert unit.dice == pytest.approx(dice(one, other))


def test_near_and_far_are_told_apart_and_the_limit_counts() -> None:
    first, second, lost = score_tracking(compared(squares(l1=0, l2=20, l3=50), squares(l1=10, l2=31)))
    assert (first.distance_mm, second.distance_mm, lost.distance_mm) == (10, 11, None)
    assert [unit.is_within(10) for unit in (first, second, lost)] == [True, False, False]
    assert lost.dice == 0


def test_a_switched_identity_is_named() -> None:
    truth = squares(l1=0, l2=20, l3=40)
    found = score_tracking(compared(truth, squares(l1=20, l2=0, l3=41)))
    assert [unit.switched_to for unit in found] == [2, 1, None]


def test_the_largest_share_decides_and_of_equal_ones_the_own() -> None:
    truth = squares(l4=0)
    predicted = np.zeros_like(truth)
    predicted[..., 0:2], predicted[..., 2:4] = 1, 4
    assert score_tracking(compared(truth, predicted))[0].switched_to is None
    predicted[:, :, 2] = 1
    assert score_tracking(compared(truth, predicted))[0].switched_to == 1


@pytest.mark.parametrize("labels", [(2, 5), (5, 5), (2, 2)])
def test_a_merged_group_is_one_lesion_under_any_of_its_ids(labels: tuple[int, int]) -> None:
    truth = squares(l1=30, l2=0, l5=4)
    predicted = truth.copy()
    predicted[..., 0:4][truth[..., 0:4] > 0], predicted[..., 4:8][truth[..., 4:8] > 0] = labels
    single, group = score_tracking(compared(truth, predicted), [[5, 2]])
    assert (single.ids, group.ids) == ((1,), (2, 5))
    assert (group.dice, group.distance_mm, group.switched_to) == (1.0, 0.0, None)
    other_way = score_tracking(compared(predicted, truth), [[5, 2]])
    assert other_way[1] == group


def test_a_group_that_is_not_there_is_passed_over() -> None:
    assert [unit.ids for unit in score_tracking(compared(squares(l1=0), squares(l1=0)), [[7, 8]])] == [(1,)]


def test_a_lesion_that_the_baseline_did_not_have_is_not_tracked() -> None:
    truth = squares(l1=0, l2=20, l5=24, l6=40)
    found = score_tracking(compared(truth, truth), [[2, 5]], known={1, 5})
    assert [unit.ids for unit in found] == [(1,), (2, 5)]


@pytest.mark.parametrize("groups", [[[1]], [[1, 2], [2, 3]], [[1, 1]]])
def test_groups_that_mean_nothing_are_refused(groups: list[list[int]]) -> None:
    with pytest.raises(InputError, match="merged groups"):
        score_tracking(compared(squares(l1=0), squares(l1=0)), groups)
