"""``lesionlocator recist`` as a user runs it, on what tracking writes."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest

from course_cases import GONE, line, scan_of, there
from lesionlocator.cli import console
from lesionlocator.cli.main import lesionlocator
from lesionlocator.results.course_files import write_course
from lesionlocator.results.timeline import build_course


def run(*arguments: object) -> int:
    command = ["recist", *map(str, arguments)]
    return console.exit_code(lambda: lesionlocator.main(command, standalone_mode=False))


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """Lesion 1 of 50, 25 and 0 mm, lesion 2 of 20, 20 and 30 mm; lesion 3 of 5 mm."""
    days = (date(2024, 1, 1), date(2024, 3, 1), date(2024, 5, 1))
    ones = (there(line(0, 11)), there(line(0, 6)), GONE)
    twos = [there(line(20, 20 + n, row=8)) for n in (5, 5, 7)]
    small = there(line(60, 62, row=14))
    scans = [
        scan_of(f"s{i}", date=days[i], l1=one, l2=two, l3=small)
        for i, (one, two) in enumerate(zip(ones, twos, strict=True))
    ]
    write_course(build_course(scans), tmp_path)
    return tmp_path


def read(folder: Path) -> dict:
    return json.loads((folder / "recist.json").read_text())


def test_a_worksheet_is_proposed_and_written(tracked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tracked) == 0
    content = read(tracked)
    assert [lesion["role"] for lesion in content["lesions"].values()] == ["target", "target", "non-target"]
    points = content["timepoints"]
    assert [point["sum_of_diameters_mm"] for point in points] == [70.0, 45.0, 30.0]
    assert [point["category"] for point in points] == [None, "PR", "PR"]
    assert points[1]["change_from_baseline_percent"] == pytest.approx(-35.7143)
    assert points[0]["total_volume_ml"] == pytest.approx(18 * 0.125)
    assert points[2]["volume_change_from_baseline_percent"] == pytest.approx(-50)
    assert points[2]["volume_doubling_time_days"] < 0
    shown = capsys.readouterr().out
    assert "to be confirmed by a reader" in shown
    assert "For research" in shown
    assert "[RECIST 1.1]" in shown
    assert "No lesion is marked as a lymph node" in shown
    rows = list(csv.DictReader((tracked / "recist.csv").read_text().splitlines()))
    assert [row["category"] for row in rows] == ["", "PR", "PR"]


def test_the_reader_decides(tracked: Path, tmp_path: Path) -> None:
    targets = tmp_path / "targets.csv"
    targets.write_text("lesion_id,role,organ,node\n2,target,Liver,no\n1,ignored,,\n")
    assert run(tracked, "--targets", targets, "-o", tmp_path / "out") == 0
    content = read(tmp_path / "out")
    assert content["lesions"]["2"] == {
        "role": "target",
        "organ": "liver",
        "node": False,
        "reason": "as the reader says",
    }
    assert [point["category"] for point in content["timepoints"]] == [None, "SD", "PD"]
    assert content["timepoints"][0]["total_volume_ml"] == pytest.approx(7 * 0.125)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\n1\n", "has the columns id; legal: lesion_id"),
        ("lesion_id,role\nx,\n", "line 2: lesion_id is 'x'"),
        ("lesion_id,role\n1,main\n", "line 2: role is 'main'; legal: target, non-target, ignored"),
        ("lesion_id,node\n1,maybe\n", "line 2: node is 'maybe'"),
        ("lesion_id\n1\n1\n", "line 3: lesion 1 is listed twice"),
        ("lesion_id\n9\n", "lesion 9 is not in the baseline"),
    ],
)
def test_a_bad_list_of_targets_is_an_error(
    tracked: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tracked / "targets.csv").write_text(text)
    assert run(tracked, "--targets", tracked / "targets.csv") == 1
    assert message in capsys.readouterr().err
    assert not (tracked / "recist.json").exists()


def test_another_folder_or_file_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 1
    assert "tracking.json: does not exist" in capsys.readouterr().err
    (tmp_path / "tracking.json").write_text('{"timepoints": [], "lesions": {"1": [{}]}}')
    assert run(tmp_path) == 1
    assert "is not what lesionlocator track writes" in capsys.readouterr().err
    (tmp_path / "tracking.json").write_text('{"timepoints": [], "lesions": {}}')
    assert run(tmp_path) == 1
    assert "does not have one entry a timepoint" in capsys.readouterr().err


def test_a_thickness_of_nothing_is_wrong_usage(tracked: Path) -> None:
    assert run(tracked, "--slice-thickness", 0) == 2
