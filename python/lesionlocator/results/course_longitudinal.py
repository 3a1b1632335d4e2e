"""A patient's course as LongiSeg's tracking file says it: where each lesion is in each pair of scans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lesionlocator.errors import InputError
from lesionlocator.prompts.longitudinal import FollowedLesion, Pair
from lesionlocator.results.course import State

if TYPE_CHECKING:
    from lesionlocator.geometry import Point

_GONE = (0,)
"""What the format calls the label of a lesion that has disappeared."""


def is_course(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object is what :func:`lesionlocator.results.course_files.course_document` makes."""
    return isinstance(document.get("timepoints"), list) and isinstance(document.get("lesions"), dict)


def followed_lesions(document: Mapping[str, Any]) -> tuple[Pair, ...]:
    """Return the lesions of each pair of consecutive scans.

    Points are centroids. A lesion that was looked for and not found has the label 0 in the later scan, one
    that merged that of the lesion it is part of now, and one that split also those of its parts; all others
    keep their ids. A lesion that was not assessed says nothing, and one that is in neither scan is left out.

    Parameters
    ----------
    document
        The content of a ``tracking.json``.

    Raises
    ------
    InputError
        Where the document lacks something.
    """
    try:
        names = [str(timepoint["name"]) for timepoint in document["timepoints"]]
        lesions = {int(lesion_id): entries for lesion_id, entries in document["lesions"].items()}
        return tuple(_pair(lesions, names, later) for later in range(1, len(names)))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"is not the tracking.json of a patient ({error!r})") from error


def _pair(lesions: Mapping[int, list[dict[str, Any] | None]], names: list[str], later: int) -> Pair:
    found = []
    for lesion_id, entries in lesions.items():
        before, after = entries[later - 1], entries[later]
        point, verified = _centroid(before), _centroid(after)
        if point is not None or verified is not None:
            merged = _labels(lesion_id, after, lesions, later)
            found.append(
                FollowedLesion(
                    lesion_id, names[later - 1], names[later], point, verified=verified, merged=merged
                )
            )
    return tuple(found)


def _labels(
    lesion_id: int,
    entry: Mapping[str, Any] | None,
    lesions: Mapping[int, list[dict[str, Any] | None]],
    later: int,
) -> tuple[int, ...]:
    """Return the labels that a lesion has in the later scan; none where nobody knows."""
    state = None if entry is None else State(entry["status"])
    if entry is None or state is State.NOT_ASSESSED:
        return ()
    if state is State.DISAPPEARED:
        return _GONE
    if state is State.MERGED:
        return (int(entry["related_lesion_id"]),)
    parts = [
        other
        for other, entries in lesions.items()
        if (there := entries[later]) is not None
        and there["status"] == State.SPLIT.value
        and there["related_lesion_id"] == lesion_id
    ]
    return (lesion_id, *sorted(parts))


def _centroid(entry: Mapping[str, Any] | None) -> Point | None:
    measurements = None if entry is None else entry["measurements"]
    if measurements is None:
        return None
    z, y, x = map(float, measurements["centroid_voxel"])
    return z, y, x
