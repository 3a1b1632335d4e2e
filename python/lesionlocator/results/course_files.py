"""``tracking.json`` and ``tracking.csv``: what became of each lesion of a patient at each timepoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lesionlocator.results.documents import flattened, measurement_columns, write_document, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from lesionlocator.results.changes import Change
    from lesionlocator.results.course import Course, CourseOptions, LesionTimepoint

JSON_NAME = "tracking.json"
CSV_NAME = "tracking.csv"
_DECIMALS = 4
_OWN_COLUMNS = (
    "lesion_id",
    "timepoint",
    "name",
    "date",
    "status",
    "related_lesion_id",
    "matched_label",
    "volume_change_from_baseline_percent",
    "longest_diameter_change_from_baseline_percent",
    "volume_change_from_nadir_percent",
    "longest_diameter_change_from_nadir_percent",
    "volume_doubling_time_days",
    "pieces",
)


def write_course(course: Course, folder: Path) -> list[Path]:
    """Write both files into a folder that exists, each wholly or not at all, and return them.

    The same course always gives the same bytes.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    document = course_document(course)
    table, details = folder / CSV_NAME, folder / JSON_NAME
    write_rows(table, [*_OWN_COLUMNS, *measurement_columns(), "warnings"], course_rows(document))
    write_document(details, document)
    return [table, details]


def course_document(course: Course) -> dict[str, Any]:
    """Return a course as plain values: timepoints in order, lesions by ascending id.

    Each lesion has one entry a timepoint, null at those before it was first seen.
    """
    days = [None if date is None else date.isoformat() for date in course.dates]
    return {
        "timepoints": [
            {"timepoint": place, "name": name, "date": day}
            for place, (name, day) in enumerate(zip(course.names, days, strict=True))
        ],
        "options": _options(course.options),
        "lesions": {
            str(lesion_id): [None if point is None else _entry(point) for point in lesion.timepoints]
            for lesion_id, lesion in sorted(course.lesions.items())
        },
    }


def course_rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each lesion and timepoint of a document, from when the lesion was first seen."""
    rows = []
    for lesion_id, entries in document["lesions"].items():
        for timepoint, entry in zip(document["timepoints"], entries, strict=True):
            if entry is not None:
                measurements, warnings = entry["measurements"] or {}, "; ".join(entry["warnings"])
                own = {name: value for name, value in entry.items() if name in _OWN_COLUMNS}
                row = {"lesion_id": lesion_id, **timepoint, **own, **flattened(measurements)}
                rows.append(row | {"warnings": warnings})
    return rows


def _entry(point: LesionTimepoint) -> dict[str, Any]:
    days = point.doubling_days
    return {
        "status": point.state.value,
        "related_lesion_id": point.related,
        "matched_label": point.label,
        **_percent("baseline", point.since_baseline),
        **_percent("nadir", point.since_nadir),
        "volume_doubling_time_days": None if days is None else round(days, 2),
        "pieces": point.pieces,
        "warnings": list(point.warnings),
        "measurements": None if point.measurements is None else point.measurements.as_dict(),
    }


def _percent(since: str, change: Change | None) -> dict[str, float | None]:
    volume = None if change is None else change.volume
    diameter = None if change is None else change.longest_diameter
    return {
        f"volume_change_from_{since}_percent": _hundredfold(volume),
        f"longest_diameter_change_from_{since}_percent": _hundredfold(diameter),
    }


def _hundredfold(fraction: float | None) -> float | None:
    return None if fraction is None else round(100 * fraction, _DECIMALS) + 0.0  # -0.0 becomes 0.0


def _options(options: CourseOptions) -> dict[str, float]:
    change, relation = options.change, options.relation
    return {
        "growth_fraction": change.growth,
        "shrinkage_fraction": change.shrinkage,
        "least_change_ml": change.least_ml,
        "shared_fraction": relation.shared,
        "least_overlap": relation.gate.least_overlap,
        "reach_mm": relation.gate.reach_mm,
        "piece_fraction": options.piece_fraction,
    }
