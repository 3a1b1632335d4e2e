"""Whether lesions of a follow-up were found under their own ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.tracking.matching import Comparison, Instances


@dataclass(frozen=True)
class TrackingScore:
    """How a lesion, or a group that has merged into one, was tracked.

    Parameters
    ----------
    ids
        Its label, or those of the group.
    distance_mm
        From its centroid to that of the prediction under the same ids; None where there is none.
    dice
        Of the two; 0 where there is no prediction.
    switched_to
        The other id whose prediction covers most of it; None where it is one of its own, or none covers it.
    """

    ids: tuple[int, ...]
    distance_mm: float | None
    dice: float
    switched_to: int | None

    def is_within(self, limit_mm: float) -> bool:
        """Whether the prediction's centroid lies no farther away than a limit."""
        return self.distance_mm is not None and self.distance_mm <= limit_mm


def score_tracking(
    compared: Comparison, groups: Sequence[Sequence[int]] = (), *, known: Collection[int] | None = None
) -> list[TrackingScore]:
    """Score every lesion of the truth (first) under its id.

    Parameters
    ----------
    compared
        Truth and prediction, with the same ids for the same lesions.
    groups
        Ids that have merged into one lesion: each group is scored as one, whichever of its ids stand in the
        truth or the prediction. A group without voxels in the truth is passed over.
    known
        Ids that the baseline has. Others are new at the follow-up: there was nothing to track, and they are
        passed over. None for all.

    Returns
    -------
    list of TrackingScore
        By ascending first id.

    Raises
    ------
    InputError
        Where a group has fewer than two ids, or an id occurs in two.
    """
    grouped = [identity for group in groups for identity in group]
    if len(set(grouped)) != len(grouped) or any(len(group) < 2 for group in groups):
        raise InputError(f"merged groups are {list(map(list, groups))}; legal: two ids or more, each id once")
    single = [(identity,) for identity in compared.first.ids.tolist() if identity not in grouped]
    units = sorted([*single, *(tuple(sorted(group)) for group in groups)])
    tracked = [ids for ids in units if known is None or not set(ids).isdisjoint(known)]
    return [_score(compared, ids) for ids in tracked if np.isin(compared.first.ids, ids).any()]


def _score(compared: Comparison, ids: tuple[int, ...]) -> TrackingScore:
    rows, columns = np.isin(compared.first.ids, ids), np.isin(compared.second.ids, ids)
    covered = compared.common[rows].sum(axis=0)
    switched = None
    if covered.any():
        # The largest share counts, of equal ones an own id's.
        largest = covered == covered.max()
        if not (largest & columns).any():
            switched = int(compared.second.ids[largest][0])
    if not columns.any():
        return TrackingScore(ids, None, 0.0, switched)
    common = int(covered[columns].sum())
    sizes = int(compared.first.voxels[rows].sum() + compared.second.voxels[columns].sum())
    apart = _centroid(compared.first, rows) - _centroid(compared.second, columns)
    return TrackingScore(ids, float(np.linalg.norm(apart)), 2 * common / sizes, switched)


def _centroid(instances: Instances, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    weights = instances.voxels[chosen].astype(np.float64)
    return np.average(instances.centroids_lps_mm[chosen], axis=0, weights=weights)
