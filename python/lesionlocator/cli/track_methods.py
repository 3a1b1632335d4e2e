"""What the two ways of tracking have in common, and the way of the tracking networks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lesionlocator.cli.track_baseline import FullMasks, Origin
from lesionlocator.geometry import Box
from lesionlocator.inference.segmenter import GridLogits
from lesionlocator.results.export import scan_mask
from lesionlocator.results.lesion import LesionMask, LesionResult
from lesionlocator.tracked_pair import TrackedLesion
from lesionlocator.tracking.masks import GridMask, MaskKind

if TYPE_CHECKING:
    from lesionlocator.inference.device import DeviceChoice
    from lesionlocator.io import Scan
    from lesionlocator.longitudinal import Tracker
    from lesionlocator.preprocessing import ModelGrid
    from lesionlocator.progress import Progress
    from lesionlocator.prompts.kinds import PromptKind
    from lesionlocator.results.provenance import ModelIdentity
    from lesionlocator.tracked_pair import PairWork

LOST_IN_WARP = "lost_in_warp"
"""Marks a lesion that vanished in the registration, in its warnings."""

OnProgress = Callable[["Progress"], None]


@dataclass(frozen=True)
class Carried:
    """What became of a lesion in a follow-up, and where registration took it.

    Parameters
    ----------
    lesion
        What became of it.
    expected
        Where it was looked for, in voxels of the scan; None where it was not.
    """

    lesion: LesionResult
    expected: LesionMask | None = None

    @property
    def in_view(self) -> bool:
        """Whether the follow-up shows its place."""
        return self.last_known is not None

    @property
    def last_known(self) -> LesionMask | None:
        """Where it was found, or else looked for."""
        return self.lesion.found or self.expected


class PairRun(Protocol):
    """Lesions on their way from one scan to another."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the pair; complete after the run."""

    @property
    def seconds(self) -> Mapping[str, float]:
        """Time that the pair took beside its lesions; complete after the run."""

    def places(self) -> dict[int, LesionMask]:
        """Return where the lesions are expected in the follow-up, without segmenting them."""

    def run(self, progress: OnProgress) -> Iterator[Carried]:
        """Track lesion after lesion."""


class Method(Protocol):
    """A way of tracking."""

    @property
    def name(self) -> str:
        """``learned`` or ``classical``."""

    @property
    def kind(self) -> MaskKind | PromptKind:
        """What the network in use is prompted with."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""

    @property
    def device(self) -> DeviceChoice:
        """Where it runs."""

    def load(self) -> None:
        """Load the networks."""

    def pair(self, origin: Origin, followup: Scan, lesion_ids: Collection[int]) -> PairRun:
        """Return the work on some of the lesions of a scan."""


class Learned:
    """The tracking networks.

    Parameters
    ----------
    tracker
        The model.
    as_published
        As for :meth:`lesionlocator.Tracker.track_pair`.
    canonical
        As for :meth:`lesionlocator.Tracker.track_pair`.
    """

    name = "learned"

    def __init__(self, tracker: Tracker, *, as_published: bool, canonical: bool | None = None) -> None:
        self.kind: MaskKind | PromptKind = MaskKind.PREVIOUS
        self.identity = tracker.identity
        self.device = tracker.device
        self._tracker = tracker
        self._as_published = as_published
        self._canonical = canonical

    def load(self) -> None:
        """Load the networks."""
        _ = self._tracker.ensemble

    def pair(self, origin: Origin, followup: Scan, lesion_ids: Collection[int]) -> PairRun:
        """Return the work on some of the lesions of a scan."""
        prompts = FullMasks(origin.masks) if origin.labels is None else origin.labels
        work = self._tracker.prepare(
            origin.scan, followup, prompts, canonical=self._canonical, as_published=self._as_published
        )
        return _LearnedPair(work, list(lesion_ids))


class _LearnedPair:
    def __init__(self, work: PairWork, lesion_ids: list[int]) -> None:
        self._work = work
        self._ids = lesion_ids

    @property
    def notes(self) -> tuple[str, ...]:
        return self._work.notes

    @property
    def seconds(self) -> Mapping[str, float]:
        return self._work.seconds

    def places(self) -> dict[int, LesionMask]:
        carried = self._work.carry_over()
        found = {i: _in_scan(carried[i], self._work.followup_grid) for i in self._ids if i in carried}
        return {i: mask for i, mask in found.items() if mask is not None}

    def run(self, progress: OnProgress) -> Iterator[Carried]:
        for lesion in self._work.run(progress, only=self._ids):
            if lesion.lesion_id not in self._ids:
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
        block = _grown(mask.box, margin + 2).clipped(grid.shape)
        if block is None:
            return None
        logits = np.full(block.shape, -1.0, np.float32)
        z, y, x = (-n for n in block.start)
        core = mask.box if margin == 0 else _grown(mask.box, margin).clipped(grid.shape) or mask.box
        logits[core.shifted((z, y, x)).slices] = 1.0 if margin else mask.region * 2.0 - 1.0
        found = scan_mask(GridLogits(logits, block), grid)
        if found is not None:
            return LesionMask(found.shape, found.box, found.region, np.zeros(found.box.shape, np.float32))
    return None


def _grown(box: Box, by: int) -> Box:
    (z0, y0, x0), (z1, y1, x1) = box.start, box.stop
    return Box((z0 - by, y0 - by, x0 - by), (z1 + by, y1 + by, x1 + by))
