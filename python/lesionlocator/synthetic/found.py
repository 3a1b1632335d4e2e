"""How well a tracked course agrees with the truth of a synthetic patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lesionlocator.synthetic.course import SyntheticCourse

WITHIN_MM = 10.0
"""Distance of centroids up to which a lesion counts as found."""


@dataclass(frozen=True)
class Sighting:
    """One lesion of the baseline in one follow-up.

    Parameters
    ----------
    lesion_id, timepoint
        Which lesion, and which scan; 1 is the first follow-up.
    is_there
        Whether the truth has it.
    status
        What tracking says, as in ``tracking.json``.
    distance_mm
        Between the centroids of truth and tracking; None where either is missing.
    """

    lesion_id: int
    timepoint: int
    is_there: bool
    status: str
    distance_mm: float | None

    @property
    def is_right(self) -> bool:
        """Whether a lesion was found within 10 mm, or one that is gone is not claimed to be there."""
        if not self.is_there:
            return self.distance_mm is None and self.status == "disappeared"
        return self.distance_mm is not None and self.distance_mm <= WITHIN_MM


def sightings(
    truth: SyntheticCourse, lesions: Mapping[str, Sequence[Mapping[str, Any] | None]]
) -> list[Sighting]:
    """Compare each lesion that a follow-up shows, or that is gone by then, with what tracking says of it.

    Parameters
    ----------
    truth
        The patient.
    lesions
        Each lesion's entries by id, as in ``tracking.json``.

    Raises
    ------
    ValueError
        Where a lesion of the truth is not among them.
    """
    found = []
    for timepoint in range(1, len(truth.scans)):
        gone = truth.gone[timepoint - 1]
        for lesion_id in sorted({*truth.label_of[timepoint - 1], *gone}):
            entry = lesions[str(lesion_id)][timepoint] if str(lesion_id) in lesions else None
            if entry is None:
                raise ValueError(f"lesion {lesion_id} is not known at timepoint {timepoint}")
            place, measured = truth.centroid_lps(timepoint, lesion_id), entry["measurements"]
            distance = None
            if place is not None and measured is not None:
                distance = float(np.linalg.norm(np.subtract(place, measured["centroid_lps_mm"])))
            found.append(Sighting(lesion_id, timepoint, lesion_id not in gone, entry["status"], distance))
    return found
