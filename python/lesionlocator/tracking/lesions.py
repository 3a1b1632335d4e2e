"""The lesions that a baseline is known to hold, checked and placed on its model grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.io import LabelMap
from lesionlocator.prompts.kinds import LARGEST_ID
from lesionlocator.prompts.masks import GridMask, mask_from_scan, masks_from_labels, too_few

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.preprocessing import ModelGrid


@dataclass(frozen=True)
class KnownLesions:
    """Lesions on a model grid.

    Parameters
    ----------
    masks
        By lesion id.
    refused
        Why others cannot be tracked, by lesion id.
    is_single
        Whether each lesion was given as a mask of its own.
    """

    masks: Mapping[int, GridMask]
    refused: Mapping[int, str]
    is_single: bool

    @classmethod
    def of_labels(cls, prompts: LabelMap, grid: ModelGrid) -> KnownLesions:
        """Return the lesions of a label map; where its only label is 1, each connected component.

        Raises
        ------
        InputError
            Where the map is empty or on another grid than the scan.
        """
        where, scan = prompts.path or "label map", grid.scan
        difference = prompts.geometry.difference(scan.geometry)
        if difference is not None:
            raise InputError(f"{where}: is not on the grid of {scan.path or scan.name}: {difference}")
        voxels = np.bincount(prompts.labels[prompts.labels > 0])
        labels = [int(label) for label in np.flatnonzero(voxels)]
        if not labels:
            raise InputError(f"{where}: holds no lesion, all labels are 0")
        masks = masks_from_labels(prompts.labels, grid)
        vanished = [] if labels == [1] and masks else [label for label in labels if label not in masks]
        return cls(masks, {label: too_few(int(voxels[label])) for label in vanished}, is_single=False)

    @classmethod
    def of_masks(cls, prompts: Mapping[int, NDArray[Any]], grid: ModelGrid) -> KnownLesions:
        """Return lesions given by arrays of the scan's shape, by id; every nonzero voxel counts.

        Raises
        ------
        InputError
            Where there are none, or one has an illegal id or another shape than the scan.
        """
        if not prompts:
            raise InputError("there is no lesion to track: no mask is given")
        masks, refused = {}, {}
        for lesion_id, mask in prompts.items():
            _check(lesion_id, mask, grid)
            placed = mask_from_scan((mask != 0).view(np.uint8), grid)
            if placed is None:
                voxels = int(np.count_nonzero(mask))
                refused[lesion_id] = too_few(voxels) if voxels else "its mask is empty"
            else:
                masks[lesion_id] = placed
        return cls(masks, refused, is_single=True)


def _check(lesion_id: int, mask: NDArray[Any], grid: ModelGrid) -> None:
    if not 1 <= lesion_id <= LARGEST_ID:
        raise InputError(f"lesion id is {lesion_id}, legal: 1 to {LARGEST_ID}")
    scan = grid.scan
    if mask.shape != scan.geometry.shape:
        raise InputError(
            f"lesion {lesion_id}: its mask has shape {mask.shape}, {scan.path or scan.name} has "
            f"{scan.geometry.shape} (z, y, x)"
        )
