"""A follow-up of another patient: every lesion carried over into it is doubtful, and says so everywhere."""

from __future__ import annotations

import copy
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from segment_cases import PLANS, noise, write_image, write_network
from track_cases import CENTRES, lesions, stand_in, write_patient, write_tracker

import lesionlocator as ll
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.geometry import Geometry
from lesionlocator.synthetic import make_patient
from lesionlocator.tracked_pair import LOW_SIMILARITY
from lesionlocator.tracking.classical import LEAST_SIMILARITY

SCANS = ("bl", "same", "other")
SHAPE, SPACING = (32, 40, 56), (8.0, 8.0, 8.0)
BOUNDS = {"learned": LOW_SIMILARITY, "classical": LEAST_SIMILARITY}


def write_noise(folder: Path) -> None:
    """Write scans of two patients for networks that know no anatomy."""
    write_patient(folder)
    voxels = noise(0)
    write_image(folder / "bl.nii.gz", voxels)
    write_image(folder / "same.nii.gz", (voxels + np.arange(16)).astype(np.int16))
    write_image(folder / "other.nii.gz", noise(7))
    write_image(folder / "labels.nii.gz", lesions(CENTRES))
    write_tracker(folder / "model")


def write_bodies(folder: Path) -> None:
    """Write scans of two synthetic patients."""
    grid = Geometry(SHAPE, SPACING)
    anna, boris = (make_patient(seed, SHAPE, SPACING, lesions=3, middle_mm=100.0) for seed in (5, 6))
    later = (anna.voxels + np.random.default_rng(1).integers(-15, 16, SHAPE)).astype(np.int16)
    for name, voxels in zip(SCANS, (anna.voxels, later, boris.voxels), strict=True):
        write_image(folder / f"{name}.nii.gz", voxels, grid)
    write_image(folder / "labels.nii.gz", anna.labels.astype(np.uint8), grid)
    plans = copy.deepcopy(PLANS)
    plans["configurations"]["3d_fullres"]["spacing"] = list(SPACING)
    write_network(folder / "model" / "LesionLocatorSeg" / "bbox_optimized", plans, folds=(0,))


@pytest.fixture(scope="module", params=list(BOUNDS))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Track a patient through a scan of the same and one of another, by command and from Python."""
    folder = tmp_path_factory.mktemp(request.param)
    {"learned": write_noise, "classical": write_bodies}[request.param](folder)
    command = [
        "track",
        "--chain",
        "baseline",
        "--baseline",
        folder / "bl.nii.gz",
        "-p",
        folder / "labels.nii.gz",
    ]
    command += ["--followup", *(folder / f"{name}.nii.gz" for name in SCANS[1:])]
    command += ["-o", folder / "out", "-m", folder / "model", "--device", "cpu", "--disable-tta"]
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch)
        assert console.exit_code(lambda: lesionlocator.main([*map(str, command)], standalone_mode=False)) == 0
        tracker = ll.load_tracker(folder / "model", device="cpu", mirroring=False)
        assert tracker.registration == request.param
        scans = [ll.read_scan(folder / f"{name}.nii.gz") for name in SCANS]
        course = tracker.track(scans, ll.read_labelmap(folder / "labels.nii.gz"), from_previous=False)
    return request.param, folder / "out", course


def doubts(warnings: list[str] | tuple[str, ...]) -> list[str]:
    return [text for text in warnings if text.startswith("doubtful registration: similarity to bl is ")]


def test_the_table_tells_of_every_lesion(case: Any) -> None:
    registration, out, _ = case
    rows = list(csv.DictReader((out / "tracking.csv").read_text().splitlines()))
    doubtful = {name: [row["warnings"] for row in rows if row["name"] == name] for name in SCANS}
    expected = f"expected at least {BOUNDS[registration]}"
    assert len(doubtful["other"]) > 1
    assert all("doubtful registration" in text and expected in text for text in doubtful["other"])
    assert not any("doubtful" in text for text in doubtful["bl"] + doubtful["same"])


def test_the_documents_tell_of_every_lesion(case: Any) -> None:
    _, out, _ = case
    course = json.loads((out / "tracking.json").read_text())["lesions"]
    for points in course.values():
        assert [len(doubts(point["warnings"])) for point in points] == [0, 0, 1]
    for name, count in (("same", 0), ("other", 1)):
        document = json.loads((out / f"{name}_lesions.json").read_text())
        assert [len(doubts(lesion["warnings"])) for lesion in document["lesions"].values()] == [count] * len(
            course
        )
        assert len(document["notes"]) == count


def test_a_course_from_python_tells_of_every_lesion(case: Any) -> None:
    _, _, course = case
    for lesion in course.lesions.values():
        assert [len(doubts(point.warnings)) for point in lesion.timepoints] == [0, 0, 1]
    same, other = course.followups
    assert not any(doubts(lesion.warnings) for lesion in same.lesions.values())
    assert all(doubts(lesion.warnings) for lesion in other.lesions.values())
