"""``--series`` of the commands that read a scan and run no model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from segment_cases import write_prompts

from dicom_cases import oblique, phantom, write_series
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.geometry import Geometry
from lesionlocator.io import read_scan, write_labelmap

SMALL, LARGE = oblique((8, 16, 16)), Geometry((12, 16, 16), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def run(*arguments: object) -> int:
    words = [str(part) for part in arguments]
    return console.exit_code(lambda: lesionlocator.main(words, standalone_mode=False))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two series, of which the first has 8 slices and the second 12."""
    for number, grid in ((3, SMALL), (4, LARGE)):
        write_series(
            tmp_path / "study" / str(number), phantom(grid.shape), grid, series=f"s{number}", number=number
        )
    return tmp_path / "study"


def labels_on(grid: Geometry, path: Path) -> Path:
    labels = np.zeros(grid.shape, np.uint8)
    labels[2:5, 3:9, 3:9] = 7
    write_labelmap(path, labels, grid)
    return path


def test_prompts_are_validated_on_the_chosen_series(
    tmp_path: Path, study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prompts = write_prompts(tmp_path / "p.json", {1: (9, 11, 3, 8, 3, 8)})
    words = ("prompts", "validate", "-p", prompts, "-i", study)
    assert run(*words, "--series", 4) == 0
    assert run(*words, "--series", 3) == 1
    assert "lies outside the scan of shape (8, 16, 16)" in capfd.readouterr().out
    assert run(*words) == 1
    assert "choose one with --series" in capfd.readouterr().out


def test_prompts_are_converted_on_the_chosen_series(
    tmp_path: Path, study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    convert = ("convert", "-i", study, "-l", labels_on(LARGE, tmp_path / "l.nii.gz"), "-o", tmp_path / "sr")
    assert run(*convert, "--series", 4, "--save", "dicom-sr") == 0
    words = ("prompts", "convert", "-i", tmp_path / "sr" / "study_sr.dcm", "-o", tmp_path / "p.json")
    assert run(*words, "--image", study) == 1
    assert run(*words, "--image", study, "--series", 4) == 0
    (lesion,) = json.loads((tmp_path / "p.json").read_text()).values()
    assert [float(part) for part in lesion["point"]] == pytest.approx((2, 5.5, 5.5), abs=0.6)
    capfd.readouterr()
    assert run(*words, "--image", study, "--series", 3) == 3
    assert "lies on an image that is not part of the scan" in capfd.readouterr().err
    assert run(*words, "--series", 4) == 2
    assert "--series needs --image" in capfd.readouterr().err


def test_lesions_are_measured_on_the_chosen_series(
    tmp_path: Path, study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("measure", "-i", study, "-l", labels_on(LARGE, tmp_path / "l.nii.gz"), "-o", tmp_path / "out")
    assert run(*words) == 1
    assert "choose one with --series" in capfd.readouterr().err
    assert run(*words, "--series", 4) == 0
    (measured,) = json.loads((tmp_path / "out" / "study_measurements.json").read_text())["lesions"].values()
    assert measured["voxels"] == 3 * 6 * 6
    mean = read_scan(study, series="4").voxels[2:5, 3:9, 3:9].mean()
    assert measured["hu_mean"] == pytest.approx(mean, abs=1e-3)


def test_the_series_of_one_folder_are_tracked_as_scans_of_their_own(
    tmp_path: Path, echo_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    for number, day in ((1, "20240110"), (2, "20240709"), (3, "20240412")):
        write_series(study / day, phantom(seed=number), SMALL, series=day, number=number, study_date=day)
    labels = labels_on(SMALL, tmp_path / "l.nii.gz")
    words = ("track", "--baseline", study, "--followup", study, study, "-p", labels, "-m", echo_model)
    words += ("--registration", "classical", "--device", "cpu")
    assert run(*words, "--series", 1, 2, 3, "-o", tmp_path / "out") == 0
    course = json.loads((tmp_path / "out" / "tracking.json").read_text())
    assert [(one["name"], one["date"]) for one in course["timepoints"]] == [
        ("study_1", "2024-01-10"),
        ("study_3", "2024-04-12"),
        ("study_2", "2024-07-09"),
    ]
    assert (tmp_path / "out" / "study_2_lesion_7.nii.gz").is_file()
    assert run("report", tmp_path / "out") == 0
    capfd.readouterr()
    assert run(*words, "--series", 1, 2, 2, "-o", tmp_path / "none") == 1
    assert "study: 3 scans have this name" in capfd.readouterr().err
    assert run(*words, "--series", 1, 1, 2, "-o", tmp_path / "none") == 1
    assert "is baseline and follow-up 1; a follow-up is another scan" in capfd.readouterr().err
    assert not (tmp_path / "none").exists()
    assert run(*words, "--series", 1, 2, 3, "-o", study) == 2
    assert "-o is a scan" in capfd.readouterr().err


def test_a_scan_that_is_not_there_is_told_as_that(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("convert", "-i", tmp_path / "ct", "-l", tmp_path / "l.nii.gz", "-o", tmp_path / "out") == 1
    assert capfd.readouterr().err == f"error: {tmp_path / 'ct'}: no such file or folder\n"


def test_the_series_of_a_baseline_is_chosen_by_itself_or_by_an_option(
    tmp_path: Path, study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("convert", "-i", study, "--series", 4, "-l", labels_on(LARGE, tmp_path / "l.nii.gz"))
    words += ("-o", tmp_path / "out", "--baseline", study)
    assert run(*words) == 1
    assert run(*words, "--baseline-series", 3) == 0
