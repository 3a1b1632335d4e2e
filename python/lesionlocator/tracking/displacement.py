"""A smooth map from the follow-up to the baseline, as displacements on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box, Geometry
from lesionlocator.tracking.field import DisplacementField

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ROUNDS = 50
_TOLERANCE_MM = 1e-3


@dataclass(frozen=True, eq=False)
class DisplacementMap:
    """Where each place of the follow-up is in the baseline.

    Parameters
    ----------
    displacement
        LPS mm ordered x, y, z to add to a position in the follow-up, float64, shape (z, y, x, 3): trilinear
        between the nodes, and beyond them as at the nearest.
    origin
        Position of node (0, 0, 0) in LPS mm, ordered x, y, z.
    spacing
        Distance of nodes in mm.
    """

    displacement: NDArray[np.float64]
    origin: NDArray[np.float64]
    spacing: float

    def to_baseline(self, points: ArrayLike) -> NDArray[np.float64]:
        """Take positions in the follow-up, LPS mm, shape (..., 3) ordered x, y, z, to the baseline."""
        points = np.asarray(points, np.float64)
        return points + self._displaced(points.reshape(-1, 3)).reshape(points.shape)

    def to_followup(self, points: ArrayLike) -> NDArray[np.float64]:
        """Take positions in the baseline, LPS mm, shape (..., 3) ordered x, y, z, to the follow-up.

        The map is turned round by iteration, to a thousandth of a millimetre wherever it does not fold.
        """
        goal = np.asarray(points, np.float64)
        found = goal - self._mean
        for _ in range(_ROUNDS):
            missing = goal - self.to_baseline(found)
            found = found + missing
            if np.abs(missing).max(initial=0.0) < _TOLERANCE_MM:
                break
        return found

    def warp_mask(
        self, mask: NDArray[np.uint8], box: Box, baseline: Geometry, followup: Geometry
    ) -> tuple[Box, NDArray[np.uint8]] | None:
        """Take a lesion's mask to the follow-up, nearest neighbour.

        Parameters
        ----------
        mask
            0 and 1, of the shape of ``box``.
        box
            Block of the baseline that holds the lesion.
        baseline, followup
            The grids of both scans.

        Returns
        -------
        (Box, ndarray of uint8) or None
            The smallest block of the follow-up that holds the lesion, and its mask; None where it has no
            voxel there.
        """
        block = self._block(box, baseline, followup)
        if block is None:
            return None
        indices = np.moveaxis(np.indices(block.shape), 0, -1) + block.start
        positions = baseline.lps_to_voxel(self.to_baseline(followup.voxel_to_lps(indices)))
        nearest = np.floor(positions + 0.5).astype(np.int64) - box.start
        inside = np.all((nearest >= 0) & (nearest < mask.shape), axis=-1)
        warped = np.zeros(block.shape, np.uint8)
        z, y, x = nearest[inside].T
        warped[inside] = mask[z, y, x] != 0
        return _trimmed(warped, block)

    def field(self) -> DisplacementField:
        """Return the map in the form that other programs read."""
        z, y, x = self.displacement.shape[:3]
        origin = (float(self.origin[0]), float(self.origin[1]), float(self.origin[2]))
        return DisplacementField(self.displacement, Geometry((z, y, x), (self.spacing,) * 3, origin))

    @property
    def _mean(self) -> NDArray[np.float64]:
        return self.displacement.mean(axis=(0, 1, 2))

    def _displaced(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Interpolate the displacement at points, shape (n, 3)."""
        last = np.array(self.displacement.shape[:3]) - 1
        place = np.clip((points - self.origin)[:, ::-1] / self.spacing, 0, last)
        low = np.minimum(place.astype(np.int64), np.maximum(last - 1, 0))
        weight = place - low
        total = np.zeros_like(points)
        for corner in np.ndindex(2, 2, 2):
            share = np.where(corner, weight, 1 - weight).prod(axis=1)
            z, y, x = np.minimum(low + corner, last).T
            total += share[:, None] * self.displacement[z, y, x]
        return total

    def _block(self, box: Box, baseline: Geometry, followup: Geometry) -> Box | None:
        """Return the block of the follow-up in which a block of the baseline can lie."""
        steps = [np.linspace(a - 0.5, b - 0.5, 5) for a, b in zip(box.start, box.stop, strict=True)]
        nodes = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)
        places = followup.lps_to_voxel(self.to_followup(baseline.voxel_to_lps(nodes))).reshape(-1, 3)
        # Between the nodes the map may bulge by a part of their distance.
        margin = 1 + 0.1 * (places.max(axis=0) - places.min(axis=0))
        start = np.floor(places.min(axis=0) - margin).astype(int).tolist()
        stop = np.ceil(places.max(axis=0) + margin + 1).astype(int).tolist()
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])).clipped(followup.shape)


def _trimmed(mask: NDArray[np.uint8], block: Box) -> tuple[Box, NDArray[np.uint8]] | None:
    places = np.argwhere(mask)
    if not len(places):
        return None
    (z0, y0, x0), (z1, y1, x1) = places.min(axis=0).tolist(), (places.max(axis=0) + 1).tolist()
    inner = Box((z0, y0, x0), (z1, y1, x1))
    return inner.shifted(block.start), np.ascontiguousarray(mask[inner.slices])
