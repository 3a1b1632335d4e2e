"""In which patches, of which spacing, the built-in model sees which lesions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lesionlocator.geometry import Shape, Triple
from lesionlocator.model.plans import CONFIGURATION, Plans
from lesionlocator.prompts.kinds import Kind, PromptKind
from lesionlocator.training.checkpoint import plans
from lesionlocator.training.recipe import FINE_SPACING_MM, PATCH, SMALL_PATCHES, SPACING_MM

_SMALLEST_MM, _LARGEST_MM = 3.0, 60.0
_POINTS_OF_ANY_SIZE = 0.5
_LARGEST, _SMALLEST_OF_BOXES, _SMALLEST = 0.8, 0.4, 0.25
"""Largest lesion as a fraction of its patch, and smallest as a fraction of the next smaller patch."""


@dataclass(frozen=True)
class ShownPatch:
    """A patch that the network sees.

    Parameters
    ----------
    patch, spacing
        Voxels, and mm between them, along z, y, x.
    next_smaller_mm
        Side of the next smaller patch that prompts can choose; 0 for none.
    count, share
        How many make a step of a process, and how often.
    """

    patch: Shape
    spacing: Triple
    next_smaller_mm: float
    count: int
    share: float

    @property
    def extent_mm(self) -> NDArray[np.float64]:
        """What the patch covers, mm."""
        return np.multiply(self.patch, self.spacing)

    def diameters_mm(self, rng: np.random.Generator, kind: Kind) -> tuple[float, float]:
        """Return a range of lesions that are seen in such a patch with a kind of prompt.

        A point does not say how large a lesion is: some are of lesions that do not fit the patch.
        """
        largest = min(_LARGEST_MM, _LARGEST * float(self.extent_mm.min()))
        if kind is PromptKind.POINT and self.patch == PATCH:
            return _SMALLEST_MM, largest
        if kind is PromptKind.POINT and rng.random() < _POINTS_OF_ANY_SIZE:
            return _SMALLEST_MM, _LARGEST_MM
        share = _SMALLEST_OF_BOXES if kind is PromptKind.BOX else _SMALLEST
        return max(_SMALLEST_MM, share * self.next_smaller_mm), largest

    @cached_property
    def plans(self) -> Plans:
        """The model's plans on a grid of this spacing."""
        content = plans()
        content["configurations"][CONFIGURATION]["spacing"] = list(self.spacing)
        return Plans.parse(content, "recipe")


SHOWN_PATCHES = (
    ShownPatch(SMALL_PATCHES[0], FINE_SPACING_MM, 0.0, 8, 0.34),
    ShownPatch(SMALL_PATCHES[1], FINE_SPACING_MM, 18.0, 4, 0.16),
    ShownPatch(SMALL_PATCHES[0], SPACING_MM, 24.0, 8, 0.12),
    ShownPatch(SMALL_PATCHES[1], SPACING_MM, 36.0, 4, 0.14),
    ShownPatch(PATCH, SPACING_MM, 48.0, 2, 0.24),
)
"""What training shows, the smallest first."""
