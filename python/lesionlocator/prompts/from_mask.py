"""Prompts from a mask: the box and the centroid of every lesion that a label map holds."""

from __future__ import annotations

from enum import Enum

from lesionlocator.errors import InputError
from lesionlocator.prompts.components import Labels, component_regions, regions
from lesionlocator.prompts.kinds import LesionPrompt, PromptSet


class MapKind(str, Enum):
    """What a label map's lesions are: its labels, or the connected components of its nonzero voxels."""

    INSTANCE = "instance"
    SEMANTIC = "semantic"


def prompts_from_mask(labels: Labels, kind: MapKind) -> PromptSet:
    """Return box and point of every lesion of a label map, in voxels (z, y, x), by ascending id.

    The lesions of a semantic map are the 26-connected components, numbered by their first voxel in raster
    order. The box is the smallest half-open box around the lesion, the point the mean of its voxels, which
    may lie beside a curved lesion.

    Raises
    ------
    InputError
        Where the map holds no lesion.
    """
    found = component_regions(labels) if kind is MapKind.SEMANTIC else regions(labels)
    if not found:
        raise InputError("the mask holds no lesion: all its voxels are 0")
    return PromptSet.of(LesionPrompt(region.label, region.box, region.centroid) for region in found)
