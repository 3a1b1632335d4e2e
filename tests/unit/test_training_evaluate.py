"""Summaries of an evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK

from lesionlocator.geometry import Box
from lesionlocator.training.evaluate import (
    HELD_OUT_SEED,
    EmptyMeasurement,
    Examination,
    Measurement,
    evaluate,
    held_out_patient,
    held_out_real,
    old_mask,
    summarize,
)
from lesionlocator.training.validation import dice


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


def test_old_masks_are_in_the_summary_where_a_model_knows_them() -> None:
    found = [measured("prev_mask", 8, 0.9), measured("box", 8, 0.6)]
    empty = [EmptyMeasurement(1, Box((0, 0, 0), (2, 2, 2)), 0.0)]
    assert summarize(found, empty)["prev_mask"]["6-10 mm"]["dice_mean"] == 0.9
    assert "prev_mask" not in summarize(found[1:], empty)


def test_an_old_mask_lies_at_the_lesion_in_voxels_of_the_scan() -> None:
    mask = np.zeros((12, 40, 40), bool)
    mask[0:3, 10:22, 30:40] = True
    old = [old_mask(np.random.default_rng(seed), mask) for seed in range(20)]
    assert {one.shape for one in old} == {mask.shape}
    assert all(dice(one.full() > 0, mask) > 0.15 for one in old)
    assert 0.5 < np.mean([dice(one.full() > 0, mask) for one in old]) < 0.95


def test_a_held_out_patient_covers_the_trunk_at_its_spacing() -> None:
    patient = held_out_patient(9_000_118, 1)
    extent = [n * s for n, s in zip(patient.geometry.shape, patient.geometry.spacing, strict=True)]
    assert all(abs(a - b) < 5.1 for a, b in zip(extent, (150, 270, 380), strict=True))


def test_lesions_are_drawn_into_the_part_of_a_real_scan_that_training_leaves_out(tmp_path: Path) -> None:
    voxels = np.full((60, 60, 60), -1000, np.int16)
    voxels[:, 5:55, 5:55] = np.random.default_rng(0).normal(50, 10, (60, 50, 50))
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing((1.5, 1.5, 1.5))
    SimpleITK.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    patient, again = (held_out_real(tmp_path / "ct.nii.gz", 3, 4) for _ in range(2))
    assert patient.geometry.shape == (18, 60, 60)
    assert np.unique(patient.labels).tolist() == list(range(len(patient.lesions) + 1))
    assert len(patient.lesions) > 0
    np.testing.assert_array_equal(patient.voxels, again.voxels)
    far = patient.labels == 0
    assert np.mean(patient.voxels[far] == voxels[42:][far]) > 0.7


def test_processes_share_patients_and_change_nothing() -> None:
    examination = Examination(None, mirroring=False, lesions=1, background=None)
    seeds, told = range(HELD_OUT_SEED + 7, HELD_OUT_SEED + 10), []
    shared = evaluate(examination, seeds, processes=2, progress=lambda seed, _: told.append(seed))
    assert told == list(seeds)
    assert {m["seed"] for m in shared["lesions"]} == set(seeds)
    assert {m["prompt"] for m in shared["lesions"]} == {"box", "point", "prev_mask"}
    assert shared == evaluate(examination, seeds)
