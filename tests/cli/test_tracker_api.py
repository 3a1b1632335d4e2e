"""Following a patient from Python gives what the command gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from segment_cases import GRID, contents
from track_cases import CENTRES, lesions, read, stand_in, write_patient, write_tracker

import lesionlocator as ll
from dicom_cases import phantom, write_series
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.errors import InputError, ModelError

DAYS = (date(2024, 1, 31), date(2024, 3, 1), date(2024, 6, 1))


@pytest.fixture(autouse=True)
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)


@pytest.fixture
def patient(tmp_path: Path) -> dict[str, Path]:
    return write_patient(tmp_path / "in")


@pytest.fixture
def scans(patient: dict[str, Path]) -> list[ll.Scan]:
    return [ll.read_scan(patient[name]) for name in ("bl", "fu1", "fu2")]


@pytest.fixture
def tracker(tmp_path: Path) -> ll.Tracker:
    return ll.load_tracker(write_tracker(tmp_path / "model"), device="cpu", mirroring=False)


def test_a_course_is_saved_as_the_command_writes_it(
    tracker: ll.Tracker, scans: list[ll.Scan], patient: dict[str, Path], tmp_path: Path
) -> None:
    course = tracker.track(scans, ll.read_labelmap(patient["labels"]), dates=DAYS)
    assert course.lesions[7].timepoints[2].state.value == "stable"
    assert course.lesions[7].timepoints[0].measurements.voxels == (lesions(CENTRES) == 7).sum()
    files = course.save(tmp_path / "saved")
    command = ["track", "--baseline", patient["bl"], "--followup", patient["fu1"], patient["fu2"]]
    command += ["-p", patient["labels"], "-o", tmp_path / "out", "-m", tmp_path / "model"]
    command += ["--device", "cpu", "--disable-tta", "--dates", *DAYS]
    assert console.exit_code(lambda: lesionlocator.main([*map(str, command)], standalone_mode=False)) == 0
    saved, written = contents(tmp_path / "saved"), contents(tmp_path / "out")
    assert sorted([*saved, "run.json"]) == sorted(path.name for path in files)
    assert saved == written


def test_the_command_does_not_resume_a_course_saved_from_python(
    tracker: ll.Tracker,
    scans: list[ll.Scan],
    patient: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tracker.track(scans[:2], ll.read_labelmap(patient["labels"])).save(tmp_path / "saved")
    before = contents(tmp_path / "saved", without=())
    command = ["track", "--baseline", patient["bl"], "--followup", patient["fu1"], "-p", patient["labels"]]
    command += ["-o", tmp_path / "saved", "-m", tmp_path / "model", "--device", "cpu", "--disable-tta"]
    words = [*map(str, command), "--resume"]
    assert console.exit_code(lambda: lesionlocator.main(words, standalone_mode=False)) == 1
    told = f"{tmp_path / 'saved' / 'run.json'}: cannot resume what the command track has not begun"
    assert told in capsys.readouterr().err
    assert contents(tmp_path / "saved", without=()) == before


def test_lesions_of_the_baseline_may_be_arrays_files_or_a_segmentation(
    tracker: ll.Tracker, scans: list[ll.Scan], patient: dict[str, Path]
) -> None:
    labels = lesions(CENTRES)
    arrays = tracker.track(scans[:2], {7: labels == 7})
    assert list(arrays.lesions) == [7]
    file = tracker.track(scans[:2], patient["labels"])
    np.testing.assert_array_equal(file.followups[0].labelmap, labels)
    again = tracker.track(scans[1:], file.followups[0])
    np.testing.assert_array_equal(again.followups[0].labelmap, labels)


def test_boxes_are_segmented_in_the_baseline_first(
    tracker: ll.Tracker, scans: list[ll.Scan], tmp_path: Path
) -> None:
    box = ll.LesionPrompt(3, ll.Box((2, 4, 4), (4, 8, 8)))
    course = tracker.track(scans, ll.PromptSet.of([box]), prompt_type="box")
    assert course.baseline is not None
    course.save(tmp_path / "saved")
    np.testing.assert_array_equal(
        read(tmp_path / "saved" / "bl_lesion_3.nii.gz"), read(tmp_path / "saved" / "fu2_lesion_3.nii.gz")
    )


def report(*arguments: object) -> int:
    words = ["report", *map(str, arguments)]
    return console.exit_code(lambda: lesionlocator.main(words, standalone_mode=False))


def test_a_saved_course_has_a_report(
    tracker: ll.Tracker, scans: list[ll.Scan], patient: dict[str, Path], tmp_path: Path
) -> None:
    pictures = {}
    for name, prompts in (
        ("label_map", ll.read_labelmap(patient["labels"])),
        ("array", {7: lesions(CENTRES) == 7}),
    ):
        tracker.track(scans, prompts).save(tmp_path / name)
        assert report(tmp_path / name) == 0
        page = (tmp_path / name / "report.html").read_text(encoding="utf-8")
        pictures[name] = page.count("data:image/jpeg;base64")
        assert "fu2" in page
    assert pictures["label_map"] > pictures["array"] >= 3 + 3, "a projection and a lesion for each scan"
    assert (tmp_path / "array" / "bl_lesion_7.nii.gz").is_file()


def test_a_course_of_dicom_scans_that_was_saved_has_pictures_report_and_worksheet(
    tracker: ll.Tracker, tmp_path: Path
) -> None:
    for number, day in ((1, "20240110"), (2, "20240412")):
        write_series(
            tmp_path / "study" / day, phantom(seed=number), GRID, series=day, number=number, study_date=day
        )
    scans = [ll.read_scan(tmp_path / "study", series=number) for number in "12"]
    named = [replace(scan, name=f"scan{place}") for place, scan in enumerate(scans)]
    with pytest.raises(InputError, match="scan0: was made before scan1, which stands before it; legal"):
        tracker.track(named[::-1], {7: lesions(CENTRES) == 7})
    write_series(tmp_path / "other", phantom(), GRID, series="other", patient="MRN-1")
    with pytest.raises(InputError, match="other: is of another patient than"):
        tracker.track([named[0], ll.read_scan(tmp_path / "other")], {7: lesions(CENTRES) == 7})
    tracker.track(named, {7: lesions(CENTRES) == 7}).save(tmp_path / "saved")
    for command in ("report", "preview", "recist"):
        words = [command, str(tmp_path / "saved")]
        assert console.exit_code(lambda: lesionlocator.main(words, standalone_mode=False)) == 0  # noqa: B023
    page = (tmp_path / "saved" / "report.html").read_text(encoding="utf-8")
    assert "scan1 (2024-04-12)" in page
    assert (tmp_path / "saved" / "preview_0_lesion_7.png").is_file()
    assert (tmp_path / "saved" / "preview_1_projection.png").is_file()
    assert (tmp_path / "saved" / "recist.csv").is_file()


def test_the_report_of_scans_without_files_says_what_it_needs(
    tracker: ll.Tracker,
    scans: list[ll.Scan],
    patient: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unnamed = [ll.Scan(scan.name, scan.voxels, scan.geometry) for scan in scans]
    tracker.track(unnamed, {7: lesions(CENTRES) == 7}).save(tmp_path / "saved")
    assert report(tmp_path / "saved") == 1
    assert "bl: the results do not say where its scan is" in capsys.readouterr().err
    assert report(tmp_path / "saved", "--images", patient["bl"].parent) == 0


def test_what_cannot_be_followed_is_told(
    tracker: ll.Tracker, scans: list[ll.Scan], patient: dict[str, Path]
) -> None:
    labels = ll.read_labelmap(patient["labels"])
    for call, told in (
        (lambda: tracker.track(scans[:1], labels), "1 scans are given; legal: a baseline and at least one"),
        (lambda: tracker.track([], labels), "0 scans are given"),
        (lambda: tracker.track(scans[:2], labels, dates=DAYS), "3 dates are given for 2 scans"),
        (lambda: tracker.track(scans[:2], labels, dates=DAYS[1::-1]), "dates are out of order"),
        (lambda: tracker.track([scans[0]] * 2, labels), "2 scans are called 'bl'"),
        (lambda: tracker.track(scans, labels, prompt_type="star"), "prompt type is 'star'"),
        (lambda: tracker.track(scans, {}), "no mask is given"),
        (lambda: tracker.track(scans, {1: np.zeros(labels.labels.shape)}), "lesion 1: its mask is empty"),
        (lambda: tracker.track(scans, {0: labels.labels}), "lesion id is 0"),
        (lambda: tracker.track(scans, {1: np.ones((2, 2, 2))}), "lesion 1: its mask has shape"),
        (lambda: tracker.track(scans, 5), "prompts are a int; legal: a label map"),
        (lambda: tracker.track(scans, {1: labels.labels}, prompt_type="box"), "prompts are a dict; legal"),
        (lambda: ll.load_tracker(registration="magic"), "registration is 'magic'; legal"),
    ):
        with pytest.raises(InputError, match=told):
            call()
    with pytest.raises(ModelError, match="built-in model has no learned registration"):
        ll.load_tracker(registration="learned")


def test_the_builtin_model_follows_by_classical_registration() -> None:
    assert ll.load_tracker(device="cpu").registration == "classical"
