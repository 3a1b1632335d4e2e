"""A lesion's mask on the scan's grid, kept as the small block that holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Box, Shape
    from lesionlocator.prompts.kinds import LesionPrompt, PromptKind


class LesionStatus(str, Enum):
    """What became of a lesion's prompt."""

    SEGMENTED = "segmented"
    EMPTY = "empty"
    REFUSED = "refused"


@dataclass(frozen=True)
class LesionMask:
    """The voxels of one lesion.

    Parameters
    ----------
    shape
        Voxels of the scan as stored, z, y, x.
    box
        Block of the scan that holds all of the lesion.
    region
        uint8 of the box's shape: 1 in the lesion, else 0.
    logits
        float32 of the box's shape: lesion minus background logit; above 0 in the lesion.
    """

    shape: Shape
    box: Box
    region: NDArray[np.uint8]
    logits: NDArray[np.float32]

    @property
    def voxels(self) -> int:
        """Number of voxels in the lesion."""
        return int(np.count_nonzero(self.region))

    def full(self) -> NDArray[np.uint8]:
        """Return a new uint8 array of the scan's shape."""
        mask = np.zeros(self.shape, np.uint8)
        mask[self.box.slices] = self.region
        return mask


@dataclass(frozen=True)
class LesionResult:
    """What a prompt led to.

    Parameters
    ----------
    lesion_id
        As given in the prompts.
    status
        ``segmented``; ``empty`` where the network found nothing; ``refused`` where the prompt is unusable.
    prompt
        The prompt in scan voxels; None where a label map is the prompt or the entry could not be read.
    target
        The box, the centre of the ball, or the box around the mask, on the model grid; None where the prompt
        was refused.
    found
        The mask; None unless segmented.
    warnings
        What its user should know, such as why it was refused.
    seconds
        What it took, by stage: ``prepare``, ``network``, ``export``.
    kind
        Which of its prompts was used, where that is not the one of its case.
    """

    lesion_id: int
    status: LesionStatus
    prompt: LesionPrompt | None = None
    target: Box | Shape | None = None
    found: LesionMask | None = None
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
    kind: PromptKind | None = None

    @property
    def mask(self) -> NDArray[np.uint8] | None:
        """The mask as a new array of the scan's shape, 1 in the lesion; None unless segmented."""
        return None if self.found is None else self.found.full()


def share_voxel(one: LesionMask, other: LesionMask) -> bool:
    """Whether two lesions share a voxel."""
    common = one.box.intersection(other.box)
    if common is None:
        return False
    parts = []
    for mask in (one, other):
        z, y, x = (-n for n in mask.box.start)
        parts.append(mask.region[common.shifted((z, y, x)).slices])
    return bool(np.any((parts[0] > 0) & (parts[1] > 0)))
