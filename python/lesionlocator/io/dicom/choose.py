"""Which series is meant."""

from __future__ import annotations

from pathlib import Path

from lesionlocator.errors import InputError
from lesionlocator.io.dicom.find import Found, find_series
from lesionlocator.io.dicom.locations import is_dicom
from lesionlocator.io.dicom.series import Series
from lesionlocator.io.dicom.source import DicomSource
from lesionlocator.io.dicom.uids import derived_uid

_NO_CT = "is no CT; --series takes it all the same"


def choose_series(path: str | Path, wanted: str | None = None) -> Series:
    """Return the series of a location that is wanted, or the only usable CT series.

    Parameters
    ----------
    path
        A folder, a zip, or a file.
    wanted
        Its UID, the UID that de-identified results have in its place, or its number; None where there is only
        one that can be meant.

    Raises
    ------
    InputError
        Where there is no such series, several can be meant, or the one that is meant cannot be used; the
        message names the location and what it holds, and nothing of the patient.
    """
    path = Path(path)
    found = find_series(path)
    if not found.series:
        raise InputError(nothing_found(path, found))
    chosen = _only_ct(path, found) if wanted is None else _wanted(path, found, wanted)
    if found.damaged and chosen.problem is not None:
        raise InputError(f"{path}: {chosen.label} cannot be used: {chosen.problem}; {_damage(found)}")
    _ = chosen.usable
    return chosen


def source_of(path: str | Path, wanted: str | None = None) -> DicomSource | None:
    """Return the files of the series of a scan; None where the scan is no DICOM.

    Parameters
    ----------
    path, wanted
        As for :func:`choose_series`.

    Raises
    ------
    InputError
        As :func:`choose_series`.
    """
    path = Path(path)
    return choose_series(path, wanted).source if is_dicom(path) else None


def _only_ct(path: Path, found: Found) -> Series:
    scans = [series for series in found.series if series.first.modality == "CT"]
    usable = [series for series in scans if series.problem is None]
    if len(usable) == 1:
        return usable[0]
    if len(usable) > 1:
        raise InputError(
            f"{path}: holds {len(usable)} CT series: {_listed(usable)}; choose one with --series"
        )
    if len(scans) == 1:
        return scans[0]
    reasons = "; ".join(f"{series.label}: {series.problem or _NO_CT}" for series in found.series[:5])
    raise InputError(f"{path}: holds no CT series that can be used: {reasons}")


def _wanted(path: Path, found: Found, wanted: str) -> Series:
    meant = [one for one in found.series if wanted in (uid := one.first.series_uid, derived_uid(uid))]
    if not meant and wanted.isdecimal():
        meant = [series for series in found.series if series.first.number == int(wanted)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise InputError(
            f"{path}: {len(meant)} series have the number {wanted}: {_listed(meant)}; give the UID"
        )
    raise InputError(f"{path}: holds no series {wanted}; there are: {_listed(found.series)}")


def nothing_found(path: Path, found: Found) -> str:
    """Say of a location without a series what is there instead."""
    if found.damaged:
        return f"{path}: holds no DICOM file that can be read; {_damage(found)}"
    if path.is_file() and path.suffix.lower() != ".zip":
        return f"{path}: is no DICOM file"
    count = len(found.others)
    return f"{path}: holds no DICOM file ({count} other file{'s' * (count != 1)})"


def _damage(found: Found) -> str:
    more = f" and {len(found.damaged) - 1} more" if len(found.damaged) > 1 else ""
    return f"damaged: {found.damaged[0]}{more}"


def _listed(series: list[Series] | tuple[Series, ...]) -> str:
    shown = ", ".join(one.label for one in series[:8])
    return shown + (f" and {len(series) - 8} more" if len(series) > 8 else "")
