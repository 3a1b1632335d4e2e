"""``recist.json`` and ``recist.csv``: a worksheet for a reader, from the ``tracking.json`` of a patient."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lesionlocator.errors import InputError
from lesionlocator.results.changes import Size, doubling_days
from lesionlocator.results.course_files import JSON_NAME
from lesionlocator.results.documents import read_document, write_document, write_rows
from lesionlocator.results.recist import Entries, Entry, Timepoint, evaluate
from lesionlocator.results.recist_targets import Assigned, Listed, Role, assign

NOTICE = "For research. A proposal by measurement alone, to be confirmed by a reader."
SOURCE = "RECIST 1.1: Eisenhauer et al., Eur J Cancer 2009;45:228-247"
RECIST_JSON, RECIST_CSV = "recist.json", "recist.csv"
_COLUMNS = (
    "timepoint",
    "name",
    "date",
    "sum_of_diameters_mm",
    "change_from_baseline_percent",
    "change_from_nadir_percent",
    "target_response",
    "non_target_response",
    "new_lesions",
    "category",
    "total_volume_ml",
    "volume_change_from_baseline_percent",
    "volume_change_from_nadir_percent",
    "volume_doubling_time_days",
    "reasons",
)


@dataclass(frozen=True)
class Tracking:
    """What ``tracking.json`` says: name and date of each timepoint, and each lesion's entries by id."""

    timepoints: tuple[tuple[str, date | None], ...]
    lesions: Entries

    @classmethod
    def read(cls, folder: Path) -> Tracking:
        """Read the ``tracking.json`` of a folder.

        Raises
        ------
        InputError
            Where there is none, or it is no such document.
        """
        path = folder / JSON_NAME
        if not path.is_file():
            raise InputError(f"{path}: does not exist; expected the folder that lesionlocator track wrote")
        content = read_document(path)
        try:
            timepoints = tuple(
                (str(point["name"]), None if point["date"] is None else date.fromisoformat(point["date"]))
                for point in content["timepoints"]
            )
            lesions = {int(i): tuple(entries) for i, entries in content["lesions"].items()}
            for entry in itertools.chain.from_iterable(lesions.values()):
                _check_entry(entry)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: is not what lesionlocator track writes ({error!r})") from error
        if not timepoints or any(len(entries) != len(timepoints) for entries in lesions.values()):
            raise InputError(f"{path}: a lesion does not have one entry a timepoint")
        return cls(timepoints, lesions)


def worksheet(
    tracking: Tracking, listed: Mapping[int, Listed], *, slice_thickness_mm: float | None = None
) -> dict[str, Any]:
    """Return the worksheet of a patient as plain values.

    Raises
    ------
    InputError
        Where the listed targets cannot be used.
    """
    at_baseline = {i: entries[0] for i, entries in tracking.lesions.items() if entries[0] is not None}
    baseline = {i: entry["measurements"] for i, entry in at_baseline.items()}
    roles = assign(baseline, listed, slice_thickness_mm=slice_thickness_mm)
    points = evaluate(tracking.lesions, roles)
    volumes = _volumes(tracking, {i for i, lesion in roles.items() if lesion.role is Role.IGNORED})
    return {
        "notice": NOTICE,
        "source": SOURCE,
        "slice_thickness_mm": slice_thickness_mm,
        "lesions": {str(i): _lesion(lesion) for i, lesion in roles.items()},
        "timepoints": [
            {
                "timepoint": place,
                "name": name,
                "date": None if day is None else day.isoformat(),
                **_point(point),
                **volume,
                "reasons": list(point.reasons),
            }
            for place, ((name, day), point, volume) in enumerate(
                zip(tracking.timepoints, points, volumes, strict=True)
            )
        ],
    }


def write_worksheet(content: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write both files into a folder that exists, each wholly or not at all, and return them.

    Raises
    ------
    OutputError
        Where a file cannot be written.
    """
    details, table = folder / RECIST_JSON, folder / RECIST_CSV
    rows = [
        {name: point[name] for name in _COLUMNS}
        | {"new_lesions": " ".join(map(str, point["new_lesions"])), "reasons": "; ".join(point["reasons"])}
        for point in content["timepoints"]
    ]
    write_rows(table, _COLUMNS, rows)
    write_document(details, content)
    return [table, details]


def _check_entry(entry: Entry | None) -> None:
    if entry is not None and not {"status", "related_lesion_id", "measurements"} <= entry.keys():
        raise ValueError("an entry without status, related lesion or measurements")


def _lesion(lesion: Assigned) -> dict[str, Any]:
    return {
        "role": lesion.role.value,
        "organ": lesion.organ,
        "node": lesion.is_node,
        "reason": lesion.reason,
    }


def _point(point: Timepoint) -> dict[str, Any]:
    return {
        "diameters_mm": {str(i): value for i, value in point.diameters.items()},
        "sum_of_diameters_mm": None if point.sum_mm is None else round(point.sum_mm, 4),
        "change_from_baseline_percent": _percent(point.change_from_baseline),
        "change_from_nadir_percent": _percent(point.change_from_nadir),
        "target_response": None if point.target is None else point.target.value,
        "non_target_response": None if point.non_target is None else point.non_target.value,
        "new_lesions": list(point.new_lesions),
        "category": None if point.category is None else point.category.value,
    }


def _volumes(tracking: Tracking, ignored: set[int]) -> list[dict[str, float | None]]:
    """Return the total volume at each timepoint and its changes; None where a known lesion is missing."""
    totals = [_total_ml(tracking.lesions, place, ignored) for place in range(len(tracking.timepoints))]
    found = []
    for place, total in enumerate(totals):
        earlier = [value for value in totals[:place] if value is not None]
        from_baseline = from_nadir = None
        if total is not None and place and totals[0]:
            from_baseline = total / totals[0] - 1
        if total is not None and earlier and min(earlier) > 0:
            from_nadir = total / min(earlier) - 1
        found.append(
            {
                "total_volume_ml": None if total is None else round(total, 6),
                "volume_change_from_baseline_percent": _percent(from_baseline),
                "volume_change_from_nadir_percent": _percent(from_nadir),
                "volume_doubling_time_days": _doubling(
                    totals, [day for _, day in tracking.timepoints], place
                ),
            }
        )
    return found


def _total_ml(lesions: Entries, place: int, ignored: set[int]) -> float | None:
    """Return the volume of all lesions; one that has merged is counted where it went."""
    total = 0.0
    for lesion_id, entries in lesions.items():
        entry = entries[place]
        if entry is None or lesion_id in ignored or entry["status"] == "merged":
            continue
        if entry["status"] == "not_assessed":
            return None
        total += entry["measurements"]["volume_ml"] if entry["measurements"] else 0.0
    return total


def _doubling(totals: Sequence[float | None], days: Sequence[date | None], place: int) -> float | None:
    """Return the doubling time since the last earlier volume, by :func:`changes.doubling_days`."""
    now, end = totals[place], days[place]
    known = [(total, day) for total, day in zip(totals[:place], days, strict=False) if total is not None]
    if not now or end is None or not known or not known[-1][0] or known[-1][1] is None:
        return None
    found = doubling_days(Size(known[-1][0], 0.0), Size(now, 0.0), known[-1][1], end)
    return None if found is None else round(found, 2)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else round(100 * fraction, 4) + 0.0  # -0.0 becomes 0.0
