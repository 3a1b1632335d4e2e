"""Whether scans are of one patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lesionlocator.errors import InputError


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
