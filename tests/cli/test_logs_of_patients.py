"""What stands in DICOM headers of a patient is in no log, whatever goes right or wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from segment_cases import BOXES

from identified_cases import TAGS, write_identified
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator

SECRETS = tuple(part for value in TAGS.values() if len(value) > 1 for part in value.split("^"))[:-1]
"""Without the date of the scan, which may stand in the UID by which a message names a series."""


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    return write_identified(tmp_path / "in", neutral=True)


@pytest.fixture
def told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command, check its exit code and that no secret is in what it says, and return that."""

    def run(expected: int, *arguments: object) -> str:
        words = [str(part) for part in arguments]
        code = console.exit_code(lambda: lesionlocator.main(words, standalone_mode=False))
        text = "".join(capfd.readouterr()) + "".join(file.read_text() for file in tmp_path.glob("*.log"))
        assert code == expected, text
        assert [secret for secret in SECRETS if secret in text] == []
        return text

    return run


def edit(folder: Path, keyword: str, value: object, *files: str) -> None:
    for path in folder.iterdir():
        if not files or path.name in files:
            one = pydicom.dcmread(path)
            if value is None:
                delattr(one, keyword)
            else:
                setattr(one, keyword, value)
            one.save_as(path)


def test_commands_that_go_well(
    tmp_path: Path, patient: Path, echo_model: Path, told: Callable[..., str]
) -> None:
    first, second = (patient / name for name in ("scan0", "scan1"))
    prompts, labels = tmp_path / "p.json", patient / "lesions.nii.gz"
    prompts.write_text(json.dumps({"1": {"box": BOXES[1]}}))
    engine = ("-m", echo_model, "--device", "cpu", "--verbose")
    saves = ("--save", "per-lesion,labelmap,dicom-sr,rtstruct")
    words = (*engine, *saves, "--log-json", tmp_path / "one.log")
    told(0, "segment", "-i", first, "-p", prompts, "-o", tmp_path / "one", *words)
    scans = ("--baseline", first, "--followup", second, "-p", labels, "--registration", "classical")
    words = (*engine, *saves, "--log-json", tmp_path / "two.log")
    told(0, "track", *scans, "-o", tmp_path / "two", *words)
    told(0, "recist", tmp_path / "two")
    told(0, "report", tmp_path / "two")
    told(0, "preview", tmp_path / "two")
    told(0, "convert", "-i", first, "-l", labels, "-o", tmp_path / "three", "--save", "dicom-sr,rtstruct")
    told(0, "measure", "-i", first, "-l", labels, "-o", tmp_path / "four")
    told(0, "prompts", "validate", "-p", tmp_path / "three" / "scan0_sr.dcm", "-i", first)


def test_values_that_are_not_legal_are_not_quoted(
    tmp_path: Path, patient: Path, told: Callable[..., str], echo_model: Path
) -> None:
    first = patient / "scan0"
    for path in first.iterdir():  # pydicom warns of such values, and quotes them
        content = path.read_bytes().replace(b"19471125", b"MRN-8642").replace(b"MRN-86420", b"Zyxwert\\h")
        path.write_bytes(content.replace(b"20240110", b"Quentin "))
    prompts = tmp_path / "p.json"
    prompts.write_text(json.dumps({"1": {"box": BOXES[1]}}))
    words = ("-m", echo_model, "--device", "cpu", "--verbose", "--save", "per-lesion,dicom-sr,rtstruct")
    words += ("--log-json", tmp_path / "one.log")
    told(0, "segment", "-i", first, "-p", prompts, "-o", tmp_path / "one", *words)


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("ImagePositionPatient", None, "has no position"),
        ("ImageOrientationPatient", [0, 1, 0, 1, 0, 0], "several orientations"),
        ("PixelSpacing", [0.1, 0.1], "several pixel spacings"),
        ("Columns", 8, "several sizes"),
        ("SamplesPerPixel", 3, "in colour"),
        ("SeriesInstanceUID", "1.2.3", "1 slice is missing"),
    ],
)
def test_series_that_cannot_be_used(
    patient: Path, told: Callable[..., str], keyword: str, value: object, message: str
) -> None:
    first = patient / "scan0"
    edit(first, keyword, value, "3")
    text = told(1, "convert", "-i", first, "-l", patient / "lesions.nii.gz", "-o", patient / "out")
    assert any(part in text for part in message.split("|")), text


def test_two_patients_and_a_wrong_order(
    patient: Path, echo_model: Path, told: Callable[..., str], tmp_path: Path
) -> None:
    first, second = (patient / name for name in ("scan0", "scan1"))
    words = ("-p", patient / "lesions.nii.gz", "-m", echo_model, "--device", "cpu", "--verbose")
    words += ("-o", tmp_path / "out", "--log-json", tmp_path / "one.log")
    assert "before the baseline" in told(1, "track", "--baseline", second, "--followup", first, *words)
    other = shutil.copytree(second, tmp_path / "other")
    edit(other, "PatientID", "MRN-864201")
    assert "another patient" in told(1, "track", "--baseline", first, "--followup", other, *words)
    edit(other, "PatientID", "")
    edit(other, "PatientName", "Zyxwerth^Quentina")
    told(1, "track", "--baseline", first, "--followup", other, *words)
