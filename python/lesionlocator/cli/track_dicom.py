"""What the headers of DICOM scans say of a patient's timepoints: whose they are, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from lesionlocator.dicom.sources import NO_DATE
from lesionlocator.errors import InputError
from lesionlocator.following.timepoints import check_same_patient
from lesionlocator.io.dicom import choose_series, is_dicom

if TYPE_CHECKING:
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_options import TrackOptions

_NO_DAY = datetime.strptime(NO_DATE, "%Y%m%d").date()


def in_time(options: TrackOptions, reporter: Reporter) -> TrackOptions:
    """Return the options with follow-ups in the order of their study dates, and with these dates.

    Dates that were given stay, and then the order stays too. Without DICOM nothing changes. Where no
    date may be told, all are moved so that the first is a day that stands for none: what lies between stays.

    Raises
    ------
    InputError
        Where a series cannot be used, scans are of two patients, or the baseline is not the first.
    """
    series = [
        choose_series(path, wanted) if is_dicom(path) else None
        for path, wanted in zip(options.scans, options.series_of_scans, strict=True)
    ]
    patients = (() if one is None else one.patient for one in series)
    check_same_patient(list(zip(options.scans, patients, strict=True)))
    if not options.dates:
        options = _dated(options, [None if one is None else one.first.study_date for one in series], reporter)
    if not options.outputs.dicom.deidentify:
        return options
    first = next((day for day in options.dates if day is not None), _NO_DAY)
    moved = (None if day is None else _NO_DAY + (day - first) for day in options.dates)
    return replace(options, dates=tuple(moved))


def _dated(options: TrackOptions, dates: Sequence[date | None], reporter: Reporter) -> TrackOptions:
    """Return the options with dates, and in their order where all are known."""
    known, names = [day for day in dates if day is not None], options.names
    if not known:
        return options
    if len(known) < len(dates):
        unknown = [name for name, day in zip(names, dates, strict=True) if day is None]
        reporter.warning(names[0], f"no study date in {', '.join(unknown)}: order stays as given")
        return replace(options, dates=tuple(dates))
    order = sorted(range(1, len(known)), key=lambda place: known[place])
    if known[order[0]] < known[0]:
        raise InputError(
            f"{options.scans[order[0]]}: was made before the baseline {options.baseline}; "
            "legal: the earliest study is the baseline"
        )
    if order != sorted(order):
        told = "" if options.outputs.dicom.deidentify else f": {', '.join(names[place] for place in order)}"
        reporter.warning(names[0], f"follow-ups are put in the order of their study dates{told}")
    labels, points, each = options.followup_labels, options.points, len(options.series) == len(known)
    return replace(
        options,
        followups=tuple(options.scans[place] for place in order),
        dates=tuple(known[place] for place in (0, *order)),
        followup_labels=tuple(labels[place - 1] for place in order) if labels else (),
        points=tuple(points[place - 1] for place in order) if len(points) > 1 else points,
        series=tuple(options.series[place] for place in (0, *order)) if each else options.series,
    )
