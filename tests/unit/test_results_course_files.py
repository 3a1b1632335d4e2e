"""The files of a course: every number under its name, the same bytes each time, whole or not at all."""

from __future__ import annotations

import csv
import json
from datetime import date

import pytest

from course_cases import GONE, line, scan_of, there
from lesionlocator.errors import OutputError
from lesionlocator.results.course_files import course_document, write_course
from lesionlocator.results.timeline import build_course


@pytest.fixture
def course():
    return build_course(
        [
            scan_of("bl", date=date(2024, 1, 1), l7=there(line(40, 44)), l12=there(line(70, 80))),
            scan_of(
                "fu1", date=date(2024, 1, 11), l7=there(line(40, 48), "lost_in_warp", "second"), l12=GONE
            ),
            scan_of("fu2", l7=GONE, l12=GONE, labelled={3: line(100, 101)}),
        ]
    )


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_holds_each_number_under_its_name(course, tmp_path):
    table, _ = write_course(course, tmp_path)
    second = rows(table)[1]
    expected = {
        "lesion_id": "7",
        "timepoint": "1",
        "name": "fu1",
        "date": "2024-01-11",
        "status": "grown",
        "related_lesion_id": "",
        "matched_label": "",
        "volume_change_from_baseline_percent": "100.0",
        "longest_diameter_change_from_baseline_percent": "133.3333",
        "volume_change_from_nadir_percent": "100.0",
        "longest_diameter_change_from_nadir_percent": "133.3333",
        "volume_doubling_time_days": "10.0",
        "pieces": "1",
        "volume_ml": "1.0",
        "longest_diameter_mm": "35.0",
        "perpendicular_diameter_mm": "0.0",
        "centroid_voxel_x": "43.5",
        "centroid_lps_mm_x": "217.5",
        "warnings": "lost_in_warp; second",
    }
    assert {name: second[name] for name in expected} == expected


def test_there_is_a_row_for_each_lesion_and_timepoint_since_it_was_seen(course, tmp_path):
    table, _ = write_course(course, tmp_path)
    found = [(row["lesion_id"], row["timepoint"], row["status"]) for row in rows(table)]
    assert found == [
        ("7", "0", "present"),
        ("7", "1", "grown"),
        ("7", "2", "disappeared"),
        ("12", "0", "present"),
        ("12", "1", "disappeared"),
        ("12", "2", "disappeared"),
        ("13", "2", "new"),
    ]


def test_the_document_says_the_same_as_the_table(course, tmp_path):
    table, details = write_course(course, tmp_path)
    document = json.loads(details.read_text())
    assert document == course_document(course)
    assert document["timepoints"][2] == {"timepoint": 2, "name": "fu2", "date": None}
    assert document["lesions"]["13"][:2] == [None, None]
    assert document["lesions"]["13"][2]["matched_label"] == 3
    assert document["lesions"]["7"][1]["measurements"]["volume_ml"] == 1.0
    assert document["lesions"]["7"][2]["measurements"] is None
    assert document["options"]["growth_fraction"] == 0.25
    statuses = [entry["status"] for lesion in document["lesions"].values() for entry in lesion if entry]
    assert statuses == [row["status"] for row in rows(table)]


def test_the_same_course_gives_the_same_bytes(course, tmp_path):
    first = [path.read_bytes() for path in write_course(course, tmp_path)]
    assert [path.read_bytes() for path in write_course(course, tmp_path)] == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tracking.csv", "tracking.json"]


def test_a_course_without_lesions_has_a_header_only(tmp_path):
    table, details = write_course(build_course([scan_of("bl")]), tmp_path)
    assert rows(table) == []
    assert table.read_text().startswith("lesion_id,timepoint,name,date,status,")
    assert json.loads(details.read_text())["lesions"] == {}


def test_a_folder_that_is_not_there_is_named(course, tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*nowhere.*tracking\.csv"):
        write_course(course, tmp_path / "nowhere")
