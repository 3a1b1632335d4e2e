"""A series: its files, and whether its slices can be stacked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from lesionlocator.errors import InputError
from lesionlocator.io.dicom.headers import Header
from lesionlocator.io.dicom.source import DicomSource
from lesionlocator.io.dicom.stack import Stack, stacked


@dataclass(frozen=True)
class Series:
    """The files of one series in one location.

    Parameters
    ----------
    location
        A folder, or a zip.
    headers
        Of its files; at least one.
    """

    location: Path
    headers: tuple[Header, ...]

    @property
    def first(self) -> Header:
        """The header that speaks for the series."""
        return self.headers[0]

    @property
    def patient(self) -> tuple[str, ...]:
        """What tells patients apart: the number; name and birth date where there is none."""
        first = self.first
        if first.patient_id:
            return ("id", first.patient_id)
        return ("name", first.patient_name, first.patient_birth) if first.patient_name else ()

    @cached_property
    def stack(self) -> Stack | str:
        """The slices in order, or why they cannot be used."""
        try:
            return stacked(self.headers)
        except InputError as error:
            return str(error)

    @property
    def problem(self) -> str | None:
        """Why the series cannot be read as a scan; None where it can."""
        return self.stack if isinstance(self.stack, str) else None

    @property
    def usable(self) -> Stack:
        """The slices in order.

        Raises
        ------
        InputError
            Where they cannot be stacked; the message names the location and what was found.
        """
        if isinstance(self.stack, str):
            raise InputError(f"{self.location}: {self.label} cannot be used: {self.stack}")
        return self.stack

    @property
    def label(self) -> str:
        """What messages call the series; nothing of the patient."""
        number = "" if self.first.number is None else f" {self.first.number}"
        return f"series{number} ({self.first.modality or 'no modality'}, {self.first.series_uid})"

    @property
    def source(self) -> DicomSource:
        """What a scan remembers of the series."""
        stack, first = self.usable, self.first
        return DicomSource(
            self.location,
            tuple(dict.fromkeys(name for name, _ in stack.slices)),
            tuple(frame + 1 for _, frame in stack.slices) if first.is_multiframe else (),
            first.series_uid,
            first.study_uid,
            first.study_date,
            self.patient,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what is known of the series as plain values, under names that hold units."""
        first, stack = self.first, self.stack
        day: date | None = first.study_date
        geometry = None if isinstance(stack, str) else stack.geometry
        return {
            "patient_id": first.patient_id,
            "patient_name": first.patient_name,
            "study_date": None if day is None else day.isoformat(),
            "study_uid": first.study_uid,
            "series_uid": first.series_uid,
            "series_number": first.number,
            "description": first.description,
            "modality": first.modality,
            "slices": sum(len(header.frames) for header in self.headers),
            "shape_voxel": None if geometry is None else list(geometry.shape),
            "spacing_mm": None if geometry is None else [round(mm, 6) for mm in geometry.spacing],
            "slice_thickness_mm": first.thickness_mm,
            "kernel": first.kernel,
            "contrast": first.contrast,
            "usable": self.problem is None,
            "problem": self.problem,
            "notes": [] if isinstance(stack, str) else list(stack.notes),
        }
