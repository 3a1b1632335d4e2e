"""Whether the prompts of a file can be used on an image, said before any network runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lesionlocator.geometry import Geometry
from lesionlocator.io.dicom import DicomSource
from lesionlocator.io.masks import LabelMap
from lesionlocator.prompts.entries import PromptFile
from lesionlocator.prompts.files import read_prompts
from lesionlocator.prompts.kinds import PromptKind, check


@dataclass(frozen=True)
class Problem:
    """Why one entry of a prompt file, or the whole file (``lesion`` empty), cannot be used."""

    lesion: str
    reason: str


def validate(
    path: Path, image: Geometry, kind: PromptKind | None = None, *, source: DicomSource | None = None
) -> list[Problem]:
    """Say what is wrong with a prompt file (voxels) or label map for an image on a grid.

    Every lesion needs a prompt of ``kind``; where that is None, each prompt that is there is checked.

    Raises
    ------
    InputError
        Where the file cannot be read at all.
    """
    content = read_prompts(path, image, source=source)
    if isinstance(content, LabelMap):
        return _label_map(content, image)
    return _refused(content) + _unusable(content, image, kind)


def _label_map(mask: LabelMap, image: Geometry) -> list[Problem]:
    difference = mask.geometry.difference(image)
    if difference:
        return [Problem("", f"the mask is not on the image's grid: {difference}")]
    if not mask.labels.any():
        return [Problem("", "the mask holds no lesion: all its voxels are 0")]
    return []


def _refused(content: PromptFile) -> list[Problem]:
    found = [Problem(str(key), reason) for key, reason in content.refused.items()]
    if not found and not len(content.prompts):
        found = [Problem("", "the file holds no lesion")]
    return found


def _unusable(content: PromptFile, image: Geometry, kind: PromptKind | None) -> list[Problem]:
    problems = []
    for lesion in content.prompts:
        for prompt in [kind] if kind else PromptKind:
            target = lesion.get(prompt)
            reason = check(target, image.shape) if target is not None else None
            if reason:
                problems.append(Problem(str(lesion.lesion_id), reason))
    wrong = content.prompts.select(kind)[1] if kind else {}
    return problems + [Problem(str(lesion_id), reason) for lesion_id, reason in wrong.items()]
