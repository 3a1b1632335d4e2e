"""Which series a folder, zip or file holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.io.dicom.headers import Header, read_header
from lesionlocator.io.dicom.locations import listed, opened, starts_as_dicom
from lesionlocator.io.dicom.series import Series


@dataclass(frozen=True)
class Found:
    """What a location holds.

    Parameters
    ----------
    series
        By patient, study date and number.
    others
        Files that are no DICOM.
    damaged
        Files that claim to be DICOM and cannot be read, and why.
    """

    series: tuple[Series, ...]
    others: tuple[str, ...]
    damaged: tuple[str, ...]


def find_series(path: str | Path) -> Found:
    """Read the headers of all DICOM files of a folder (at any depth), zip or single file; no pixels.

    Hidden files are passed over.

    Raises
    ------
    InputError
        Where there is no such path, or it is no zip though it is called so.
    """
    location, names = listed(Path(path))
    by_series: dict[str, list[Header]] = defaultdict(list)
    others, damaged = [], []
    for name, file in opened(location, names):
        if not starts_as_dicom(file):
            others.append(name)
            continue
        try:
            header = read_header(name, file)
        except InputError as error:
            damaged.append(str(error))
            continue
        if header is not None:
            by_series[header.series_uid].append(header)
    series = [Series(location, tuple(headers)) for headers in by_series.values()]
    return Found(tuple(sorted(series, key=_order)), tuple(others), tuple(damaged))


def _order(series: Series) -> tuple[str, str, str, int, str]:
    first = series.first
    day = "" if first.study_date is None else first.study_date.isoformat()
    return (first.patient_id, day, first.study_uid, first.number or 0, first.series_uid)
