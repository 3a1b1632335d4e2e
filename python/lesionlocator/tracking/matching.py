"""Which instance of one label map is which of another on the same grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator import _core
from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry

    Labels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]


@dataclass(frozen=True)
class Gate:
    """Which pairs of instances may be matched at all: those that overlap enough, or lie near enough.

    Parameters
    ----------
    least_overlap
        Common voxels over voxels of the smaller instance, above 0 and up to 1. The default asks for a tenth:
        a rim that two neighbours share is less.
    reach_mm
        Distance of the centroids in mm, not negative. The default, 10 mm, is the longest diameter of the
        smallest lesion that RECIST 1.1 takes as measurable: within it a small lesion may miss its own place.

    Raises
    ------
    InputError
        Where a value is not as above.
    """

    least_overlap: float = 0.1
    reach_mm: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.least_overlap <= 1:
            raise InputError(f"least overlap is {self.least_overlap}; legal: above 0 and up to 1")
        if not (np.isfinite(self.reach_mm) and self.reach_mm >= 0):
            raise InputError(f"reach is {self.reach_mm} mm; legal: 0 or more, finite")


@dataclass(frozen=True, eq=False)
class Instances:
    """The instances of one label map.

    Parameters
    ----------
    ids
        uint32, shape (n,), each once.
    voxels
        Size of each, shape (n,), at least 1.
    centroids_lps_mm
        Mean position of each in the patient, shape (n, 3), x, y, z.
    """

    ids: NDArray[np.uint32]
    voxels: NDArray[np.int64]
    centroids_lps_mm: NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """Two instances that are taken for the same lesion.

    Parameters
    ----------
    first, second
        Their ids.
    dice, iou
        How they overlap, 0 to 1.
    distance_mm
        Distance of their centroids.
    score
        What the assignment sums up: 0 to 2.
    """

    first: int
    second: int
    dice: float
    iou: float
    distance_mm: float
    score: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """How n instances overlap with m others, and how far from each other they are.

    Parameters
    ----------
    first, second
        The n and the m instances.
    common
        Common voxels, int64, shape (n, m). Instances of one side may overlap each other.

    Examples
    --------
    >>> from lesionlocator.geometry import Geometry
    >>> before, after = np.zeros((2, 1, 1, 8), np.uint8)
    >>> before[..., 0:4], after[..., 1:4] = 7, 2
    >>> compared = compare_labels(before, after, Geometry((1, 1, 8), (1.0, 1.0, 1.0)))
    >>> compared.iou.tolist(), compared.distance_mm.tolist()
    ([[0.75]], [[0.5]])
    >>> [(match.first, match.second) for match in match_instances(compared)]
    [(7, 2)]
    """

    first: Instances
    second: Instances
    common: NDArray[np.int64]

    @cached_property
    def iou(self) -> NDArray[np.float64]:
        """Common over united voxels, shape (n, m)."""
        return self.common / (self._sum - self.common)

    @cached_property
    def dice(self) -> NDArray[np.float64]:
        """Twice the common voxels over the sum of both, shape (n, m)."""
        return 2 * self.common / self._sum

    @cached_property
    def fraction_of_first(self) -> NDArray[np.float64]:
        """Common voxels over those of the first instance, shape (n, m)."""
        return self.common / self.first.voxels[:, None]

    @cached_property
    def fraction_of_second(self) -> NDArray[np.float64]:
        """Common voxels over those of the second instance, shape (n, m)."""
        return self.common / self.second.voxels[None, :]

    @cached_property
    def distance_mm(self) -> NDArray[np.float64]:
        """Distance of the centroids, shape (n, m)."""
        apart = self.first.centroids_lps_mm[:, None] - self.second.centroids_lps_mm[None]
        return np.linalg.norm(apart, axis=-1)

    @property
    def _sum(self) -> NDArray[np.int64]:
        return self.first.voxels[:, None] + self.second.voxels[None, :]


def compare_labels(first: Labels, second: Labels, geometry: Geometry) -> Comparison:
    """Compare the instances of two label maps (z, y, x; 0 is background) on one grid.

    Raises
    ------
    InputError
        Where a label map does not have the shape of the grid.
    """
    for name, labels in (("first", first), ("second", second)):
        if labels.shape != geometry.shape:
            raise InputError(f"the {name} label map has shape {labels.shape}; legal: {geometry.shape}")
    # Both margins come with the table, but positions do not.
    _, _, (pairs, voxels) = _core.matching_overlap(first, second)
    a, b = _instances(first, geometry), _instances(second, geometry)
    common = np.zeros((len(a.ids), len(b.ids)), np.int64)
    common[np.searchsorted(a.ids, pairs[:, 0]), np.searchsorted(b.ids, pairs[:, 1])] = voxels
    return Comparison(a, b, common)


def match_instances(compared: Comparison, gate: Gate | None = None) -> list[Match]:
    """Match instances one to one, so that the sum of the scores is the largest that is possible.

    The score of a pair is its Dice plus its nearness, 1 - distance / reach where that is positive; overlap
    decides where there is any, distance where there is none. A pair that does not pass the gate is never
    matched, so instances may stay without partner. Of equal choices the lower ids win.

    Returns
    -------
    list of Match
        By ascending place of the first instance.
    """
    gate = gate or Gate()
    score = _scores(compared, gate)
    rows, columns = _core.matching_assign(-score)
    return [
        Match(
            int(compared.first.ids[i]),
            int(compared.second.ids[j]),
            float(compared.dice[i, j]),
            float(compared.iou[i, j]),
            float(compared.distance_mm[i, j]),
            float(score[i, j]),
        )
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if score[i, j] > 0
    ]


def _scores(compared: Comparison, gate: Gate) -> NDArray[np.float64]:
    """Return the scores, 0 for pairs that may not be matched."""
    distance = compared.distance_mm
    smaller = np.maximum(compared.fraction_of_first, compared.fraction_of_second)
    near = np.maximum(0.0, 1 - distance / gate.reach_mm) if gate.reach_mm else np.zeros_like(distance)
    passes = (smaller >= gate.least_overlap) | (near > 0)
    return np.where(passes, compared.dice + near, 0.0)


def _instances(labels: Labels, geometry: Geometry) -> Instances:
    ids, voxels, _, centroids = _core.components_statistics(labels)
    return Instances(ids, voxels.astype(np.int64), geometry.voxel_to_lps(centroids.reshape(-1, 3)))
