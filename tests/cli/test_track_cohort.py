"""Many patients in one run: none stops the others, and the model is loaded once."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from segment_cases import contents
from track_cases import read, stand_in, write_patient, write_tracker

from lesionlocator.cli import console
from lesionlocator.cli.cohort_file import read_cohort
from lesionlocator.cli.main import lesionlocator
from lesionlocator.errors import InputError
from lesionlocator.tracking import ensemble

HEADER = "patient,timepoint,date,image,prompts\n"
ANNA = "anna,0,2024-01-01,anna/bl.nii.gz,anna/labels.nii.gz\nanna,1,2024-03-01,anna/fu1.nii.gz,\n"
BORIS = (
    "boris,1,,boris/fu1.nii.gz,\nboris,0,,boris/bl.nii.gz,boris/labels.nii.gz\nboris,2,,boris/fu2.nii.gz,\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stand_in(monkeypatch)
    write_tracker(tmp_path / "model")
    for name in ("anna", "boris"):
        write_patient(tmp_path / name)
    return tmp_path


def track(folder: Path, table: str, *more: object) -> int:
    (folder / "cohort.csv").write_text(HEADER + table)
    command = ["track", "--cohort", folder / "cohort.csv", "-o", folder / "out", "-m", folder / "model"]
    command += ["--device", "cpu", "--disable-tta", *more]
    return console.exit_code(lambda: lesionlocator.main([*map(str, command)], standalone_mode=False))


def test_patients_are_tracked_with_one_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    member = ensemble.Member
    monkeypatch.setattr(ensemble, "Member", lambda *a, **b: loaded.append(1) or member(*a, **b))
    assert track(folder, ANNA + BORIS) == 0
    assert len(loaded) == 1
    out = folder / "out"
    assert read(out / "anna" / "fu1_lesions.nii.gz").any()
    assert read(out / "boris" / "fu2_lesions.nii.gz").any()
    rows = list(csv.DictReader((out / "tracking.csv").read_text().splitlines()))
    assert {(row["patient"], row["name"], row["date"]) for row in rows} >= {
        ("anna", "fu1", "2024-03-01"),
        ("boris", "bl", ""),
        ("boris", "fu2", ""),
    }


def test_a_bad_patient_does_not_stop_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = "carl,0,,anna/bl.nii.gz,anna/labels.nii.gz\ncarl,0,,anna/fu1.nii.gz,\n"
    bad += "dora,0,,nowhere.nii.gz,anna/labels.nii.gz\ndora,1,,anna/fu1.nii.gz,\n"
    assert track(folder, bad + ANNA) == 3
    told = capsys.readouterr().err
    assert "carl: " in told
    assert "lines 2 and 3: timepoint 0 occurs twice" in told
    assert "nowhere.nii.gz: no such file" in told
    patients = json.loads((folder / "out" / "cohort.json").read_text())["patients"]
    assert {name: patient["state"] for name, patient in patients.items()} == {
        "carl": "failed",
        "dora": "failed",
        "anna": "ok",
    }


def test_a_cohort_is_resumed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert track(folder, ANNA + BORIS) == 0
    before = {name: contents(folder / "out" / name) for name in ("anna", "boris")}
    (folder / "out" / "boris" / "fu2_lesions.json").unlink()
    capsys.readouterr()
    assert track(folder, ANNA + BORIS, "--resume") == 0
    told = capsys.readouterr().out
    assert told.count("done by an earlier run") == 2
    assert {name: contents(folder / "out" / name) for name in ("anna", "boris")} == before


def test_a_cohort_excludes_files_of_one_patient(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert track(folder, ANNA, "--baseline", folder / "anna" / "bl.nii.gz") == 2
    assert "--cohort excludes" in capsys.readouterr().err
    assert console.exit_code(lambda: lesionlocator.main(["track", "-o", "x"], standalone_mode=False)) == 2


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "names no patient"),
        ("a,0,,x.nii.gz\n", "line 2 has not as many fields"),
        ("a,0,,x.nii.gz,p,q\n", "line 2 has not as many fields"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, table: str, told: str) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text(HEADER + table)
    with pytest.raises(InputError, match=told):
        read_cohort(path)
    path.write_text("patient,image\na,b\n")
    with pytest.raises(InputError, match="has no column timepoint, date, prompts"):
        read_cohort(path)
    with pytest.raises(InputError, match="cannot be read as CSV"):
        read_cohort(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("a,0,,x,p\n", "only one scan"),
        ("a,0,,x,\na,1,,y,\n", "line 2: the first timepoint has no prompts"),
        ("a,0,,x,p\na,1,,y,p\n", "line 3: has prompts"),
        ("a,0,,x,p\na,1,,,\n", "line 3: has no image"),
        ("a,0,,x,p\na,soon,,y,\n", "timepoint is 'soon'"),
        ("a,0,,x,p\na,nan,,y,\n", "timepoint is 'nan'"),
        ("a,0,2024-01-01,x,p\na,1,,y,\n", "line 3: date is ''"),
        ("a,0,2024-01-02,x,p\na,1,2024-01-01,y,\n", "line 3: 2024-01-01 is before 2024-01-02"),
        ("../a,0,,x,p\n../a,1,,y,\n", "patient is '../a'"),
    ],
)
def test_rows_that_cannot_be_used_are_told_of_their_patient(tmp_path: Path, table: str, told: str) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text(HEADER + table)
    (reason,) = read_cohort(path).values()
    assert told in str(reason)


def test_several_masks_and_paths_from_the_folder_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "cohort.csv"
    path.write_text(HEADER + f"a,2,,y,\na,1.5,,{tmp_path / 'x'},p; q\n")
    patient = read_cohort(path)["a"]
    assert patient.images == (tmp_path / "x", tmp_path / "y")
    assert patient.prompts == (tmp_path / "p", tmp_path / "q")
