"""Which tracked lesions of one scan have become one, and which lesions of a label map no track explains."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.tracking.matching import Comparison, Gate, Instances, match_instances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Box
    from lesionlocator.results.lesion import LesionMask
    from lesionlocator.results.measurements import Measurements


@dataclass(frozen=True)
class RelationLimits:
    """From when on two lesions count as one.

    Parameters
    ----------
    shared
        Common voxels over those of the smaller one from which on two tracked lesions have merged, and over
        those of a labelled lesion from which on a track explains it. The default, one half, asks that most of
        it is the same tissue.
    gate
        Which tracked and labelled lesions may be matched.

    Raises
    ------
    InputError
        Where ``shared`` is not above 0 and up to 1.
    """

    shared: float = 0.5
    gate: Gate = field(default_factory=Gate)

    def __post_init__(self) -> None:
        if not 0 < self.shared <= 1:
            raise InputError(f"shared fraction is {self.shared}; legal: above 0 and up to 1")


@dataclass(frozen=True)
class Found:
    """A lesion that is there: its mask and what is measured of it."""

    mask: LesionMask
    measurements: Measurements


@dataclass(frozen=True)
class Labelled:
    """What a label map says of the tracked lesions.

    Parameters
    ----------
    label_of
        The label of each tracked lesion that has one, by lesion id. Lesions that merged share theirs.
    split_from
        The tracked lesion that each further label is a part of, by label.
    unexplained
        The other labels, ascending.
    """

    label_of: Mapping[int, int] = field(default_factory=dict)
    split_from: Mapping[int, int] = field(default_factory=dict)
    unexplained: tuple[int, ...] = ()


def merged_into(
    found: Mapping[int, Found],
    sizes_before: Mapping[int, float],
    label_of: Mapping[int, int],
    limits: RelationLimits,
) -> dict[int, int]:
    """Say which lesions have merged, and into which.

    Lesions whose masks share enough voxels or that have one label, directly or through others, are one now.
    It keeps the id of the one that was largest before (of equals, the lowest id).

    Parameters
    ----------
    found
        The lesions of one scan by id.
    sizes_before
        Last known volume by id; 0 where it is not given.
    label_of
        Labels of lesions in a label map, by id; empty where there is none.
    limits
        From when on lesions count as one.

    Returns
    -------
    dict
        The id that each merged lesion went into, by its id.
    """
    group = {lesion_id: lesion_id for lesion_id in found}
    for one, other in itertools.combinations(sorted(found), 2):
        same_label = one in label_of and label_of[one] == label_of.get(other)
        if same_label or _shared(found[one], found[other]) >= limits.shared:
            kept, given_up = group[one], group[other]
            group = {i: kept if g == given_up else g for i, g in group.items()}
    into: dict[int, int] = {}
    for name in set(group.values()):
        members = [lesion_id for lesion_id in group if group[lesion_id] == name]
        largest = min(members, key=lambda i: (-sizes_before.get(i, 0.0), i))
        into |= {lesion_id: largest for lesion_id in members if lesion_id != largest}
    return dict(sorted(into.items()))


def explain_labels(
    tracked: Mapping[int, Found],
    expected: Mapping[int, LesionMask],
    labelled: Mapping[int, Found],
    limits: RelationLimits,
) -> Labelled:
    """Say which label of a scan is which tracked lesion.

    Each tracked lesion gets the label that the best assignment gives it. A label without lesion that lies
    for the most part in a tracked lesion, or in where registration expected it, is split from it; one that
    lies in none is unexplained. A lesion without label that lies for the most part in one shares it.

    Parameters
    ----------
    tracked
        The lesions found by tracking, by id.
    expected
        Where registration took each lesion, by id; may be of fewer or more lesions.
    labelled
        The lesions of a label map on the same grid, by label.
    limits
        From when on lesions count as one.
    """
    compared = _compared(tracked, labelled)
    label_of = {match.first: match.second for match in match_instances(compared, limits.gate)}
    owner = {label: lesion_id for lesion_id, label in label_of.items()}
    inside = {
        lesion_id: int(np.argmax(fractions))
        for lesion_id, fractions in zip(tracked, compared.fraction_of_first, strict=True)
        if lesion_id not in label_of and fractions.max(initial=0) >= limits.shared
    }
    labels = list(labelled)
    label_of |= {lesion_id: labels[place] for lesion_id, place in inside.items()}
    split_from = {}
    for label in labels:
        parent = None if label in owner else _parent(labelled[label], tracked, expected, limits)
        if parent is not None:
            split_from[label] = parent
    rest = set(labels) - set(label_of.values()) - set(split_from)
    return Labelled(dict(sorted(label_of.items())), dict(sorted(split_from.items())), tuple(sorted(rest)))


def _parent(
    label: Found,
    tracked: Mapping[int, Found],
    expected: Mapping[int, LesionMask],
    limits: RelationLimits,
) -> int | None:
    """Return the lesion in which, or in whose expected place, most of a label lies, if that is enough."""
    shares = {
        lesion_id: max(
            common_voxels(label.mask, found.mask),
            common_voxels(label.mask, expected[lesion_id]) if lesion_id in expected else 0,
        )
        / label.measurements.voxels
        for lesion_id, found in sorted(tracked.items())
    }
    best = max(shares, key=lambda lesion_id: shares[lesion_id], default=None)
    return best if best is not None and shares[best] >= limits.shared else None


def common_voxels(first: LesionMask, second: LesionMask) -> int:
    """Return how many voxels of a scan two masks share."""
    common = first.box.intersection(second.box)
    if common is None:
        return 0
    return int(np.count_nonzero(_part(first, common) & _part(second, common)))


def _part(mask: LesionMask, block: Box) -> NDArray[np.bool_]:
    """Return the part of a mask in a block of the scan that its box holds."""
    z, y, x = (-n for n in mask.box.start)
    return mask.region[block.shifted((z, y, x)).slices] != 0


def _shared(one: Found, other: Found) -> float:
    smaller = min(one.measurements.voxels, other.measurements.voxels)
    return common_voxels(one.mask, other.mask) / smaller


def _compared(first: Mapping[int, Found], second: Mapping[int, Found]) -> Comparison:
    common = [[common_voxels(a.mask, b.mask) for b in second.values()] for a in first.values()]
    shape = (len(first), len(second))
    return Comparison(_instances(first), _instances(second), np.reshape(common, shape).astype(np.int64))


def _instances(lesions: Mapping[int, Found]) -> Instances:
    measured = [lesion.measurements for lesion in lesions.values()]
    centroids = np.array([m.centroid_lps_mm for m in measured], np.float64)
    voxels = np.array([m.voxels for m in measured], np.int64)
    return Instances(np.array(list(lesions), np.uint32), voxels, centroids.reshape(-1, 3))
