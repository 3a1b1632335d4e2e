"""What the headers of DICOM scans say of a patient's timepoints: whose they are, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError
from lesionlocator.io.dicom import Series, choose_series, is_dicom

if TYPE_CHECKING:
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_options import TrackOptions


def in_time(options: TrackOptions, reporter: Reporter) -> TrackOptions:
    """Return the options with follow-ups in the order of their study dates, and with these dates.

    Dates that were given stay, and then the order stays too. Without DICOM nothing changes.

    Raises
    ------
    InputError
        Where a series cannot be used, scans are of two patients, or the baseline is not the first.
    """
    series = [
        choose_series(path, wanted) if is_dicom(path) else None
        for path, wanted in zip(options.scans, options.series_of_scans, strict=True)
    ]
    _check_patient(options, series)
    dates = [None if one is None else one.first.study_date for one in series]
    if options.dates or not any(dates):
        return options
    later = dates[1:]
    if None in dates:
        unknown = [str(path) for path, day in zip(options.scans, dates, strict=True) if day is None]
        reporter.warning(
            options.scans[0].name, f"no study date in {', '.join(unknown)}: order stays as given"
        )
        return replace(options, dates=tuple(dates))
    order = sorted(range(len(later)), key=lambda place: later[place])  # type: ignore[arg-type,return-value]  # no None here
    if later[order[0]] < dates[0]:  # type: ignore[operator]  # likewise
        raise InputError(
            f"{options.followups[order[0]]}: was made before the baseline {options.baseline}; "
            "legal: the earliest study is the baseline"
        )
    if order != sorted(order):
        reporter.warning(
            options.scans[0].name,
            f"follow-ups are put in the order of their study dates: "
            f"{', '.join(options.followups[place].name for place in order)}",
        )
    labels, wanted = options.followup_labels, options.series_of_scans
    return replace(
        options,
        followups=tuple(options.followups[place] for place in order),
        dates=(dates[0], *(later[place] for place in order)),
        followup_labels=tuple(labels[place] for place in order) if labels else (),
        series=tuple(options.series[place] for place in (0, *(1 + place for place in order)))
        if len(options.series) == len(wanted)
        else options.series,
    )


def _check_patient(options: TrackOptions, series: list[Series | None]) -> None:
    known = [
        (path, one.patient) for path, one in zip(options.scans, series, strict=True) if one and one.patient
    ]
    for path, patient in known[1:]:
        if patient != known[0][1]:
            what = "number" if (patient[0], known[0][1][0]) == ("id", "id") else "number or name"
            raise InputError(
                f"{path}: is of another patient than {known[0][0]} (the {what} differs); legal: one patient"
            )
