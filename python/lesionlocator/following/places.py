"""On which scan of a patient each lesion was last known, and from where it is tracked on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.following.origin import Origin

if TYPE_CHECKING:
    from lesionlocator.following.methods import Carried, Method, PairRun
    from lesionlocator.io import Scan


class KnownPlaces:
    """The scans on which lesions are known, of which only those in use are kept.

    Parameters
    ----------
    baseline
        The lesions of the baseline.
    from_previous
        Whether a lesion is tracked from where it was last found, or always from the baseline. A lesion that
        was not found is tracked from where it was looked for.
    """

    def __init__(self, baseline: Origin, *, from_previous: bool) -> None:
        self._from_previous = from_previous
        self._origin_of = dict.fromkeys(baseline.masks, baseline)
        self._examined = [baseline]

    @property
    def lesion_ids(self) -> list[int]:
        """All lesions that are tracked."""
        return list(self._origin_of)

    @property
    def scan_names(self) -> list[str]:
        """The scans from which lesions are tracked on."""
        return [origin.scan.name for origin in self.origins]

    def pairs(
        self, method: Method, followup: Scan, lesion_ids: Collection[int]
    ) -> Iterator[tuple[Scan, PairRun, list[int]]]:
        """Return each scan on which some of these lesions are known, the work on it, and their ids."""
        for origin in self.origins:
            ids = [i for i, known in self._origin_of.items() if known is origin and i in lesion_ids]
            if ids:
                yield origin.scan, method.pair(origin, followup), ids

    def repeated(self, followup: Scan) -> list[str]:
        """Return a note for each scan that a follow-up repeats voxel by voxel."""
        return [
            f"is voxel by voxel {origin.scan.name}: the same scan under another name?"
            for origin in self.origins
            if np.array_equal(origin.scan.voxels, followup.voxels)
        ]

    def move(self, followup: Scan, carried: Mapping[int, Carried]) -> None:
        """Track lesions on from a follow-up, where it shows their place."""
        if not self._from_previous:
            return
        places = {i: one.last_known for i, one in carried.items() if i in self._origin_of}
        masks = {i: mask for i, mask in places.items() if mask is not None}
        missed = frozenset(i for i in masks if carried[i].lesion.found is None)
        appearances = {i: self._origin_of[i].appearances(i) for i in masks}
        earlier = {i: seen if i in missed else seen[:1] for i, seen in appearances.items()}
        origin = Origin(followup, masks, earlier=earlier, missed=missed)
        self._origin_of |= dict.fromkeys(masks, origin)
        self._examined = [*self.origins, *([origin] if masks else [])]

    @property
    def origins(self) -> list[Origin]:
        """The scans in use, in the order of the patient's examinations."""
        return [origin for origin in self._examined if origin in self._origin_of.values()]
