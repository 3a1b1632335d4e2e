"""The way of the tracking networks: their registration, and their network at the lesions it carried over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.following.methods import LOST_IN_WARP, Carried, OnProgress, PairRun
from lesionlocator.following.origin import Origin
from lesionlocator.inference.segmenter import GridLogits
from lesionlocator.prompts.kinds import Kind, MaskKind
from lesionlocator.prompts.masks import GridMask
from lesionlocator.results.export import scan_mask
from lesionlocator.results.lesion import LesionMask
from lesionlocator.tracked_pair import TrackedLesion

if TYPE_CHECKING:
    from lesionlocator.io import Scan
    from lesionlocator.longitudinal import TrackingModel
    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.tracked_pair import PairWork
    from lesionlocator.tracking.field import DisplacementField


class Learned:
    """The tracking networks.

    Parameters
    ----------
    tracker
        The model.
    as_published
        As for :meth:`lesionlocator.longitudinal.TrackingModel.track_pair`.
    canonical
        As for :meth:`lesionlocator.longitudinal.TrackingModel.track_pair`.
    """

    name = "learned"

    def __init__(self, tracker: TrackingModel, *, as_published: bool, canonical: bool | None = None) -> None:
        self.kind: Kind = MaskKind.PREVIOUS
        self.identity = tracker.identity
        self.device = tracker.device
        self._tracker = tracker
        self._as_published = as_published
        self._canonical = canonical

    def load(self) -> None:
        """Load the networks."""
        _ = self._tracker.ensemble

    def pair(self, origin: Origin, followup: Scan) -> PairRun:
        """Return the work on the lesions of a scan."""
        work = self._tracker.prepare(
            origin.scan,
            followup,
            origin.prompts(),
            canonical=self._canonical,
            as_published=self._as_published,
        )
        return _LearnedPair(work)


class _LearnedPair:
    def __init__(self, work: PairWork) -> None:
        self._work = work

    @property
    def notes(self) -> tuple[str, ...]:
        return self._work.notes

    @property
    def seconds(self) -> Mapping[str, float]:
        return self._work.seconds

    def places(self) -> dict[int, LesionMask]:
        found = {i: _in_scan(mask, self._work.followup_grid) for i, mask in self._work.carry_over().items()}
        return {i: mask for i, mask in found.items() if mask is not None}

    def transform(self) -> DisplacementField | None:
        return self._work.registered().field()

    def run(self, progress: OnProgress, lesion_ids: Collection[int]) -> Iterator[Carried]:
        chosen = list(lesion_ids)
        for lesion in self._work.run(progress, only=chosen):
            if lesion.lesion_id not in chosen:
                continue
            if not isinstance(lesion, TrackedLesion):  # its prompt was refused
                yield Carried(lesion)
                continue
            marks = (LOST_IN_WARP,) if lesion.lost_in_warp else ()
            expected = None if lesion.warped is None else _in_scan(lesion.warped, self._work.followup_grid)
            yield Carried(replace(lesion, warnings=marks + lesion.warnings), expected)


def _in_scan(mask: GridMask, grid: ModelGrid) -> LesionMask | None:
    """Return a mask on the model grid in voxels of the scan.

    One that is too small for those is widened until it has a voxel.
    """
    for margin in range(4):
        block = mask.box.grown(margin + 2).clipped(grid.shape)
        if block is None:
            return None
        logits = np.full(block.shape, -1.0, np.float32)
        z, y, x = (-n for n in block.start)
        core = mask.box if margin == 0 else mask.box.grown(margin).clipped(grid.shape) or mask.box
        logits[core.shifted((z, y, x)).slices] = 1.0 if margin else mask.region * 2.0 - 1.0
        found = scan_mask(GridLogits(logits, block), grid)
        if found is not None:
            return LesionMask(found.shape, found.box, found.region, np.zeros(found.box.shape, np.float32))
    return None
