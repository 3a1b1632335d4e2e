"""The pieces that a mask falls into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator import _core

if TYPE_CHECKING:
    from numpy.typing import NDArray


def instances(mask: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the 26-connected components of a mask (0 and 1), numbered by their first voxel."""
    numbered = np.zeros(mask.shape, np.uint32)
    _core.components_label(mask, numbered, connectivity=26)
    return numbered


def largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest 26-connected component of a mask; the mask where it is empty."""
    numbered = instances(mask.view(np.uint8))
    count = np.bincount(numbered.ravel())
    if len(count) <= 2:
        return mask
    count[0] = 0
    piece: NDArray[np.bool_] = numbered == np.argmax(count)
    return piece
