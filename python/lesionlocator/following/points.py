"""Tracking at points or boxes that a person has accepted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.following.methods import Carried, OnProgress, PairRun
from lesionlocator.geometry import Box
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.files import read_prompts
from lesionlocator.prompts.json_file import read_json_object
from lesionlocator.prompts.kinds import LesionPrompt, PromptKind, PromptSet
from lesionlocator.prompts.longitudinal import is_longitudinal, read_longitudinal
from lesionlocator.results.lesion import LesionMask, LesionResult, LesionStatus

if TYPE_CHECKING:
    from lesionlocator.following.origin import Origin
    from lesionlocator.geometry import Point, Shape
    from lesionlocator.io import Scan
    from lesionlocator.prompts.kinds import Kind
    from lesionlocator.segmentation import SegmentationModel
    from lesionlocator.segmentation.work import ScanWork
    from lesionlocator.tracking.field import DisplacementField

_STRUCK = "has no point in this follow-up"


def read_accepted(paths: Sequence[Path], followups: Sequence[str]) -> dict[str, PromptSet]:
    """Read what a person has accepted in each follow-up, by its name.

    Parameters
    ----------
    paths
        LongiSeg's tracking file, which holds points; or a prompt file for each follow-up, in order.
    followups
        Their names.

    Raises
    ------
    InputError
        Where a file cannot be used, an entry of it cannot, or a scan is none of the follow-ups.
    """
    if len(paths) == 1 and is_longitudinal(read_json_object(paths[0])):
        return _of_tracking_file(paths[0], followups)
    if len(paths) != len(followups):
        raise InputError(
            f"{', '.join(map(str, paths))}: {len(paths)} prompt files for {len(followups)} follow-ups; "
            "legal: one for each, in order, or one tracking file"
        )
    return {name: _of_prompt_file(path) for name, path in zip(followups, paths, strict=True)}


def _of_prompt_file(path: Path) -> PromptSet:
    file = read_prompts(path)
    if not isinstance(file, PromptFile):
        raise InputError(f"{path}: is a label map; legal: points or boxes")
    for lesion, reason in file.refused.items():
        raise InputError(f"{path}: lesion {lesion}: {reason}")
    for prompt in file.prompts:
        if prompt.box is not None and prompt.point is not None and not _holds(prompt.box, prompt.point):
            raise InputError(
                f"{path}: lesion {prompt.lesion_id}: its point lies outside its box, so that one of them was "
                "moved and the other was not; legal: move both, or remove one of them from all lesions"
            )
    return file.prompts


def _of_tracking_file(path: Path, followups: Sequence[str]) -> dict[str, PromptSet]:
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


def kind_of(accepted: Mapping[str, PromptSet]) -> PromptKind:
    """Return what prompts the model: boxes where all lesions have one, else points.

    Raises
    ------
    InputError
        Where neither is there for all lesions.
    """
    lacking: dict[PromptKind, str] = {}
    for kind in (PromptKind.BOX, PromptKind.POINT):
        without = [f"lesion {i} of {name}" for name, some in accepted.items() for i in some.select(kind)[1]]
        if not without:
            return kind
        lacking[kind] = without[0]
    raise InputError(
        f"{lacking[PromptKind.BOX]} has no box, and {lacking[PromptKind.POINT]} no point; legal: a box of "
        "each lesion, or a point of each"
    )


def _holds(box: Box, point: Point) -> bool:
    return all(a - 0.5 <= c <= b - 0.5 for a, c, b in zip(box.start, point, box.stop, strict=True))


class Points:
    """Points or boxes that a person has accepted, which prompt a segmentation model.

    Parameters
    ----------
    model
        The segmentation model.
    points
        Of each follow-up, by its name.
    canonical, step_size
        As for :meth:`lesionlocator.SegmentationModel.segment`.

    Raises
    ------
    InputError
        Where neither all lesions have a box nor all a point.
    """

    name = "points"

    def __init__(
        self,
        model: SegmentationModel,
        points: Mapping[str, PromptSet],
        *,
        canonical: bool | None = None,
        step_size: float = 0.5,
    ) -> None:
        prompted_by = kind_of(points)
        self.kind: Kind = prompted_by
        self.identity = model.identity(prompted_by)
        self.device = model.device
        self._model = model
        self._points = points
        self._prompted_by = prompted_by
        self._canonical = canonical
        self._step_size = step_size

    def load(self) -> None:
        """Load the networks."""
        self._model.ensemble(self._prompted_by)

    def pair(self, origin: Origin, followup: Scan) -> PairRun:
        """Return the work on the lesions of a scan."""

        def prepare(prompts: PromptSet) -> ScanWork:
            return self._model.prepare(
                followup,
                prompts,
                prompt_type=self._prompted_by,
                canonical=self._canonical,
                step_size=self._step_size,
                boxes_are_drawn=False,
            )

        return _PointsPair(prepare, followup.geometry.shape, self._points[followup.name])


class _PointsPair:
    def __init__(self, prepare: Callable[[PromptSet], ScanWork], shape: Shape, prompts: PromptSet) -> None:
        self.notes: tuple[str, ...] = ()
        self.seconds: dict[str, float] = {}
        self._prepare = prepare
        self._shape = shape
        self._prompts = prompts

    def places(self) -> dict[int, LesionMask]:
        found = {prompt.lesion_id: _place(prompt, self._shape) for prompt in self._prompts}
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
        work = self._prepare(chosen)
        self.notes += tuple(note for note in work.notes if note not in self.notes)
        for lesion in work.run(progress):
            yield Carried(lesion, places.get(lesion.lesion_id))


def _place(prompt: LesionPrompt, shape: Shape) -> LesionMask | None:
    """Return the voxels of a box, or the voxel of a point; None outside the scan."""
    box = prompt.box
    if box is None and prompt.point is not None:
        z, y, x = (round(value) for value in prompt.point)
        box = Box((z, y, x), (z + 1, y + 1, x + 1))
    inside = None if box is None else box.clipped(shape)
    if inside is None:
        return None
    ones = np.ones(inside.shape, np.uint8)
    return LesionMask(shape, inside, ones, ones.astype(np.float32))
