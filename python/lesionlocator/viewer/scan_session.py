"""One scan and the lesions that a person points at in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lesionlocator.errors import InputError, PromptError
from lesionlocator.geometry import Box
from lesionlocator.prompts.kinds import LesionPrompt, PromptKind, PromptSet, check
from lesionlocator.results.segmentation import Segmentation
from lesionlocator.viewer.lesions import LesionList

if TYPE_CHECKING:
    from lesionlocator.geometry import Point
    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask, LesionResult
    from lesionlocator.viewer.jobs import OnProgress
    from lesionlocator.viewer.models import Models


class ScanSession:
    """The work on one scan.

    Parameters
    ----------
    scan
        The scan.
    models
        What segments.
    series
        The DICOM series that was asked for, if one was.
    given
        Masks of lesions that are known already, by id.
    """

    def __init__(
        self,
        scan: Scan,
        models: Models,
        *,
        series: str | None = None,
        given: Mapping[int, LesionMask] | None = None,
    ) -> None:
        self.scan = scan
        self.series = series
        self.lesions = LesionList(given)
        self._models = models
        self._saved_version = 0

    @property
    def is_saved(self) -> bool:
        """Whether nothing would be lost if the scan was closed."""
        return self.lesions.version == self._saved_version and self.lesions.candidate is None

    def saved(self) -> None:
        """Note that what is accepted has been written."""
        self._saved_version = self.lesions.version

    def at_point(self, point: Point) -> LesionPrompt:
        """Return the prompt of a click.

        Parameters
        ----------
        point
            In voxels of the scan as stored, z, y, x.

        Raises
        ------
        PromptError
            Where it lies outside the scan.
        """
        return self._checked(LesionPrompt(self.lesions.free_id, point=point))

    def in_box(self, box: Box) -> LesionPrompt:
        """Return the prompt of a box that was drawn, in voxels of the scan as stored.

        Raises
        ------
        PromptError
            Where it shares no voxel with the scan.
        """
        return self._checked(LesionPrompt(self.lesions.free_id, box))

    def segment(self, prompt: LesionPrompt, progress: OnProgress | None = None) -> LesionResult:
        """Segment the lesion at a prompt; nothing of the session changes, so that it may run in a thread.

        Raises
        ------
        LesionLocatorError
            Where the model cannot be used, refuses the prompt or finds nothing.
        """
        kind = PromptKind.POINT if prompt.box is None else PromptKind.BOX
        done = self._models.segmenter.segment(
            self.scan,
            PromptSet.of([prompt]),
            prompt_type=kind,
            canonical=self._models.choice.canonical,
            step_size=self._models.choice.step_size,
            progress=progress,
        )
        lesion = done.lesions[prompt.lesion_id]
        if lesion.found is None:
            raise PromptError(f"lesion {prompt.lesion_id}: {'; '.join(lesion.warnings)}")
        return replace(lesion, kind=kind)

    def segmentation(self) -> Segmentation:
        """Return the accepted lesions as ``segment`` has them.

        Raises
        ------
        InputError
            Where none is accepted.
        """
        lesions = self.lesions.accepted
        if not lesions:
            raise InputError(f"{self.scan.name}: no lesion is accepted")
        kinds = sorted({lesion.kind for lesion in lesions.values() if lesion.kind is not None})
        kind = kinds[0] if kinds else PromptKind.BOX
        other = self._models.segmenter.identity(kinds[1]) if len(kinds) > 1 else None
        told = {i: replace(one, kind=None) if one.kind is kind else one for i, one in lesions.items()}
        model = self._models.segmenter.identity(kind)
        return Segmentation(self.scan, kind, told, {}, (), model, other)

    def _checked(self, prompt: LesionPrompt) -> LesionPrompt:
        target = prompt.point if prompt.box is None else prompt.box
        problem = None if target is None else check(target, self.scan.geometry.shape)
        if problem is not None:
            raise PromptError(problem)
        return prompt
