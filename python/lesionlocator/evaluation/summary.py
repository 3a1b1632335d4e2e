"""Means over all cases, with the uncertainty that comes from having just these cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.evaluation.interaction import InteractionScore, area_under_curve
from lesionlocator.evaluation.lesions import LesionScore, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.evaluation.cases import CaseScore

RESAMPLES = 2000
_SEED = 20150224
_LEVEL = (2.5, 97.5)
_NEAR_MM, _FAR_MM = 10.0, 25.0

Ratio = tuple[float, float]
"""Numerator and denominator that a case adds to a metric."""


@dataclass(frozen=True)
class Estimate:
    """A metric over all cases.

    Parameters
    ----------
    value
        Ratio of the sums over cases; None where the denominator is 0.
    low, high
        95 % confidence interval; None with fewer than two cases that matter.
    count
        The denominator: how many lesions or cases it is a mean of.
    """

    value: float | None
    low: float | None
    high: float | None
    count: float


def summarize(cases: Sequence[CaseScore], *, tracking: bool = False) -> dict[str, Estimate]:
    """Return every metric over all cases, with confidence intervals by resampling cases.

    Parameters
    ----------
    cases
        Scores.
    tracking
        Whether to summarize tracking too.
    """
    metrics = {**_METRICS, **(_TRACKING if tracking else {})}
    return {name: _estimate([parts(case) for case in cases]) for name, parts in metrics.items()}


def summarize_clicks(cases: Sequence[InteractionScore]) -> dict[str, Estimate]:
    """Return the areas under the curves over clicks, likewise."""
    return {
        "auc_lesion_dice": _estimate(
            [_mean_of(area_under_curve(curve) for curve in case.lesion_dice.values()) for case in cases]
        ),
        "auc_case_dice": _estimate([_curve(case.case_dice) for case in cases]),
        "auc_false_positive_ml": _estimate([_curve(case.false_positive_ml) for case in cases]),
        "auc_false_negative_ml": _estimate([_curve(case.false_negative_ml) for case in cases]),
    }


def _estimate(parts: Sequence[Ratio]) -> Estimate:
    """Return a ratio of sums with its percentile bootstrap interval, whole cases being drawn."""
    numerators, denominators = np.array(parts, np.float64).reshape(-1, 2).T
    total = float(denominators.sum())
    if total == 0:
        return Estimate(None, None, None, 0.0)
    value = float(numerators.sum() / total)
    if np.count_nonzero(denominators) < 2:
        return Estimate(value, None, None, total)
    drawn = _draws(len(parts))
    below = drawn @ denominators
    # A draw of cases that say nothing of this metric has no value.
    ratios = (drawn @ numerators)[below > 0] / below[below > 0]
    low, high = np.percentile(ratios, _LEVEL)
    return Estimate(value, float(low), float(high), total)


def _draws(cases: int) -> NDArray[np.float64]:
    """Return how often each case is drawn, shape (resamples, cases); the same for every metric."""
    rng = np.random.default_rng(_SEED)
    return rng.multinomial(cases, np.full(cases, 1 / cases), size=RESAMPLES).astype(np.float64)


def _mean_of(values: Iterable[float | None]) -> Ratio:
    known = [value for value in values if value is not None]
    return float(sum(known)), float(len(known))


def _curve(values: Sequence[float] | None) -> Ratio:
    return (0.0, 0.0) if values is None else (area_under_curve(values), 1.0)


def _surface(name: str, *, unanswered: float | None) -> Callable[[CaseScore], Ratio]:
    """Return the mean over true lesions; what counts where nothing answers a lesion, None for nothing."""

    def value(lesion: LesionScore) -> float | None:
        return unanswered if lesion.surfaces is None else float(getattr(lesion.surfaces, name))

    return lambda case: _mean_of(value(lesion) for lesion in case.true_lesions)


def _detection(true: float, false_positive: float, missed: float) -> Callable[[CaseScore], Ratio]:
    """Return true positives over a weighted sum of all outcomes."""

    def parts(case: CaseScore) -> Ratio:
        found = case.count(Outcome.DETECTED)
        errors = false_positive * case.count(Outcome.FALSE_POSITIVE) + missed * case.count(Outcome.MISSED)
        return true * found, true * found + errors

    return parts


def _panoptic(numerator: str, *, errors: float) -> Callable[[CaseScore], Ratio]:
    def parts(case: CaseScore) -> Ratio:
        found = case.panoptic
        wrong = errors * (found.false_positives + found.false_negatives)
        return float(getattr(found, numerator)), found.true_positives + wrong

    return parts


_METRICS: dict[str, Callable[[CaseScore], Ratio]] = {
    "lesion_dice": lambda case: _mean_of(lesion.dice for lesion in case.true_lesions),
    "lesion_nsd_1mm": _surface("nsd_1mm", unanswered=0.0),
    "lesion_nsd_2mm": _surface("nsd_2mm", unanswered=0.0),
    "lesion_hausdorff_95_mm": _surface("hausdorff_95_mm", unanswered=None),
    "lesion_average_distance_mm": _surface("average_mm", unanswered=None),
    "case_dice": lambda case: _mean_of([case.dice]),
    "false_positive_ml": lambda case: (case.false_positive_ml, 1.0),
    "false_negative_ml": lambda case: _mean_of([case.false_negative_ml]),
    "detection_precision": _detection(1, 1, 0),
    "detection_recall": _detection(1, 0, 1),
    "detection_f1": _detection(2, 1, 1),
    "panoptic_quality": _panoptic("iou_sum", errors=0.5),
    "segmentation_quality": _panoptic("iou_sum", errors=0.0),
    "recognition_quality": _panoptic("true_positives", errors=0.5),
}

_TRACKING: dict[str, Callable[[CaseScore], Ratio]] = {
    "cpm_25": lambda case: _mean_of(unit.is_within(_FAR_MM) for unit in case.tracking),
    "cpm_10": lambda case: _mean_of(unit.is_within(_NEAR_MM) for unit in case.tracking),
    "mean_euclidean_distance_mm": lambda case: _mean_of(unit.distance_mm for unit in case.tracking),
    "tracked_dice": lambda case: _mean_of(unit.dice for unit in case.tracking if unit.is_within(_FAR_MM)),
    "identity_switch_rate": lambda case: _mean_of(unit.switched_to is not None for unit in case.tracking),
}
