"""Summaries of an evaluation."""

from __future__ import annotations

from lesionlocator.geometry import Box
from lesionlocator.training.evaluate import EmptyMeasurement, Measurement, held_out_patient, summarize


def measured(prompt: str, diameter: float, dice: float) -> Measurement:
    return Measurement(
        seed=1, lesion=1, prompt=prompt, kind="solid", host="liver", diameter_mm=diameter, voxels=10,
        spacing=(1.0, 1.0, 1.0), dice=dice,
    )  # fmt: skip


def test_summary_groups_by_prompt_and_size() -> None:
    found = [
        measured("box", 4, 0.5),
        measured("box", 8, 0.6),
        measured("box", 9, 1.0),
        measured("point", 50, 0.0),
    ]
    summary = summarize(found, [EmptyMeasurement(1, Box((0, 0, 0), (2, 2, 2)), 0.25)])
    assert summary["box"]["0-6 mm"]["dice_mean"] == 0.5
    assert summary["box"]["6-10 mm"] == {"lesions": 2, "dice_mean": 0.8, "dice_median": 0.8, "found": 1.0}
    assert summary["box"]["6 mm and more"]["dice_mean"] == 0.8
    assert summary["point"]["6 mm and more"]["found"] == 0.0
    assert "10-20 mm" not in summary["box"]


def test_summary_tells_how_empty_boxes_came_back() -> None:
    box = Box((0, 0, 0), (2, 2, 2))
    summary = summarize([], [EmptyMeasurement(1, box, filled) for filled in (0.0, 0.0, 0.0, 0.8)])
    assert summary["empty_box"]["returned_empty"] == 0.75
    assert summary["empty_box"]["filled_mean"] == 0.2
    assert summary["empty_box"]["more_than_half_filled"] == 0.25


def test_a_held_out_patient_covers_the_trunk_at_its_spacing() -> None:
    patient = held_out_patient(9_000_118, 1)
    extent = [n * s for n, s in zip(patient.geometry.shape, patient.geometry.spacing, strict=True)]
    assert all(abs(a - b) < 5.1 for a, b in zip(extent, (150, 270, 380), strict=True))
