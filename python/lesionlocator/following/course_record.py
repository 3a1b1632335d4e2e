"""``run.json`` of a course that is saved from Python: where its scans are, for the report."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from lesionlocator.results.files import CaseFiles
from lesionlocator.results.provenance import RUN_FILE, RunRecord
from lesionlocator.run_settings import surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from lesionlocator.following.course import PatientCourse
    from lesionlocator.io import Scan


def write_record(course: PatientCourse, folder: Path) -> Path:
    """Write the record of a course whose results were saved to a folder, and return the file.

    It holds no cases, so that no run takes it for one of its own to go on with.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    origin, scans = course.origin, [one.scan for one in course.followups]
    masks = CaseFiles(folder, origin.scan.name)
    prompts = [masks.mask(i) for i in origin.masks] if course.labels_file is None else [course.labels_file]
    settings = {
        "model": course.followups[0].model.as_dict(),
        "prompt_type": "prev_mask" if course.baseline is None else course.baseline.kind.value,
        "series": [_series(scan) for scan in (origin.scan, *scans)],
    }
    options = {
        "baseline": _place(origin.scan),
        "followups": [_place(scan) for scan in scans],
        "prompts": [str(path.resolve()) for path in prompts] if course.baseline is None else [],
        "followup_labels": [],
        "dates": [None if day is None else day.isoformat() for day in course.dates],
    }
    told = surroundings(None, command=(), options=options)
    record = RunRecord(folder / RUN_FILE, settings, told, datetime.now(timezone.utc))
    record.write(exit_code=0)
    return record.path


def _place(scan: Scan) -> str | None:
    return None if scan.path is None else str(scan.path.resolve())


def _series(scan: Scan) -> str | None:
    return None if scan.source is None else scan.source.series_uid
