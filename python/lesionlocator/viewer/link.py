"""Where a place of one scan lies in another, so that their cursors go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lesionlocator.tracking.field import DisplacementField

_ROUNDS = 30
_TOLERANCE_MM = 0.05


@dataclass(frozen=True, eq=False)
class Link:
    """A map between the worlds of a baseline and a follow-up.

    Parameters
    ----------
    field
        Displacements from the follow-up to the baseline; None where the scans are not registered: a place
        then lies in both at the same LPS position.
    """

    field: DisplacementField | None = None

    def to_baseline(self, place: ArrayLike) -> NDArray[np.float64]:
        """Take a position in the follow-up, LPS mm ordered x, y, z, to the baseline.

        Beyond the field its nearest node counts.
        """
        here = np.asarray(place, np.float64)
        return here if self.field is None else here + self._displacement(self.field, here)

    def to_followup(self, place: ArrayLike) -> NDArray[np.float64]:
        """Take a position in the baseline, LPS mm ordered x, y, z, to the follow-up, by iteration."""
        goal = np.asarray(place, np.float64)
        found = goal.copy()
        for _ in range(_ROUNDS):
            missing = goal - self.to_baseline(found)
            found += missing
            if np.abs(missing).max() < _TOLERANCE_MM:
                break
        return found

    @staticmethod
    def _displacement(field: DisplacementField, place: NDArray[np.float64]) -> NDArray[Any]:
        """Interpolate trilinearly between the eight nodes around a place."""
        grid = field.geometry
        at = np.clip(grid.lps_to_voxel(place), 0, np.asarray(grid.shape) - 1)
        low = np.floor(at).astype(int)
        block = field.vectors[
            tuple(slice(a, min(a + 2, n)) for a, n in zip(low.tolist(), grid.shape, strict=True))
        ].astype(np.float64)
        for share in at - low:  # one axis after the other
            block = block[0] if len(block) == 1 else (1 - share) * block[0] + share * block[1]
        return block
