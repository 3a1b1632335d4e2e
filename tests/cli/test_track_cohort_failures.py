"""Patients of a cohort that fail in part: what is done of them stays, and the others are done."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from segment_cases import contents
from track_cases import stand_in, write_patient, write_tracker

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.results.files import CaseFiles

PATIENTS = ("anna", "boris", "carl")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stand_in(monkeypatch)
    write_tracker(tmp_path / "model")
    table = "patient,timepoint,date,image,prompts\n"
    for name in PATIENTS:
        write_patient(tmp_path / name)
        table += f"{name},0,,{name}/bl.nii.gz,{name}/labels.nii.gz\n"
        table += f"{name},1,,{name}/fu1.nii.gz,\n{name},2,,{name}/fu2.nii.gz,\n"
    (tmp_path / "cohort.csv").write_text(table)
    return tmp_path


def track(folder: Path, output: str, *more: object) -> int:
    command = ["track", "--cohort", folder / "cohort.csv", "-o", folder / output, "-m", folder / "model"]
    command += ["--device", "cpu", "--disable-tta", *more]
    return console.exit_code(lambda: lesionlocator.main([*map(str, command)], standalone_mode=False))


def results(folder: Path, output: str) -> dict[str, dict[str, bytes]]:
    return {name: contents(folder / output / name) for name in PATIENTS}


def states(folder: Path, patient: str) -> dict[str, str]:
    cases = json.loads((folder / "out" / patient / "run.json").read_text())["cases"]
    return {name: case["state"] for name, case in cases.items()}


def outcomes(folder: Path) -> dict[str, tuple[str, str | None]]:
    patients = json.loads((folder / "out" / "cohort.json").read_text())["patients"]
    return {name: (patient["state"], patient["reason"]) for name, patient in patients.items()}


def fail_at(monkeypatch: pytest.MonkeyPatch, patient: str, mask: str) -> None:
    """Let a mask of a patient be one that cannot be written."""
    write = CaseFiles.write_mask

    def failing(self: CaseFiles, lesion: Any, geometry: Any) -> Any:
        if self.folder.name == patient and self.mask(lesion.lesion_id).name == mask:
            raise OSError("the disk is gone")
        return write(self, lesion, geometry)

    monkeypatch.setattr(CaseFiles, "write_mask", failing)


def test_a_followup_that_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert track(folder, "whole") == 0
    whole, broken = results(folder, "whole"), folder / "boris" / "fu2.nii.gz"
    good = broken.read_bytes()
    broken.write_bytes(good[:300])
    capsys.readouterr()
    assert track(folder, "out") == 3
    told = capsys.readouterr().err
    assert f"error: fu2: {broken}: is truncated" in told
    assert "error: patient boris: 1 of 2 failed: fu2\n" in told
    assert told.endswith("error: 1 of 3 failed: boris\n")
    assert outcomes(folder) == {
        "anna": ("ok", None),
        "boris": ("failed", "1 of 2 failed: fu2"),
        "carl": ("ok", None),
    }
    done = results(folder, "out")
    assert (done["anna"], done["carl"]) == (whole["anna"], whole["carl"])
    finished = {name for name in whole["boris"] if name.startswith("fu1")}
    assert len(finished) > 4
    assert {name: done["boris"][name] for name in finished} == {
        name: whole["boris"][name] for name in finished
    }
    rows = csv.DictReader((folder / "out" / "tracking.csv").read_text().splitlines())
    seen = {row["name"]: row["status"] for row in rows if row["patient"] == "boris"}
    assert seen == {"bl": "present", "fu1": "stable", "fu2": "not_assessed"}
    broken.write_bytes(good)
    assert track(folder, "out", "--resume") == 0
    assert results(folder, "out") == whole


def test_a_followup_before_others_that_cannot_be_read(folder: Path) -> None:
    (folder / "anna" / "fu1.nii.gz").write_bytes(b"")
    assert track(folder, "out") == 3
    assert states(folder, "anna") == {"fu1": "failed", "fu2": "ok"}
    assert [outcomes(folder)[name][0] for name in PATIENTS] == ["failed", "ok", "ok"]


def test_a_followup_that_fails_in_the_middle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert track(folder, "whole") == 0
    whole, log = results(folder, "whole"), folder / "log.jsonl"
    with monkeypatch.context() as patch:
        fail_at(patch, "boris", "fu2_lesion_7.nii.gz")
        assert track(folder, "out") == 3
    assert states(folder, "boris") == {"fu1": "ok", "fu2": "failed"}
    assert [outcomes(folder)[name][0] for name in PATIENTS] == ["ok", "failed", "ok"]
    half, done = folder / "out" / "boris" / "fu2_lesion_1.nii.gz", results(folder, "out")
    assert (done["anna"], done["carl"]) == (whole["anna"], whole["carl"])
    written = half.stat().st_mtime_ns
    assert track(folder, "out", "--resume", "--log-json", log) == 0
    assert half.stat().st_mtime_ns == written, "the lesion that was done before the failure is kept"
    events = [json.loads(line) for line in log.read_text().splitlines()]
    calls = [(one["case"], one["lesion"]) for one in events if one["event"] == "network_call"]
    assert calls == [("fu2", 0), ("fu2", 7)]
    assert results(folder, "out") == whole
