"""Tracking at points that a person has accepted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.following.methods import Carried, OnProgress, PairRun
from lesionlocator.geometry import Box
from lesionlocator.prompts.kinds import LesionPrompt, PromptKind, PromptSet
from lesionlocator.prompts.longitudinal import read_longitudinal
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus

if TYPE_CHECKING:
    from lesionlocator.following.origin import Origin
    from lesionlocator.geometry import Point, Shape
    from lesionlocator.io import Scan
    from lesionlocator.segmentation import SegmentationModel
    from lesionlocator.tracking.field import DisplacementField
    from lesionlocator.tracking.masks import MaskKind

_STRUCK = "has no point in this follow-up"


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


def _voxel(point: Point | None, shape: Shape) -> LesionMask | None:
    if point is None:
        return None
    z, y, x = (round(value) for value in point)
    box = Box((z, y, x), (z + 1, y + 1, x + 1)).clipped(shape)
    ones = np.ones((1, 1, 1), np.uint8)
    return None if box is None else LesionMask(shape, box, ones, ones.astype(np.float32))
