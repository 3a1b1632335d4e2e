"""The model that comes with the package, on patients it has not seen, through the public door."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import lesionlocator as ll
from lesionlocator.cli import demo
from lesionlocator.model import BUILTIN_FOLDER, read_weights, segmentation_folder
from lesionlocator.synthetic import make_patient
from lesionlocator.training.evaluate import EmptyMeasurement, Measurement, measure_patient

PATIENTS = (
    (9_500_001, (2.0, 1.5, 1.5), 90.0),
    (9_500_002, (1.5, 1.5, 1.5), -60.0),
    (9_500_003, (3.0, 1.2, 1.2), -20.0),
)


@pytest.fixture(scope="module")
def model() -> ll.SegmentationModel:
    return ll.load_model(device="cpu", mirroring=False)


@pytest.fixture(scope="module")
def measurements(model: ll.SegmentationModel) -> tuple[list[Measurement], list[EmptyMeasurement]]:
    found: list[Measurement] = []
    empty: list[EmptyMeasurement] = []
    for seed, spacing, middle in PATIENTS:
        z, y, x = (round(mm / s) for mm, s in zip((105, 240, 330), spacing, strict=True))
        patient = make_patient(
            seed, (z, y, x), spacing, lesions=5, middle_mm=middle, diameters_mm=(7.0, 35.0)
        )
        measured, unfilled = measure_patient(model, patient, seed)
        found += measured
        empty += unfilled
    return found, empty


@pytest.mark.parametrize(("prompt", "bound"), [("box", 0.82), ("point", 0.8), ("prev_mask", 0.78)])
def test_lesions_of_unseen_patients_are_segmented(
    measurements: tuple[list[Measurement], list[EmptyMeasurement]], prompt: str, bound: float
) -> None:
    scores = [m.dice for m in measurements[0] if m.prompt == prompt]
    assert len(scores) == 15
    assert np.mean(scores) >= bound


def test_boxes_without_a_lesion_come_back_no_fuller_than_the_model_card_says(
    measurements: tuple[list[Measurement], list[EmptyMeasurement]],
) -> None:
    filled = [m.filled for m in measurements[1]]
    assert len(filled) == 9
    assert np.mean(filled) < 0.3


def test_the_answer_does_not_depend_on_how_the_scan_is_stored(model: ll.SegmentationModel) -> None:
    patient = make_patient(9_500_004, (40, 110, 140), (2.5, 2.0, 2.0), lesions=1, diameters_mm=(15.0, 25.0))
    scan = ll.Scan("stored", patient.voxels, patient.geometry)
    flipped = ll.Scan(
        "flipped",
        patient.voxels[:, ::-1, ::-1],
        replace(
            patient.geometry,
            origin_lps=tuple(float(v) for v in patient.geometry.voxel_to_lps((0, 109, 139))),
            direction_lps=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0),
        ),
    )
    direct = model.segment(scan, ll.LabelMap(patient.labels, scan.geometry)).labelmap
    turned = model.segment(flipped, ll.LabelMap(patient.labels[:, ::-1, ::-1], flipped.geometry)).labelmap
    np.testing.assert_array_equal(direct, turned[:, ::-1, ::-1])
    assert direct.any()


def test_one_small_file_holds_the_weights_for_all_prompts() -> None:
    folders = [segmentation_folder(None, prompt) for prompt in ("box", "point")]
    assert folders[0] == folders[1]
    (path,) = folders[0].folds.values()
    assert path.stat().st_size < 5e6
    assert read_weights(path).mirroring_axes == (0, 1, 2)
    assert (BUILTIN_FOLDER / "MODEL_CARD.md").is_file()


def test_demo_writes_a_scan_prompts_masks_courses_and_their_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "_SHAPE", (50, 100, 140))
    monkeypatch.setattr(demo, "_SPACING_MM", (3.0, 3.0, 3.0))
    monkeypatch.setattr(demo, "_LESIONS", 2)
    result = CliRunner().invoke(demo.demo, ["-o", str(tmp_path / "out"), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert result.output.replace("\n", "").count(f"{tmp_path / 'out' / 'tracked'}") == 2, (
        "results, and report in it"
    )
    scan = ll.read_scan(tmp_path / "out" / "whole_body.nii.gz")
    truth = ll.read_labelmap(tmp_path / "out" / "whole_body_truth.nii.gz")
    assert truth.labels.max() == 2
    for lesion in (1, 2):
        mask = ll.read_labelmap(tmp_path / "out" / "masks" / f"whole_body_lesion_{lesion}.nii.gz")
        assert mask.geometry.difference(scan.geometry) is None
    assert (tmp_path / "out" / "whole_body.json").is_file()
    assert (tmp_path / "out" / "tracked" / "tracking.json").is_file()
    assert "followup2" in (tmp_path / "out" / "tracked" / "report.html").read_text(encoding="utf-8")
