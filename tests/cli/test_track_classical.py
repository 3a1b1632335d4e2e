"""Tracking without tracking networks: a moved and cut synthetic patient, and a model that finds its box."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from segment_cases import PLANS, write_image, write_network
from track_cases import read

import lesionlocator as ll
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.geometry import Geometry
from lesionlocator.synthetic import make_patient

SHAPE, SPACING = (48, 40, 56), (8.0, 8.0, 8.0)
CUT = 18
"""Slices that the follow-up does not show."""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Track a patient once: the follow-up lies elsewhere, and shows less."""
    folder = tmp_path_factory.mktemp("classical")
    plans = copy.deepcopy(PLANS)
    plans["configurations"]["3d_fullres"]["spacing"] = list(SPACING)
    write_network(folder / "model" / "LesionLocatorSeg" / "bbox_optimized", plans, folds=(0,))
    patient = make_patient(5, SHAPE, SPACING, lesions=8, middle_mm=100.0, diameters_mm=(25.0, 60.0))
    grid = Geometry(SHAPE, SPACING)
    rng = np.random.default_rng(1)
    later = (patient.voxels[CUT:] + rng.integers(-15, 16, patient.voxels[CUT:].shape)).astype(np.int16)
    write_image(folder / "bl.nii.gz", patient.voxels, grid)
    write_image(folder / "labels.nii.gz", patient.labels.astype(np.uint8), grid)
    write_image(folder / "fu.nii.gz", later, Geometry(later.shape, SPACING, (33.0, -120.0, 900.0)))
    (folder / "bad").mkdir()
    write_image(folder / "bad" / "air.nii.gz", np.full(SHAPE, -1000, np.int16), grid)
    assert track(folder, folder / "fu.nii.gz", folder / "bad" / "air.nii.gz") == 3
    return folder


def track(folder: Path, *followups: Path, more: tuple[str, ...] = ()) -> int:
    command = ["track", "--baseline", folder / "bl.nii.gz", "--followup", *followups]
    command += [
        "-p",
        folder / "labels.nii.gz",
        "-o",
        folder / ("proposed" if more else "out"),
        "-m",
        folder / "model",
    ]
    command += ["--device", "cpu", "--disable-tta", "--save-transform", *more]
    return console.exit_code(
        lambda: lesionlocator.main([str(part) for part in command], standalone_mode=False)
    )


def test_lesions_that_the_followup_shows_are_found_where_they_are(case: Path) -> None:
    before, after = read(case / "labels.nii.gz"), read(case / "out" / "fu_lesions.nii.gz")
    there = set(np.unique(before[CUT + 2 :])) - set(np.unique(before[: CUT + 2]))
    assert len(there) >= 3
    for lesion_id in there:
        truth = np.argwhere(before[CUT:] == lesion_id).mean(axis=0)
        mask = read(case / "out" / f"fu_lesion_{lesion_id}.nii.gz")
        assert np.linalg.norm(np.argwhere(mask).mean(axis=0) - truth) * SPACING[0] < 10
    assert there <= set(np.unique(after))


def test_proposed_points_lie_in_their_lesions(case: Path) -> None:
    assert track(case, case / "fu.nii.gz", more=("--propose-only",)) == 0
    proposed = json.loads((case / "proposed" / "proposed.json").read_text())["bl"]
    before = read(case / "labels.nii.gz")
    there = set(np.unique(before[CUT + 2 :])) - set(np.unique(before[: CUT + 2]))
    for lesion_id in there:
        truth = np.argwhere(before[CUT:] == lesion_id).mean(axis=0)
        point = proposed[str(lesion_id)]["fu_point_prop"][::-1]
        assert np.linalg.norm(point - truth) * SPACING[0] < 10
    gone = set(np.unique(before[: CUT - 2])) - set(np.unique(before[CUT - 2 :])) - {0}
    assert all(np.isnan(proposed[str(lesion_id)]["fu_point_prop"]) for lesion_id in gone)


def test_lesions_out_of_view_are_not_assessed(case: Path) -> None:
    before = read(case / "labels.nii.gz")
    gone = set(np.unique(before[: CUT - 2])) - set(np.unique(before[CUT - 2 :])) - {0}
    assert gone
    course = json.loads((case / "out" / "tracking.json").read_text())["lesions"]
    for lesion_id in gone:
        assert course[str(lesion_id)][1]["status"] == "not_assessed"
        assert course[str(lesion_id)][1]["warnings"] == ["the lesion lies outside what the follow-up shows"]


def test_the_record_says_how_scans_were_registered_and_why_one_failed(case: Path) -> None:
    run = json.loads((case / "out" / "run.json").read_text())
    assert run["settings"]["registration"] == "classical"
    assert "shows no body" in run["cases"]["air"]["reason"]
    assert (run["state"], run["exit_code"]) == ("finished", 3)


def test_the_map_is_a_transform_of_simpleitk(case: Path) -> None:
    """Resampling the baseline through it gives the follow-up."""
    vectors = SimpleITK.ReadImage(
        str(case / "out" / "fu_to_bl_transform.nii.gz"), SimpleITK.sitkVectorFloat64
    )
    transform = SimpleITK.DisplacementFieldTransform(vectors)
    baseline, followup = (SimpleITK.ReadImage(str(case / f"{name}.nii.gz")) for name in ("bl", "fu"))
    moved = SimpleITK.Resample(baseline, followup, transform, SimpleITK.sitkLinear, -1000.0)
    a, b = (SimpleITK.GetArrayFromImage(image).astype(float).ravel() for image in (moved, followup))
    assert np.corrcoef(a, b)[0, 1] > 0.98
    assert not (case / "out" / "air_to_bl_transform.nii.gz").exists()


def test_following_from_python_gives_the_same_masks(case: Path) -> None:
    tracker = ll.load_tracker(case / "model", device="cpu", mirroring=False)
    assert tracker.registration == "classical"
    scans = [ll.read_scan(case / f"{name}.nii.gz") for name in ("bl", "fu")]
    course = tracker.track(scans, ll.read_labelmap(case / "labels.nii.gz"))
    np.testing.assert_array_equal(course.followups[0].labelmap, read(case / "out" / "fu_lesions.nii.gz"))
