"""What a timeline needs of each scan of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lesionlocator.results.course import Examination, Tracked
from lesionlocator.results.findings import found_in, labelled_in, tracked_in

if TYPE_CHECKING:
    from datetime import date

    from lesionlocator.following.methods import Carried
    from lesionlocator.following.origin import Origin
    from lesionlocator.io import LabelMap, Scan
    from lesionlocator.results.lesion import LesionResult


def examined_baseline(
    origin: Origin, refused: Mapping[int, LesionResult], day: date | None = None
) -> Examination:
    """Return the baseline with its lesions, and those that cannot be tracked."""
    known = {i: Tracked(found_in(mask, origin.scan)) for i, mask in origin.masks.items()}
    others = {i: Tracked(assessed=False, warnings=lesion.warnings) for i, lesion in refused.items()}
    return Examination(origin.scan.name, known | others, day)


def examined(
    scan: Scan, carried: Mapping[int, Carried], day: date | None = None, labels: LabelMap | None = None
) -> Examination:
    """Return a follow-up with what tracking found, and the lesions of its label map where there is one."""
    tracked = {
        i: tracked_in(one.lesion, scan, in_view=one.in_view, expected=one.expected)
        for i, one in carried.items()
    }
    return Examination(scan.name, tracked, day, None if labels is None else labelled_in(labels, scan))
