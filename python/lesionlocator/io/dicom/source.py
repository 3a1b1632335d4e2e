"""What a scan that was read from DICOM remembers of its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class DicomSource:
    """The files of a series, and what of their headers others compare.

    Parameters
    ----------
    location
        A folder, or a zip.
    names
        Its files, in the order of the scan's z axis; one where the series is a multi-frame file.
    frames
        For a multi-frame file, the number (from 1) of the frame at each z; empty otherwise.
    series_uid, study_uid
        What the series and study are known by.
    study_date
        None where it is not given.
    patient
        What tells patients apart, not to be shown; empty where nothing is given.
    """

    location: Path
    names: tuple[str, ...]
    frames: tuple[int, ...]
    series_uid: str
    study_uid: str
    study_date: date | None = None
    patient: tuple[str, ...] = ()

    @property
    def is_multiframe(self) -> bool:
        """Whether all slices are in one file."""
        return bool(self.frames)
