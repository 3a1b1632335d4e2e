"""Tracking that a person has a say in: points are proposed, edited, and then segmented."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.following.methods import Carried, OnProgress, PairRun
from lesionlocator.geometry import Box
from lesionlocator.io import read_scan
from lesionlocator.prompts.kinds import LesionPrompt, PromptKind, PromptSet
from lesionlocator.prompts.longitudinal import FollowedLesion, Pair, read_longitudinal, write_longitudinal
from lesionlocator.prompts.published import write_published
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus

if TYPE_CHECKING:
    from lesionlocator.cli.reporter import Reporter
    from lesionlocator.cli.track_plan import Plan
    from lesionlocator.following.methods import Method
    from lesionlocator.following.origin import Origin
    from lesionlocator.geometry import Point, Shape
    from lesionlocator.io import Scan
    from lesionlocator.segmentation import SegmentationModel
    from lesionlocator.tracking.field import DisplacementField
    from lesionlocator.tracking.masks import MaskKind

PROPOSED = "proposed.json"
_STRUCK = "has no point in this follow-up"


def propose(origin: Origin, plan: Plan, method: Method, folder: Path, reporter: Reporter) -> Path:
    """Write where registration puts each lesion of a baseline in each follow-up.

    ``proposed.json`` is LongiSeg's tracking file, with points; ``<followup>_proposed.json`` is a prompt file
    in the published format, with points and boxes.

    Raises
    ------
    LesionLocatorError
        Where a follow-up cannot be used, or the file cannot be written.
    """
    pairs: list[Pair] = []
    for path, series in zip(plan.followups, plan.series, strict=True):
        followup = read_scan(path, series=series)
        reporter.stage(f"{followup.name}: registering {origin.scan.name}")
        pair = method.pair(origin, followup)
        places = pair.places()
        for note in pair.notes:
            reporter.warning(followup.name, note)
        for lesion_id in origin.masks.keys() - places.keys():
            reporter.warning(followup.name, f"lesion {lesion_id} lies outside what the follow-up shows")
        pairs.append(
            tuple(
                FollowedLesion(i, origin.scan.name, followup.name, _centroid(mask), _centroid(places.get(i)))
                for i, mask in sorted(origin.masks.items())
            )
        )
        proposals = [LesionPrompt(i, place.box, _centroid(place)) for i, place in sorted(places.items())]
        write_published(PromptSet.of(proposals), folder / f"{followup.name}_proposed.json")
    file = folder / PROPOSED
    write_longitudinal({origin.scan.name: pairs}, file)
    return file


def read_points(path: Path, followups: Collection[str]) -> dict[str, PromptSet]:
    """Read the accepted points of each follow-up, by its name.

    Raises
    ------
    InputError
        Where the file is no tracking file of one patient, an entry cannot be used, or a scan is none of the
        follow-ups.
    """
    file = read_longitudinal(path)
    if len(file.patients) != 1:
        raise InputError(f"{path}: holds {len(file.patients)} patients; legal: one")
    for where, reason in file.refused.items():
        raise InputError(f"{path}: {where}: {reason}")
    lesions = [lesion for pair in next(iter(file.patients.values())) for lesion in pair]
    points: dict[str, list[LesionPrompt]] = {name: [] for name in followups}
    for lesion in lesions:
        if lesion.followup not in points:
            raise InputError(
                f"{path}: lesion {lesion.lesion_id}: {lesion.followup!r} is no follow-up; there are: "
                f"{', '.join(followups)}"
            )
        if lesion.accepted is not None:
            points[lesion.followup].append(LesionPrompt(lesion.lesion_id, point=lesion.accepted))
    return {name: PromptSet.of(prompts) for name, prompts in points.items()}


class Points:
    """Points that a person has accepted, which prompt a segmentation model.

    Parameters
    ----------
    model
        The segmentation model.
    points
        Of each follow-up, by its name.
    canonical
        As for :meth:`lesionlocator.SegmentationModel.segment`.
    """

    name = "points"

    def __init__(
        self, model: SegmentationModel, points: Mapping[str, PromptSet], *, canonical: bool | None = None
    ) -> None:
        self.kind: MaskKind | PromptKind = PromptKind.POINT
        self.identity = model.identity(PromptKind.POINT)
        self.device = model.device
        self._model = model
        self._points = points
        self._canonical = canonical

    def load(self) -> None:
        """Load the networks."""
        self._model.ensemble(PromptKind.POINT)

    def pair(self, origin: Origin, followup: Scan) -> PairRun:
        """Return the work on the lesions of a scan."""
        return _PointsPair(self._model, followup, self._points[followup.name], canonical=self._canonical)


class _PointsPair:
    def __init__(
        self, model: SegmentationModel, followup: Scan, prompts: PromptSet, *, canonical: bool | None
    ) -> None:
        self.notes: tuple[str, ...] = ()
        self.seconds: dict[str, float] = {}
        self._model = model
        self._followup = followup
        self._canonical = canonical
        self._prompts = prompts

    def places(self) -> dict[int, LesionMask]:
        shape = self._followup.geometry.shape
        found = {prompt.lesion_id: _voxel(prompt.point, shape) for prompt in self._prompts}
        return {i: mask for i, mask in found.items() if mask is not None}

    def transform(self) -> DisplacementField | None:
        return None

    def run(self, progress: OnProgress, lesion_ids: Collection[int]) -> Iterator[Carried]:
        for lesion_id in lesion_ids:
            if lesion_id not in self._prompts.ids:
                yield Carried(LesionResult(lesion_id, LesionStatus.REFUSED, warnings=(_STRUCK,)))
        chosen = PromptSet.of(prompt for prompt in self._prompts if prompt.lesion_id in lesion_ids)
        if not len(chosen):
            return
        places = self.places()
        work = self._model.prepare(
            self._followup, chosen, prompt_type=PromptKind.POINT, canonical=self._canonical
        )
        self.notes += tuple(note for note in work.notes if note not in self.notes)
        for lesion in work.run(progress):
            yield Carried(lesion, places.get(lesion.lesion_id))


def _centroid(mask: LesionMask | None) -> Point | None:
    if mask is None:
        return None
    z, y, x = (np.argwhere(mask.region).mean(axis=0) + mask.box.start).tolist()
    return z, y, x


def _voxel(point: Point | None, shape: Shape) -> LesionMask | None:
    if point is None:
        return None
    z, y, x = (round(value) for value in point)
    box = Box((z, y, x), (z + 1, y + 1, x + 1)).clipped(shape)
    ones = np.ones((1, 1, 1), np.uint8)
    return None if box is None else LesionMask(shape, box, ones, ones.astype(np.float32))
