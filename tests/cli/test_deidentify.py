"""A patient whose files are full of names, numbers and dates: none of them is left in any output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from segment_cases import BOXES

from identified_cases import DAYS, UIDS, leaks, write_identified
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator


def run(*arguments: object) -> int:
    words = [str(part) for part in arguments]
    return console.exit_code(lambda: lesionlocator.main(words, standalone_mode=False))


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    return write_identified(tmp_path / "Quentin Zyxwerth")


def mapped(folder: Path, *names: str) -> None:
    """Check that a folder is not empty, and that the files that matter are in it."""
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert set(names) <= there, sorted(there)


def test_what_segment_writes_tells_nothing_of_the_patient(
    tmp_path: Path, patient: Path, segment: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    prompts, out = tmp_path / "Zyxwerth.json", tmp_path / "out"
    prompts.write_text(json.dumps({"1": {"box": BOXES[1]}, "Zyxwerth": {"box": BOXES[2]}}))
    words = ("-i", patient / f"Zyxwerth_{DAYS[0]}", "-p", prompts, "-o", out, "--deidentify", "--verbose")
    words += ("--series", UIDS[0], "--log-json", out / "log.json")
    out.mkdir()
    assert segment(*words, "--save", "per-lesion,labelmap,dicom-sr,rtstruct") == 0
    mapped(
        out, "case_1_lesion_1.nii.gz", "case_1_lesions.json", "case_1_seg.dcm", "case_1_sr.dcm", "log.json"
    )
    mapped(out, "case_1_rtstruct.dcm", "measurements.csv", "run.json")
    assert list(leaks(out, (str(tmp_path),))) == []
    told = capfd.readouterr()
    assert f"case_1: Zyxwerth_{DAYS[0]}\n" in told.out
    assert "entry 'Zyxwerth' refused" in told.err
    assert segment(*words, "--save", "per-lesion,labelmap,dicom-sr,rtstruct", "--resume") == 0
    assert "case_1: done by an earlier run" in capfd.readouterr().out


def test_cases_that_fail_tell_nothing_either(
    tmp_path: Path, patient: Path, segment: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    (patient / "Zyxwerth_lesions.nii.gz").unlink()
    broken = next((patient / f"Zyxwerth_{DAYS[0]}").iterdir())
    broken.write_bytes(broken.read_bytes()[:-100])
    (tmp_path / "prompts").mkdir()
    for day in (*DAYS, "20991231"):
        (tmp_path / "prompts" / f"Zyxwerth_{day}.json").write_text(json.dumps({"1": {"box": BOXES[1]}}))
    out = tmp_path / "out"
    out.mkdir()
    words = ("-i", patient, "-p", tmp_path / "prompts", "-o", out, "--log-json", out / "log.json")
    assert segment(*words, "--deidentify") == 3
    assert f"{broken}: pixels cannot be read" in capfd.readouterr().err
    mapped(out, "case_2_lesion_1.nii.gz", "run.json")
    assert list(leaks(out, (str(tmp_path), "20991231"))) == []
    cases = json.loads((out / "run.json").read_text())["cases"]
    assert {name: case["state"] for name, case in cases.items()} == {
        "case_1": "failed", "case_2": "ok", "case_3": "failed",
    }  # fmt: skip


def track(patient: Path, out: Path, echo_model: Path, *more: object) -> int:
    return run(
        "track", "--baseline", patient / f"Zyxwerth_{DAYS[0]}", "--followup", patient / f"Zyxwerth_{DAYS[1]}",
        "-m", echo_model, "--registration", "classical", "--device", "cpu", "-o", out, *more,
    )  # fmt: skip


def test_what_track_report_recist_and_preview_write_tells_nothing_of_the_patient(
    tmp_path: Path, patient: Path, echo_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    labels = patient / "Zyxwerth_lesions.nii.gz"
    words = ("-p", labels, "--deidentify", "--save-transform", "--verbose", "--log-json", out / "log.json")
    words += ("--series", *UIDS, "--save", "per-lesion,labelmap,dicom-sr,rtstruct")
    assert track(patient, out, echo_model, *words) == 0
    assert f"followup_1: {patient / f'Zyxwerth_{DAYS[1]}'}" in capfd.readouterr().out
    assert run("recist", out) == 0
    assert run("report", out) == 1
    assert "baseline: the results do not say where its scan is; name it with --scan" in capfd.readouterr().err
    where = ("--scan", f"baseline={patient / f'Zyxwerth_{DAYS[0]}'}")
    where += ("--scan", f"followup_1={patient / f'Zyxwerth_{DAYS[1]}'}")
    assert run("report", out, *where) == 0
    assert "not all lesions are outlined" in capfd.readouterr().err
    where += ("--labels", f"baseline={labels}")
    assert run("report", out, *where) == 0
    assert run("preview", out, *where) == 0
    assert "not all lesions are outlined" not in capfd.readouterr().err
    mapped(out, "baseline_seg.dcm", "followup_1_seg.dcm", "followup_1_sr.dcm", "followup_1_rtstruct.dcm")
    mapped(out, "followup_1_to_baseline_transform.nii.gz", "followup_1_expected_7.nii.gz", "tracking.csv")
    mapped(
        out, "tracking.json", "run.json", "recist.json", "report.html", "preview_1_lesion_7.png", "log.json"
    )
    assert list(leaks(out, (str(tmp_path),))) == []
    page = (out / "report.html").read_text()
    assert "timepoint 1 (day 93)" in page
    mask = (out / "followup_1_lesion_7.nii.gz").read_bytes()
    assert track(patient, out, echo_model, *words, "--resume") == 0
    assert "done by an earlier run" in capfd.readouterr().out
    assert (out / "followup_1_lesion_7.nii.gz").read_bytes() == mask
    assert track(patient, out, echo_model, "-p", labels, "--resume") == 1
    assert "cannot resume a run of other settings: deidentified" in capfd.readouterr().err


def test_a_baseline_that_is_segmented_tells_nothing_of_the_patient(
    tmp_path: Path, patient: Path, echo_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prompts, out = patient / "Zyxwerth.json", tmp_path / "out"
    prompts.write_text(json.dumps({"1": {"box": BOXES[1]}, "Zyxwerth": {"box": BOXES[2]}}))
    out.mkdir()
    words = ("-p", prompts, "-t", "box", "--deidentify", "--log-json", out / "log.json")
    assert track(patient, out, echo_model, *words) == 0
    mapped(out, "baseline_lesion_1.nii.gz", "baseline_lesions.json", "followup_1_lesions.json", "log.json")
    assert list(leaks(out, (str(tmp_path),))) == []
    assert "entry 'Zyxwerth' refused" in capfd.readouterr().err


def test_a_followup_that_fails_tells_nothing_of_the_patient(
    tmp_path: Path, patient: Path, echo_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = next((patient / f"Zyxwerth_{DAYS[1]}").iterdir())
    broken.write_bytes(broken.read_bytes()[:-100])
    out = tmp_path / "out"
    out.mkdir()
    words = ("-p", patient / "Zyxwerth_lesions.nii.gz", "--deidentify", "--log-json", out / "log.json")
    assert track(patient, out, echo_model, *words) == 1
    assert f"{broken}: pixels cannot be read" in capfd.readouterr().err
    mapped(out, "run.json", "log.json", "tracking.json")
    assert list(leaks(out, (str(tmp_path),))) == []


def test_proposed_and_verified_points_tell_nothing_of_the_patient(
    tmp_path: Path, patient: Path, echo_model: Path
) -> None:
    words = ("-p", patient / "Zyxwerth_lesions.nii.gz", "--deidentify")
    assert track(patient, tmp_path / "proposed", echo_model, *words, "--propose-only") == 0
    mapped(tmp_path / "proposed", "proposed.json", "followup_1_proposed.json")
    assert list(leaks(tmp_path / "proposed", (str(tmp_path),))) == []
    points = tmp_path / "proposed" / "proposed.json"
    verified = ("track", "--baseline", patient / f"Zyxwerth_{DAYS[0]}", "--followup")
    verified += (patient / f"Zyxwerth_{DAYS[1]}", "-m", echo_model, "--device", "cpu", "-o", tmp_path / "out")
    assert run(*verified, *words, "--points", points) == 0
    mapped(tmp_path / "out", "followup_1_lesion_7.nii.gz")
    assert list(leaks(tmp_path / "out", (str(tmp_path),))) == []


def test_a_cohort_tells_nothing_of_its_patients(
    tmp_path: Path, patient: Path, echo_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scans = [patient / f"Zyxwerth_{day}" for day in DAYS]
    rows = ["patient,timepoint,date,image,prompts"]
    for name in ("Zyxwerth", "OTHER-97531"):
        prompts = patient / ("Zyxwerth_lesions.nii.gz" if name == "Zyxwerth" else "Zyxwerth_none.nii.gz")
        rows += [f"{name},0,,{scans[0]},{prompts}", f"{name},1,,{scans[1]},"]
    (tmp_path / "cohort.csv").write_text("\n".join(rows))
    out = tmp_path / "out"
    words = ("track", "--cohort", tmp_path / "cohort.csv", "-o", out, "--deidentify")
    assert run(*words, "-m", echo_model, "--registration", "classical", "--device", "cpu") == 3
    mapped(out, "cohort.json", "tracking.csv", "patient_1/tracking.json")
    assert list(leaks(out, (str(tmp_path),))) == []
    assert "patient Zyxwerth (1 of 2): patient_1" in capfd.readouterr().out


def test_what_convert_writes_tells_nothing_of_the_patient(tmp_path: Path, patient: Path) -> None:
    words = ("-i", patient / f"Zyxwerth_{DAYS[0]}", "-l", patient / "Zyxwerth_lesions.nii.gz")
    saves = ("--save", "dicom-seg,dicom-sr,rtstruct", "--deidentify")
    assert run("convert", *words, *saves, "-o", tmp_path / "out") == 0
    mapped(tmp_path / "out", "scan_seg.dcm", "scan_sr.dcm", "scan_rtstruct.dcm")
    assert list(leaks(tmp_path / "out", (str(tmp_path),))) == []


def test_a_report_of_results_that_tell_all_tells_nothing_where_that_is_asked_for(
    tmp_path: Path, patient: Path, echo_model: Path
) -> None:
    out, clean = tmp_path / "out of Zyxwerth", tmp_path / "clean"
    assert track(patient, out, echo_model, "-p", patient / "Zyxwerth_lesions.nii.gz") == 0
    assert run("recist", out) == 0
    for command in ("report", "preview"):
        assert run(command, out, "--deidentify", "-o", clean) == 0
    mapped(clean, "report.html", "preview_0_lesion_7.png", "preview_1_projection.png")
    assert list(leaks(clean, (str(tmp_path),))) == []
    assert len(list(leaks(out))) > 10


def test_the_search_finds_what_is_there(tmp_path: Path, patient: Path) -> None:
    words = ("-i", patient / f"Zyxwerth_{DAYS[0]}", "-l", patient / "Zyxwerth_lesions.nii.gz")
    assert run("convert", *words, "--save", "rtstruct", "-o", tmp_path / "out") == 0
    found = {secret for _, secret in leaks(tmp_path / "out")}
    assert {"Zyxwerth", "MRN-86420", "ACC-53197", "20240110", UIDS[0]} <= found


@pytest.mark.parametrize("option", ["--visualize", "--profile"])
def test_what_shows_names_and_times_is_refused(
    tmp_path: Path, patient: Path, segment: Callable[..., int], option: str, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("-i", patient / f"Zyxwerth_{DAYS[0]}", "-p", tmp_path / "p.json", "-o", tmp_path / "out")
    assert segment(*words, "--deidentify", option) == 2
    assert f"--deidentify excludes {option}" in capfd.readouterr().err
