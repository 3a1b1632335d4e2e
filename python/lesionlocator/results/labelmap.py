"""One label map from the masks of many lesions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Box, Shape
    from lesionlocator.results.lesion import LesionMask


def merged(
    masks: Iterable[tuple[int, LesionMask]], shape: Shape
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], int]:
    """Return a label map and the number of voxels that more than one lesion claims.

    A contested voxel goes to the lesion with the higher logit, and so the higher probability; of equals,
    to the one that comes first.

    Parameters
    ----------
    masks
        Lesion ids (1 to 65535) and masks.
    shape
        Voxels of the scan, z, y, x.
    """
    found = list(masks)
    dtype = np.uint8 if all(lesion_id <= 255 for lesion_id, _ in found) else np.uint16
    labels: NDArray[Any] = np.zeros(shape, dtype)
    contested = np.zeros(shape, bool)
    for position, (lesion_id, mask) in enumerate(found):
        wins = mask.region > 0
        for _, earlier in found[:position]:
            common = mask.box.intersection(earlier.box)
            if common is not None:
                _settle(wins, mask, earlier, common, contested)
        labels[mask.box.slices][wins] = lesion_id
    return labels, int(np.count_nonzero(contested))


def _settle(
    wins: NDArray[np.bool_],
    mask: LesionMask,
    earlier: LesionMask,
    common: Box,
    contested: NDArray[np.bool_],
) -> None:
    """Take from ``wins`` the voxels of a common block that an earlier lesion holds no less surely."""
    here, there = _within(common, mask.box), _within(common, earlier.box)
    claimed = (mask.region[here] > 0) & (earlier.region[there] > 0)
    contested[common.slices] |= claimed
    wins[here] &= ~(claimed & (earlier.logits[there] >= mask.logits[here]))


def _within(block: Box, box: Box) -> tuple[slice, slice, slice]:
    z, y, x = (-n for n in box.start)
    return block.shifted((z, y, x)).slices
