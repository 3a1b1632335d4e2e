"""A run that is killed leaves whole files only, and resuming it ends as if nothing had happened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from segment_cases import contents
from track_cases import read, stand_in, write_patient, write_tracker

from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

MOMENTS = (
    "fu1_lesion_1.nii.gz",
    ".fu1_unfinished.json",
    "fu1_lesion_7.nii.gz",
    "fu1_lesions.json",
    "tracking.csv",
    "fu2_expected_7.nii.gz",
    "fu2_to_fu1_transform.nii.gz",
    "fu2_lesions.nii.gz",
    "tracking.json",
)


def visible(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if not name.startswith(".")}


def track(arguments: list[object]) -> int:
    return console.exit_code(
        lambda: lesionlocator.main(["track", *map(str, arguments)], standalone_mode=False)
    )


def test_killed_runs_are_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, patient = write_tracker(tmp_path / "model"), write_patient(tmp_path / "in")
    arguments: list[object] = ["--baseline", patient["bl"], "--followup", patient["fu1"], patient["fu2"]]
    arguments += [
        "-p",
        patient["labels"],
        "-m",
        model,
        "--device",
        "cpu",
        "--disable-tta",
        "--save-transform",
    ]
    program = [sys.executable, Path(__file__).with_name("killed_track.py"), tmp_path / "killed"]
    done = subprocess.run(
        [str(part) for part in (*program, *MOMENTS, "--", *arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stand_in(monkeypatch)
    assert track([*arguments, "-o", tmp_path / "out"]) == 0
    wanted = visible(tmp_path / "out")
    for moment in MOMENTS:
        out = tmp_path / "killed" / moment
        left = visible(out)
        assert left.keys() < wanted.keys()
        assert all(read(out / name).size for name in left if name.endswith(".nii.gz"))
        assert track([*arguments, "-o", out, "--resume"]) == 0
        assert visible(out) == wanted
        assert not list(out.glob(".*_unfinished.json"))
