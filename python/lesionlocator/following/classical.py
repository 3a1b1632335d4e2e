"""Tracking without tracking networks: a registration carries lesions over, which prompt a model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.following.evidence import LEAST_LEFT, remaining_share
from lesionlocator.following.fit import fitted
from lesionlocator.following.methods import LOST_IN_WARP, Carried, OnProgress, PairRun
from lesionlocator.geometry import Box
from lesionlocator.prompts.kinds import Kind, LesionPrompt, MaskKind, PromptKind, PromptSet
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus
from lesionlocator.tracked_pair import OUT_OF_VIEW, doubt
from lesionlocator.tracking.classical import LEAST_SIMILARITY, register

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.following.origin import Origin
    from lesionlocator.geometry import Geometry, Shape
    from lesionlocator.io import Scan
    from lesionlocator.segmentation import SegmentationModel
    from lesionlocator.segmentation.targets import Prompts
    from lesionlocator.segmentation.work import ScanWork
    from lesionlocator.tracking.displacement import DisplacementMap
    from lesionlocator.tracking.field import DisplacementField

_LOST = "the lesion vanished in the registration; it was looked for where its centroid falls"
_GONE = "the network answered, but nothing there looks like the lesion:"
_CUT_OFF = "less than half of its place is shown, which tells nothing of the lesion"
_LEAST_IN_VIEW = 0.5
_LARGER_MM = 3.0
"""How much farther a second box reaches on each side: as far as registration is usually off."""
_LARGER = (
    f"the network found it only in a box that reaches {_LARGER_MM:.0f} mm farther than registration expects"
)


class Classical:
    """A registration without networks, whose warped lesions prompt a segmentation model.

    They do as boxes and, where the model takes masks, as masks too; of two answers the larger counts.

    Parameters
    ----------
    model
        The segmentation model.
    canonical, step_size
        As for :meth:`lesionlocator.SegmentationModel.segment`.
    """

    name = "classical"

    def __init__(
        self, model: SegmentationModel, *, canonical: bool | None = None, step_size: float = 0.5
    ) -> None:
        self.kind: Kind = PromptKind.BOX
        self.identity = model.identity(PromptKind.BOX)
        self.device = model.device
        self._model = model
        self._canonical = canonical
        self._step_size = step_size

    def load(self) -> None:
        """Load the networks."""
        self._model.ensemble(PromptKind.BOX)

    def pair(self, origin: Origin, followup: Scan) -> PairRun:
        """Return the work on the lesions of a scan."""

        def prepare(prompts: Prompts, kind: Kind) -> ScanWork:
            return self._model.prepare(
                followup,
                prompts,
                prompt_type=kind,
                canonical=self._canonical,
                step_size=self._step_size,
                boxes_are_drawn=False,
            )

        return _ClassicalPair(prepare, origin, followup, takes_masks=self._model.takes_masks)


class _ClassicalPair:
    def __init__(
        self,
        prepare: Callable[[Prompts, Kind], ScanWork],
        origin: Origin,
        followup: Scan,
        *,
        takes_masks: bool,
    ) -> None:
        self.notes: tuple[str, ...] = ()
        self.seconds: dict[str, float] = {}
        self._doubts: tuple[str, ...] = ()
        self._prepare = prepare
        self._origin = origin
        self._followup = followup
        self._takes_masks = takes_masks

    def places(self) -> dict[int, LesionMask]:
        return self._registered[0]

    def transform(self) -> DisplacementField | None:
        return self._map.field()

    def run(self, progress: OnProgress, lesion_ids: Collection[int]) -> Iterator[Carried]:
        places, lost = self._registered
        seen = [i for i in lesion_ids if i in places and not self._is_cut_off(i, places[i])]
        for lesion_id in lesion_ids:
            if lesion_id not in seen:
                why = (OUT_OF_VIEW, _CUT_OFF) if lesion_id in places else (OUT_OF_VIEW,)
                yield Carried(LesionResult(lesion_id, LesionStatus.EMPTY, warnings=(*why, *self._doubts)))
        missed: dict[int, LesionResult] = {}
        for lesion in self._answered(progress, {i: places[i] for i in seen}):
            left = self._left(lesion.lesion_id, places[lesion.lesion_id])
            if lesion.status is LesionStatus.EMPTY and left is not None and left >= LEAST_LEFT:
                missed[lesion.lesion_id] = lesion  # although the scan shows it
            else:
                yield self._carried(believed(lesion, left), places, lost)
        larger_boxes = _boxes({i: self._larger(places[i].box) for i in missed})
        for lesion in self._segmented(progress, larger_boxes, PromptKind.BOX):
            told = missed[lesion.lesion_id]
            if lesion.found is not None:
                told = replace(lesion, warnings=(*lesion.warnings, _LARGER))
            yield self._carried(told, places, lost)

    def _answered(self, progress: OnProgress, places: Mapping[int, LesionMask]) -> Iterator[LesionResult]:
        """Let boxes prompt the network, and masks where it takes them."""
        masks = places if self._takes_masks else {}
        by_mask = {one.lesion_id: one for one in self._segmented(progress, masks, MaskKind.PREVIOUS)}
        boxes = _boxes({i: place.box for i, place in places.items()})
        for lesion in self._segmented(progress, boxes, PromptKind.BOX):
            other = by_mask.get(lesion.lesion_id)
            yield lesion if other is None else larger(lesion, other)

    def _segmented(self, progress: OnProgress, prompts: Prompts, kind: Kind) -> Iterator[LesionResult]:
        """Prompt the network, where there is anything to ask for."""
        if prompts:
            work = self._prepare(prompts, kind)
            self.notes += tuple(note for note in work.notes if note not in self.notes)
            yield from work.run(progress)

    def _carried(
        self, lesion: LesionResult, places: Mapping[int, LesionMask], lost: Collection[int]
    ) -> Carried:
        marks = (LOST_IN_WARP, _LOST) if lesion.lesion_id in lost else ()
        told = (*marks, *lesion.warnings, *self._doubts)
        return Carried(replace(lesion, warnings=told), places[lesion.lesion_id])

    def _larger(self, box: Box) -> Box:
        """Return a box that reaches farther, within the follow-up."""
        here = self._followup.geometry
        z, y, x = (max(1, round(_LARGER_MM / mm)) for mm in here.spacing)
        (z0, y0, x0), (z1, y1, x1) = box.start, box.stop
        return Box((z0 - z, y0 - y, x0 - x), (z1 + z, y1 + y, x1 + x)).clipped(here.shape) or box

    def _is_cut_off(self, lesion_id: int, place: LesionMask) -> bool:
        before, here = self._origin.masks[lesion_id], self._origin.scan.geometry
        return is_cut_off(place, self._followup.geometry, before, here)

    def _left(self, lesion_id: int, place: LesionMask) -> float | None:
        """Return which share of a lesion the follow-up shows at most; None where that cannot be told."""
        appearances = self._origin.appearances(lesion_id)
        shares = [remaining_share(appearance, self._followup, place) for appearance in appearances]
        return max((share for share in shares if share is not None), default=None)

    @cached_property
    def _map(self) -> DisplacementMap:
        started = perf_counter()
        registration = register(self._origin.scan, self._followup)
        self.notes += registration.warnings
        if registration.is_doubtful:
            self._doubts = (doubt(self._origin.scan.name, registration.similarity, LEAST_SIMILARITY),)
        self.seconds["registration"] = perf_counter() - started
        return registration.map

    @cached_property
    def _registered(self) -> tuple[dict[int, LesionMask], set[int]]:
        """Where lesions lie in the follow-up, and which of them are known by their centroid only."""
        return self._carry_over(self._map)

    def _carry_over(self, way: DisplacementMap) -> tuple[dict[int, LesionMask], set[int]]:
        """Return where lesions lie in the follow-up, and which of them are known by their centroid only."""
        here, there = self._origin.scan.geometry, self._followup.geometry
        places, lost = {}, set()
        for lesion_id, mask in self._origin.masks.items():
            warped = way.warp_mask(mask.region, mask.box, here, there)
            if warped is None:
                centroid = np.argwhere(mask.region).mean(axis=0) + mask.box.start
                voxel = there.lps_to_voxel(way.to_followup(here.voxel_to_lps(centroid)))
                warped = _one_voxel(voxel, there.shape)
                lost.add(lesion_id)
            if warped is not None:
                box, region = warped
                place = LesionMask(there.shape, box, region, np.zeros(box.shape, np.float32))
                appearances = () if self._doubts else self._origin.appearances(lesion_id)
                places[lesion_id] = fitted(appearances[-1], self._followup, place) if appearances else place
        return places, lost


def larger(lesion: LesionResult, other: LesionResult) -> LesionResult:
    """Return a lesion as that of two prompts shows it that found more of it.

    A network that believes a prompt which is too small misses what grew. The time is that of both.
    """
    stages = {**lesion.seconds, **other.seconds}
    seconds = {stage: lesion.seconds.get(stage, 0.0) + other.seconds.get(stage, 0.0) for stage in stages}
    if other.found is None or (lesion.found is not None and lesion.found.voxels >= other.found.voxels):
        return replace(lesion, seconds=seconds)
    return replace(lesion, status=other.status, found=other.found, warnings=other.warnings, seconds=seconds)


def believed(lesion: LesionResult, left: float | None) -> LesionResult:
    """Return a lesion; as not found where the follow-up shows too little of what it was.

    Parameters
    ----------
    lesion
        What the network found.
    left
        Which share of the lesion the follow-up shows; None where that cannot be told.
    """
    if lesion.found is None or left is None or left >= LEAST_LEFT:
        return lesion
    told = f"{_GONE} {max(left, 0):.0%} of what stood out is left"
    return replace(lesion, status=LesionStatus.EMPTY, found=None, warnings=(*lesion.warnings, told))


def is_cut_off(place: LesionMask, there: Geometry, before: LesionMask, here: Geometry) -> bool:
    """Say whether a scan ends where a lesion is expected, and shows less than half of its volume.

    Parameters
    ----------
    place, there
        Where the lesion is expected, and the grid of that scan.
    before, here
        The lesion, and the grid of the scan that it comes from.
    """
    at_the_end = 0 in place.box.start or any(
        stop == size for stop, size in zip(place.box.stop, there.shape, strict=True)
    )
    shown = place.voxels * np.prod(there.spacing)
    return at_the_end and bool(shown < _LEAST_IN_VIEW * before.voxels * np.prod(here.spacing))


def _boxes(boxes: Mapping[int, Box]) -> PromptSet:
    return PromptSet.of(LesionPrompt(i, box) for i, box in boxes.items())


def _one_voxel(place: NDArray[np.float64], shape: Shape) -> tuple[Box, NDArray[np.uint8]] | None:
    """Return the voxel at a place; None where the scan does not show it."""
    z, y, x = np.floor(place + 0.5).astype(int).tolist()
    voxel = Box((z, y, x), (z + 1, y + 1, x + 1)).clipped(shape)
    return None if voxel is None else (voxel, np.ones((1, 1, 1), np.uint8))
