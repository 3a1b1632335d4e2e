"""Whether scans are of one patient, and when they were made."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from datetime import date

    from lesionlocator.io import Scan


def check_same_patient(scans: Sequence[tuple[Path, tuple[str, ...]]]) -> None:
    """Refuse scans of two patients.

    Parameters
    ----------
    scans
        Where each lies, and what tells patients apart, as :attr:`lesionlocator.io.dicom.DicomSource.patient`
        has it; scans of which that is not known are left out.

    Raises
    ------
    InputError
        Naming the scans, and nothing of the patients.
    """
    known = [(path, patient) for path, patient in scans if patient]
    for path, other in known:
        first, patient = known[0]
        if other != patient:
            what = "number" if (other[0], patient[0]) == ("id", "id") else "number or name"
            raise InputError(
                f"{path}: is of another patient than {first} (the {what} differs); legal: one patient"
            )


def check_scans(scans: Sequence[Scan]) -> None:
    """Refuse scans of two patients, as far as DICOM tells."""
    check_same_patient(
        [(one.path or Path(one.name), () if one.source is None else one.source.patient) for one in scans]
    )


def study_dates(scans: Sequence[Scan]) -> list[date | None]:
    """Return when scans were made, as far as DICOM tells.

    Raises
    ------
    InputError
        Where a scan was made before one that stands before it.
    """
    days = [None if scan.source is None else scan.source.study_date for scan in scans]
    known = [(day, scan.name) for day, scan in zip(days, scans, strict=True) if day is not None]
    for (earlier, first), (later, second) in itertools.pairwise(known):
        if later < earlier:
            raise InputError(
                f"{second}: was made before {first}, which stands before it; legal: scans in the order of "
                "their study dates, or dates of your own"
            )
    return days
