"""Scores against slow, independent ways of computing them."""

from __future__ import annotations

import numpy as np
import pytest
import surface_distance
from scipy.optimize import linear_sum_assignment

from evaluation_cases import SPACING, blobs, dice, disturbed, geometry, iou_table, label_map, untouched_ml
from lesionlocator.errors import InputError
from lesionlocator.evaluation.cases import Options, evaluate_case
from lesionlocator.evaluation.instances import Kind
from lesionlocator.evaluation.lesions import Match, Outcome
from lesionlocator.evaluation.surfaces import surface_agreement

SEEDS = range(6)


def case(truth: np.ndarray, predicted: np.ndarray, **options: object):
    return evaluate_case("case", label_map(truth), label_map(predicted), Options(**options))


@pytest.mark.parametrize("seed", SEEDS)
def test_lesions_are_matched_as_scipy_assigns_them(seed: int) -> None:
    truth = blobs(seed)
    predicted = disturbed(truth, seed)
    found = case(truth, predicted)
    table = iou_table(truth, predicted)
    rows, columns = linear_sum_assignment(table, maximize=True)
    assert sum(lesion.iou for lesion in found.true_lesions) == pytest.approx(table[rows, columns].sum())
    assert found.count(Outcome.DETECTED) == (table[rows, columns] >= 0.1).sum()
    assert found.count(Outcome.DETECTED) + found.count(Outcome.MISSED) == len(table)
    assert found.count(Outcome.DETECTED) + found.count(Outcome.FALSE_POSITIVE) == table.shape[1]
    for lesion in found.true_lesions:
        expected = (
            0.0 if lesion.predicted is None else dice(truth == lesion.lesion, predicted == lesion.predicted)
        )
        assert lesion.dice == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_volumes_case_dice_and_panoptic_parts_are_those_of_the_slow_way(seed: int) -> None:
    truth = blobs(seed)
    predicted = disturbed(truth, seed)
    found = case(truth, predicted)
    assert found.false_positive_ml == pytest.approx(untouched_ml(predicted, truth))
    assert found.false_negative_ml == pytest.approx(untouched_ml(truth, predicted))
    common = sum(
        int(((truth == a) & (predicted == b)).sum())
        for a in np.unique(truth)[1:]
        for b in np.unique(predicted)[1:]
    )
    assert found.dice == pytest.approx(dice(truth > 0, predicted > 0))
    assert common == int(((truth > 0) & (predicted > 0)).sum())
    table = iou_table(truth, predicted)
    assert found.panoptic.iou_sum == pytest.approx(table[table > 0.5].sum())
    assert found.panoptic.true_positives == (table > 0.5).sum()
    assert found.panoptic.false_negatives == len(table) - (table > 0.5).sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_surfaces_of_lesions_are_measured_as_on_the_whole_grid(seed: int) -> None:
    truth = blobs(seed)
    predicted = np.roll(truth, 1, 2)
    for lesion in case(truth, predicted, match=Match.ID).true_lesions:
        if lesion.surfaces is not None:
            masks = [(labels == lesion.lesion).astype(np.uint8) for labels in (truth, predicted)]
            assert lesion.surfaces == surface_agreement(*masks, SPACING)


@pytest.mark.filterwarnings("ignore:.*scipy.ndimage:DeprecationWarning")  # that package's
@pytest.mark.parametrize("seed", range(10))
def test_surfaces_agree_with_the_package_of_deepmind(seed: int) -> None:
    """Distances are the same; areas differ where the polygon in a cell is not flat, by 2.5 % at most."""
    one, other = (blobs(seed + shift, 1) > 0 for shift in (0, 50))
    theirs = surface_distance.compute_surface_distances(one, other, SPACING)
    found = surface_agreement(one.astype(np.uint8), other.astype(np.uint8), SPACING)
    for ours, tolerance in ((found.nsd_1mm, 1.0), (found.nsd_2mm, 2.0)):
        expected = surface_distance.compute_surface_dice_at_tolerance(theirs, tolerance)
        assert ours == pytest.approx(expected, abs=0.01)
    assert found.hausdorff_mm == pytest.approx(surface_distance.compute_robust_hausdorff(theirs, 100))
    expected = surface_distance.compute_robust_hausdorff(theirs, 95)
    assert found.hausdorff_95_mm == pytest.approx(expected, rel=0.02)
    sides = [theirs["distances_gt_to_pred"], theirs["distances_pred_to_gt"]]
    weights = [theirs["surfel_areas_gt"], theirs["surfel_areas_pred"]]
    expected = np.average(np.concatenate(sides), weights=np.concatenate(weights))
    assert found.average_mm == pytest.approx(expected, rel=0.01)


@pytest.mark.filterwarnings("ignore:.*scipy.ndimage:DeprecationWarning")
@pytest.mark.parametrize(("shift", "radius"), [(0, 13), (1, 13), (2, 9), (3, 5)])
def test_shifted_balls_agree_too(shift: int, radius: int) -> None:
    places = np.stack(np.indices((44, 44, 44)), axis=-1) - 22.0
    one = np.linalg.norm(places, axis=-1) < radius
    other = np.roll(one, shift, 0)
    theirs = surface_distance.compute_surface_distances(one, other, (0.8, 0.8, 0.8))
    found = surface_agreement(one.astype(np.uint8), other.astype(np.uint8), (0.8, 0.8, 0.8))
    for ours, tolerance in ((found.nsd_1mm, 1.0), (found.nsd_2mm, 2.0)):
        expected = surface_distance.compute_surface_dice_at_tolerance(theirs, tolerance)
        assert ours == pytest.approx(expected, abs=0.005)


def test_the_ball_of_the_documentation_has_the_surface_dice_that_stands_there() -> None:
    ball = np.linalg.norm((np.stack(np.indices((48, 48, 48)), axis=-1) - 24) * 0.8, axis=-1) < 10
    moved = np.roll(ball, 2, 0)
    found = surface_agreement(ball.astype(np.uint8), moved.astype(np.uint8), (0.8, 0.8, 0.8))
    assert found.nsd_1mm == pytest.approx(0.78, abs=0.005)


def test_a_distance_of_exactly_the_tolerance_is_within() -> None:
    one, other = np.zeros((2, 1, 1, 40), np.uint8)
    one[..., 3], other[..., 13] = 1, 1
    assert surface_agreement(one, other, (1.0, 1.0, 0.1)).nsd_1mm == 1.0


def test_a_perfect_prediction_is_perfect() -> None:
    truth = blobs(3)
    found = case(truth, truth)
    assert found.dice == 1
    assert {lesion.outcome for lesion in found.lesions} == {Outcome.DETECTED}
    assert all(lesion.surfaces.nsd_1mm == 1 and lesion.surfaces.hausdorff_mm == 0 for lesion in found.lesions)
    assert (found.false_positive_ml, found.false_negative_ml) == (0, 0)


def test_an_empty_prediction_misses_everything() -> None:
    truth = blobs(3)
    found = case(truth, np.zeros_like(truth))
    assert {lesion.outcome for lesion in found.lesions} == {Outcome.MISSED}
    assert (found.dice, found.false_positive_ml) == (0, 0)
    assert found.false_negative_ml == pytest.approx(int((truth > 0).sum()) * np.prod(SPACING) / 1000)


def test_without_lesions_only_false_positives_can_be_told() -> None:
    predicted = blobs(3)
    found = case(np.zeros_like(predicted), predicted)
    assert (found.dice, found.false_negative_ml) == (None, None)
    assert found.false_positive_ml > 0
    assert {lesion.outcome for lesion in found.lesions} == {Outcome.FALSE_POSITIVE}


def test_neither_lesions_nor_predictions_is_a_case_too() -> None:
    found = case(np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2, 2), np.uint8))
    assert (found.lesions, found.dice, found.false_positive_ml) == ((), None, 0)


def test_by_id_only_the_own_label_answers_a_lesion() -> None:
    truth = np.zeros((3, 6, 20), np.uint8)
    truth[1, 1:5, 1:5], truth[1, 1:5, 10:14] = 1, 2
    swapped = np.where(truth > 0, 3 - truth, 0).astype(np.uint8)
    by_id = case(truth, swapped, match=Match.ID)
    assert [lesion.dice for lesion in by_id.true_lesions] == [0, 0]
    assert by_id.count(Outcome.FALSE_POSITIVE) == 2
    assert [lesion.dice for lesion in case(truth, swapped).true_lesions] == [1, 1]


def test_components_are_lesions_where_no_label_is_above_one() -> None:
    truth = np.zeros((3, 6, 20), np.uint8)
    truth[1, 1:5, 1:5], truth[1, 1:5, 10:14] = 1, 1
    assert len(case(truth, truth).lesions) == 2
    numbered = np.where(np.arange(20) > 8, 2 * truth, truth).astype(np.uint8)
    assert [lesion.dice for lesion in case(truth, numbered).lesions] == [1, 1]
    assert [lesion.dice for lesion in case(numbered, truth).true_lesions] == [2 / 3, 0]
    assert len(case(truth, truth, kind=Kind.INSTANCE).lesions) == 1
    assert len(case(truth, truth, match=Match.ID).lesions) == 1


def test_maps_on_other_grids_are_refused() -> None:
    labels = np.zeros((2, 3, 4), np.uint8)
    with pytest.raises(InputError, match="is not on the grid of the truth: spacing"):
        evaluate_case("case", label_map(labels), label_map(labels, spacing=(1.0, 1.0, 1.0)))


@pytest.mark.parametrize("threshold", [0.0, 1.5, float("nan")])
def test_a_senseless_threshold_is_refused(threshold: float) -> None:
    with pytest.raises(InputError, match="detection IoU"):
        Options(detection_iou=threshold)


def test_components_have_no_identity() -> None:
    with pytest.raises(InputError, match="no identity"):
        Options(kind=Kind.SEMANTIC, tracking=True)


def test_an_empty_mask_has_no_surface() -> None:
    with pytest.raises(InputError, match="no surface"):
        surface_agreement(np.ones((1, 1, 1), np.uint8), np.zeros((1, 1, 1), np.uint8), geometry().spacing)
