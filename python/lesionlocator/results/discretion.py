"""What results and logs say where names, numbers, dates and paths may not be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lesionlocator.io.dicom.uids import derived_uid

if TYPE_CHECKING:
    from lesionlocator.results.segmentation import Segmentation

WITHHELD = "not told with --deidentify; it was printed when it happened"
"""Stands for a text that may quote an input: a path, or what stands in a prompt file."""


def reason_of(problem: Exception, *, deidentify: bool) -> str:
    """Return why something failed, as a record may tell it."""
    return WITHHELD if deidentify else str(problem) or repr(problem)


def discreet(segmentation: Segmentation) -> Segmentation:
    """Return a segmentation that tells neither where its model is nor what stands in its prompt file."""
    entries = {f"entry {n}": WITHHELD for n in range(1, len(segmentation.refused_entries) + 1)}
    return replace(segmentation, model=segmentation.model.discreet, refused_entries=entries)


def discreet_series(series: str | None) -> str | None:
    """Return a number of a DICOM series as it is, and for a UID the one that results have in its place."""
    return series if series is None or series.isdecimal() else derived_uid(series)
