from __future__ import annotations

import numpy as np
import pytest

from evaluation_cases import blobs, disturbed, label_map
from lesionlocator.errors import InputError
from lesionlocator.evaluation.cases import CaseScore, Options, evaluate_case
from lesionlocator.evaluation.interaction import area_under_curve, follow_clicks
from lesionlocator.evaluation.lesions import Outcome
from lesionlocator.evaluation.summary import summarize, summarize_clicks


def scored(seed: int, **options: object) -> CaseScore:
    truth = blobs(seed)
    return evaluate_case(f"c{seed}", label_map(truth), label_map(disturbed(truth, seed)), Options(**options))


@pytest.fixture(scope="module")
def cases() -> list[CaseScore]:
    return [scored(seed, tracking=True) for seed in range(12)]


def test_means_are_over_all_lesions_and_over_all_cases(cases: list[CaseScore]) -> None:
    summary = summarize(cases)
    true = [lesion for case in cases for lesion in case.true_lesions]
    assert summary["lesion_dice"].value == pytest.approx(np.mean([lesion.dice for lesion in true]))
    assert summary["lesion_dice"].count == len(true)
    nsd = [0.0 if lesion.surfaces is None else lesion.surfaces.nsd_2mm for lesion in true]
    assert summary["lesion_nsd_2mm"].value == pytest.approx(np.mean(nsd))
    far = [lesion.surfaces.hausdorff_95_mm for lesion in true if lesion.surfaces is not None]
    assert summary["lesion_hausdorff_95_mm"].value == pytest.approx(np.mean(far))
    assert summary["case_dice"].value == pytest.approx(np.mean([case.dice for case in cases]))


def test_detection_and_panoptic_quality_are_those_of_pooled_lesions(cases: list[CaseScore]) -> None:
    summary = summarize(cases)
    tp, fp, fn = (
        sum(case.count(outcome) for case in cases)
        for outcome in (Outcome.DETECTED, Outcome.FALSE_POSITIVE, Outcome.MISSED)
    )
    assert summary["detection_precision"].value == pytest.approx(tp / (tp + fp))
    assert summary["detection_recall"].value == pytest.approx(tp / (tp + fn))
    assert summary["detection_f1"].value == pytest.approx(2 * tp / (2 * tp + fp + fn))
    product = summary["segmentation_quality"].value * summary["recognition_quality"].value
    assert summary["panoptic_quality"].value == pytest.approx(product)


def test_tracking_is_summarized_by_its_published_names(cases: list[CaseScore]) -> None:
    summary = summarize(cases, tracking=True)
    units = [unit for case in cases for unit in case.tracking]
    far = [unit.distance_mm for unit in units if unit.distance_mm is not None]
    assert summary["mean_euclidean_distance_mm"].value == pytest.approx(np.mean(far))
    assert summary["cpm_25"].value == pytest.approx(sum(d <= 25 for d in far) / len(units))
    assert summary["cpm_10"].value == pytest.approx(sum(d <= 10 for d in far) / len(units))
    assert summary["cpm_10"].value <= summary["cpm_25"].value


def test_intervals_are_those_of_another_bootstrap(cases: list[CaseScore]) -> None:
    found = summarize(cases)["lesion_dice"]
    values = [[lesion.dice for lesion in case.true_lesions] for case in cases]
    rng = np.random.default_rng(1)
    draws = [
        np.mean(np.concatenate([values[i] for i in rng.integers(0, len(cases), len(cases))]))
        for _ in range(4000)
    ]
    assert (found.low, found.high) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.01)
    assert found.low < found.value < found.high


def test_the_same_cases_give_the_same_intervals(cases: list[CaseScore]) -> None:
    assert summarize(cases) == summarize(cases)


def test_one_case_has_no_interval_and_no_case_no_value() -> None:
    single = summarize([scored(1)])["lesion_dice"]
    assert single.value is not None
    assert (single.low, single.high) == (None, None)
    assert summarize([])["lesion_dice"].value is None


def test_an_area_is_the_mean_height_of_the_curve() -> None:
    values = [0.1, 0.6, 0.7, 0.9]
    assert area_under_curve(values) == pytest.approx((0.35 + 0.65 + 0.8) / 3)
    with pytest.raises(InputError, match="two or more"):
        area_under_curve([1.0])


def test_clicks_are_followed_lesion_by_lesion() -> None:
    truth = blobs(2, 3)
    ids = [int(n) for n in np.unique(truth)[1:]]
    steps = []
    for shown in range(len(ids) + 1):
        predicted = np.where(np.isin(truth, ids[:shown]), truth, 0).astype(np.uint8)
        steps.append(evaluate_case("c", label_map(truth), label_map(predicted)))
    clicks = follow_clicks(steps)
    assert list(clicks.lesion_dice) == ids
    for n, curve in enumerate(clicks.lesion_dice.values()):
        assert curve == tuple(float(step > n) for step in range(len(ids) + 1))
    assert clicks.case_dice[0] == 0
    assert clicks.case_dice[-1] == 1
    areas = summarize_clicks([clicks])
    # A lesion that is there from click n on of N has the area of its steps, half of the one that rises.
    expected = np.mean([(len(ids) - n - 0.5) / len(ids) for n in range(len(ids))])
    assert areas["auc_lesion_dice"].value == pytest.approx(expected)
