"""Scores as files: a row for each lesion and each case, and everything with its summary as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionlocator.evaluation.interaction import InteractionScore, area_under_curve
from lesionlocator.results.documents import write_document, write_rows

if TYPE_CHECKING:
    from lesionlocator.evaluation.cases import CaseScore, Options
    from lesionlocator.evaluation.lesions import LesionScore
    from lesionlocator.evaluation.summary import Estimate
    from lesionlocator.evaluation.tracking import TrackingScore

_DIGITS = 6
_SURFACES = ("nsd_1mm", "nsd_2mm", "hausdorff_mm", "hausdorff_95_mm", "average_mm")
_LESION_COLUMNS = (
    *("case", "lesion", "predicted", "outcome", "truth_ml", "predicted_ml", "dice", "iou"),
    *_SURFACES,
)
_CASE_COLUMNS = (
    *("case", "lesions", "detected", "missed", "false_positives", "lesion_dice_mean", "case_dice"),
    *("false_positive_ml", "false_negative_ml"),
)
_TRACKING_COLUMNS = ("case", "ids", "distance_mm", "dice", "switched_to")
_CLICK_COLUMNS = ("case", "lesion", "step", "dice", "auc_dice")


def write_report(
    folder: Path,
    cases: Sequence[CaseScore],
    summary: Mapping[str, Estimate],
    options: Options,
    *,
    failed: Mapping[str, str],
) -> None:
    """Write ``lesions.csv``, ``cases.csv``, ``evaluation.json``, and ``tracking.csv`` where it was measured.

    Parameters
    ----------
    folder
        Where to; it must be there.
    cases, summary
        Scores.
    options
        How they came about.
    failed
        Cases that could not be evaluated, and why.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    lesions = [_lesion(case.name, lesion) for case in cases for lesion in case.lesions]
    tracked = [_tracked(case.name, unit) for case in cases for unit in case.tracking]
    rows = [_rounded(case.as_dict()) for case in cases]
    write_rows(folder / "lesions.csv", _LESION_COLUMNS, lesions)
    write_rows(folder / "cases.csv", _CASE_COLUMNS, rows)
    if options.tracking:
        write_rows(folder / "tracking.csv", _TRACKING_COLUMNS, tracked)
    write_document(
        folder / "evaluation.json",
        {
            "settings": {
                "kind": options.effective_kind.value,
                "match": options.match.value,
                "detection_iou": options.detection_iou,
                "tracking": options.tracking,
            },
            "summary": estimates(summary),
            "cases": rows,
            "lesions": lesions,
            **({"tracking": tracked} if options.tracking else {}),
            "failed": dict(failed),
        },
    )


def write_click_report(
    folder: Path,
    steps: Sequence[str],
    cases: Sequence[InteractionScore],
    summary: Mapping[str, Estimate],
) -> None:
    """Write ``clicks.csv``, the Dice of each lesion after each click, and ``clicks.json``.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    rows = [
        {"case": case.name, "lesion": lesion, "step": step}
        | _rounded({"dice": dice, "auc_dice": area_under_curve(curve)})
        for case in cases
        for lesion, curve in case.lesion_dice.items()
        for step, dice in zip(steps, curve, strict=True)
    ]
    write_rows(folder / "clicks.csv", _CLICK_COLUMNS, rows)
    curves = [
        {
            "case": case.name,
            "case_dice": _curve(case.case_dice),
            "false_positive_ml": _curve(case.false_positive_ml),
            "false_negative_ml": _curve(case.false_negative_ml),
        }
        for case in cases
    ]
    content = {"steps": list(steps), "summary": estimates(summary), "cases": curves, "lesions": rows}
    write_document(folder / "clicks.json", content)


def estimates(summary: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return a summary as plain values."""
    return {name: _rounded(asdict(estimate)) for name, estimate in summary.items()}


def _lesion(case: str, lesion: LesionScore) -> dict[str, Any]:
    surfaces = {name: None for name in _SURFACES} if lesion.surfaces is None else asdict(lesion.surfaces)
    values = {
        "truth_ml": lesion.truth_ml,
        "predicted_ml": lesion.predicted_ml,
        "dice": lesion.dice,
        "iou": lesion.iou,
        **surfaces,
    }
    labels = {"lesion": lesion.lesion, "predicted": lesion.predicted, "outcome": lesion.outcome.value}
    return {"case": case, **labels, **_rounded(values)}


def _tracked(case: str, unit: TrackingScore) -> dict[str, Any]:
    values = _rounded({"distance_mm": unit.distance_mm, "dice": unit.dice})
    return {"case": case, "ids": "+".join(map(str, unit.ids)), **values, "switched_to": unit.switched_to}


def _curve(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else [round(value, _DIGITS) for value in values]


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(v, _DIGITS) if isinstance(v, float) else v for name, v in values.items()}
