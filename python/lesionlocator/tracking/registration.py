"""Where each place of a follow-up lies in its baseline, and lesions carried over by it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Box
from lesionlocator.prompts.masks import GridMask
from lesionlocator.tracking.cube import CUBE, SIZE, covered, nearest, rescaled, rounded
from lesionlocator.tracking.field import DisplacementField

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.tracking.frames import Frame

_NEIGHBOURHOOD = 8
"""Voxels of the cube around a lesion in which the similarity of the scans is taken."""


@dataclass(frozen=True, eq=False)
class Warped:
    """A lesion carried over to the follow-up.

    Parameters
    ----------
    mask
        Its voxels in the frame of the follow-up.
    is_lost
        Whether no voxel of the follow-up lies in the lesion, so that its shape was moved to where its
        centroid falls.
    similarity
        Correlation of both scans around the lesion after registration, -1 to 1.
    """

    mask: GridMask
    is_lost: bool
    similarity: float


@dataclass(frozen=True, eq=False)
class Registration:
    """The map from a follow-up to a baseline, both resampled to a cube.

    Parameters
    ----------
    baseline, followup
        What is seen of both scans.
    phi
        float32 (3, SIZE, SIZE, SIZE): where in the baseline, from 0 to 1 along z, y, x, each voxel of the
        follow-up lies.
    moved, fixed
        float32 (SIZE, SIZE, SIZE): the baseline sampled there, and the follow-up.
    """

    baseline: Frame
    followup: Frame
    phi: NDArray[np.float32]
    moved: NDArray[np.float32]
    fixed: NDArray[np.float32]

    @cached_property
    def similarity(self) -> float:
        """Correlation of both scans after registration, -1 to 1."""
        return _correlation(self.moved, self.fixed)

    def field(self) -> DisplacementField:
        """Return the map in the form that other programs read, on the nodes of the cube."""
        nodes, source = self.followup.geometry(CUBE), self.baseline.geometry(CUBE)
        there = source.voxel_to_lps(np.moveaxis(self.phi, 0, -1) * np.float32(SIZE - 1))
        here = nodes.voxel_to_lps(np.moveaxis(np.indices(CUBE), 0, -1))
        return DisplacementField((there - here).astype(np.float32), nodes)

    def warp(self, lesion: GridMask) -> Warped | None:
        """Carry a lesion over.

        Parameters
        ----------
        lesion
            Its voxels on the whole grid of the baseline.

        Returns
        -------
        Warped or None
            None where the lesion lies wholly outside what the follow-up shows.
        """
        mask = self.baseline.from_grid(lesion)
        if mask is None:
            return None
        warped = self._sampled(mask)
        found = warped or self._placed(mask)
        return None if found is None else Warped(found, warped is None, self._similarity_around(found))

    def sampled(self, mask: GridMask) -> GridMask | None:
        """Return the follow-up's voxels, in its frame, that lie in a mask on the baseline's whole grid."""
        seen = self.baseline.from_grid(mask)
        return None if seen is None else self._sampled(seen)

    def _sampled(self, mask: GridMask) -> GridMask | None:
        """Return the follow-up's voxels that lie in a mask by nearest neighbour."""
        small = np.zeros(SIZE**3 + 1, np.uint8)  # the last voxel stands for all places outside
        axes = [nearest(n, SIZE) for n in self.baseline.shape]
        _take(mask, axes, small[:-1].reshape(CUBE))
        rows = self._rows_from(covered(axes[0], mask.box.start[0], mask.box.stop[0]))
        warped = GridMask.of(small[self._source[rows]], (rows.start, 0, 0))
        if warped is None:
            return None
        shape = self.followup.shape
        back = [nearest(SIZE, n) for n in shape]
        ranges = [covered(*axis) for axis in zip(back, warped.box.start, warped.box.stop, strict=True)]
        if not all(map(len, ranges)):
            return None
        inside = [b[r] - first for b, r, first in zip(back, ranges, warped.box.start, strict=True)]
        region = np.ascontiguousarray(warped.region[np.ix_(*inside)])
        return GridMask.of(region, (int(ranges[0][0]), int(ranges[1][0]), int(ranges[2][0])))

    def _placed(self, mask: GridMask) -> GridMask | None:
        """Return a mask moved to where its centroid falls in the follow-up."""
        at = mask.centroid
        wanted = [rescaled(c, n, SIZE) / (SIZE - 1) for c, n in zip(at, self.baseline.shape, strict=True)]
        apart = sum(np.square(axis - np.float32(w)) for axis, w in zip(self.phi, wanted, strict=True))
        hit = np.unravel_index(int(np.argmin(apart)), CUBE)
        z, y, x = (
            rounded(rescaled(float(h), SIZE, n) - c)
            for h, n, c in zip(hit, self.followup.shape, at, strict=True)
        )
        return mask.moved((z, y, x)).cut(Box.whole(self.followup.shape))

    @cached_property
    def _source(self) -> NDArray[np.int32]:
        """Flat index of the baseline's cube nearest to each voxel of the follow-up's."""
        position = np.rint(((self.phi * 2 - 1) + 1) * np.float32((SIZE - 1) / 2))
        outside = ((position < 0) | (position > SIZE - 1)).any(axis=0)
        z, y, x = position.clip(0, SIZE - 1).astype(np.int32)
        return np.where(outside, np.int32(SIZE**3), (z * SIZE + y) * SIZE + x)

    @cached_property
    def _depths(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """First and last row of the baseline's cube to which each row of the follow-up's leads."""
        inside = self._source.reshape(SIZE, -1)
        first, outside = inside.min(axis=1), inside == SIZE**3
        last = np.where(outside, np.int32(-1), inside).max(axis=1)
        return first // SIZE**2, last // SIZE**2

    def _rows_from(self, wanted: NDArray[np.intp]) -> slice:
        """Return the rows of the follow-up's cube that lead to rows of the baseline's, and those between."""
        first, last = self._depths
        low, high = (wanted[0], wanted[-1]) if len(wanted) else (1, 0)
        rows = np.flatnonzero((first <= high) & (last >= low))
        return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0)

    def _similarity_around(self, mask: GridMask) -> float:
        start, stop = (
            [rescaled(float(v), n, SIZE) for v, n in zip(edge, self.followup.shape, strict=True)]
            for edge in (mask.box.start, mask.box.stop)
        )
        block = tuple(
            slice(max(rounded(a) - _NEIGHBOURHOOD, 0), rounded(b) + _NEIGHBOURHOOD)
            for a, b in zip(start, stop, strict=True)
        )
        return _correlation(self.moved[block], self.fixed[block])


def _take(mask: GridMask, axes: list[NDArray[np.intp]], out: NDArray[np.uint8]) -> None:
    """Resample a mask by nearest neighbour into zeros; ``axes`` hold the source index of each voxel."""
    ranges = [covered(*axis) for axis in zip(axes, mask.box.start, mask.box.stop, strict=True)]
    inside = [a[r] - first for a, r, first in zip(axes, ranges, mask.box.start, strict=True)]
    out[np.ix_(*ranges)] = mask.region[np.ix_(*inside)]


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return Pearson's correlation; 0 where one of both is constant."""
    x, y = (v.astype(np.float64) - v.mean(dtype=np.float64) for v in (a, b))
    scale = float(np.sqrt(np.square(x).sum() * np.square(y).sum()))
    return float((x * y).sum()) / scale if scale > 0 else 0.0
