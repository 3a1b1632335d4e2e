"""A run that was stopped within a follow-up goes on with the lesions and pairs of scans that are missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from segment_cases import contents, write_image
from track_cases import CENTRES, lesions, stand_in, write_patient, write_tracker

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.results.files import CaseFiles


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    stand_in(monkeypatch)
    model, patient = write_tracker(tmp_path / "model"), write_patient(tmp_path / "in")
    command: list[object] = ["--baseline", patient["bl"], "--followup", patient["fu1"], patient["fu2"]]
    return [*command, "-p", patient["labels"], "-m", model, "--device", "cpu", "--disable-tta"]


def track(*arguments: object) -> int:
    return console.exit_code(
        lambda: lesionlocator.main(["track", *map(str, arguments)], standalone_mode=False)
    )


def stop_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Stop the next run just before the mask of this name is written."""
    write = CaseFiles.write_mask

    def stopped(self: CaseFiles, lesion: Any, geometry: Any) -> Any:
        if self.mask(lesion.lesion_id).name == name:
            monkeypatch.setattr(CaseFiles, "write_mask", write)
            raise KeyboardInterrupt
        return write(self, lesion, geometry)

    monkeypatch.setattr(CaseFiles, "write_mask", stopped)


def calls(log: Path) -> list[tuple[str, int]]:
    """Return scan and lesion of each network call; 0 is a registration."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [(event["case"], event["lesion"]) for event in events if event["event"] == "network_call"]


def test_only_the_missing_lesion_is_tracked(
    arguments: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert track(*arguments, "-o", tmp_path / "whole") == 0
    out, log = tmp_path / "out", tmp_path / "log.jsonl"
    stop_at(monkeypatch, "fu1_lesion_7.nii.gz")
    assert track(*arguments, "-o", out) == 130
    written = (out / "fu1_lesion_1.nii.gz").stat().st_mtime_ns
    assert track(*arguments, "-o", out, "--resume", "--log-json", log) == 0
    assert calls(log) == [("fu1", 0), ("fu1", 7), ("fu2", 0), ("fu2", 1), ("fu2", 7)]
    assert (out / "fu1_lesion_1.nii.gz").stat().st_mtime_ns == written
    assert contents(out) == contents(tmp_path / "whole")


def test_lesions_of_another_run_are_not_taken_over(
    arguments: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, log = tmp_path / "out", tmp_path / "log.jsonl"
    stop_at(monkeypatch, "fu1_lesion_7.nii.gz")
    assert track(*arguments, "-o", out) == 130
    stop_at(monkeypatch, "fu1_lesion_1.nii.gz")
    assert track(*arguments, "-o", out, "--chain", "baseline") == 130
    assert track(*arguments, "-o", out, "--chain", "baseline", "--resume", "--log-json", log) == 0
    assert calls(log)[:3] == [("fu1", 0), ("fu1", 1), ("fu1", 7)]


def test_a_label_of_a_followup_is_judged_alike_after_resuming(
    arguments: list[object], tmp_path: Path
) -> None:
    labels = write_image(tmp_path / "all.nii.gz", lesions({20: CENTRES[1], 30: (3, 12, 3)}))
    more = [*arguments, "--followup-labels", labels, labels, "-o", tmp_path / "out"]
    assert track(*more) == 0
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "tracking.json").unlink()
    assert track(*more, "--resume") == 0
    assert contents(tmp_path / "out") == before


def test_only_the_missing_map_is_written(arguments: list[object], tmp_path: Path) -> None:
    out, log = tmp_path / "out", tmp_path / "log.jsonl"
    assert track(*arguments, "-o", out, "--save-transform") == 0
    before = contents(out)
    (out / "fu2_to_fu1_transform.nii.gz").unlink()
    assert track(*arguments, "-o", out, "--save-transform", "--resume", "--log-json", log) == 0
    assert calls(log) == []
    assert contents(out) == before
    assert track(*arguments, "-o", out) == 0
    assert not list(out.glob("*transform*"))
