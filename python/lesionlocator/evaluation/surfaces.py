"""How well two surfaces agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator import _core
from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Triple

_ROUNDING = 1 + 1e-6
"""A distance of exactly a tolerance counts as within, whatever single precision makes of it."""


@dataclass(frozen=True)
class SurfaceAgreement:
    """Agreement of the surfaces of two masks; see docs/metrics.md.

    Parameters
    ----------
    nsd_1mm, nsd_2mm
        Normalized surface Dice at a tolerance of 1 mm and of 2 mm, 0 to 1.
    hausdorff_mm
        The largest distance.
    hausdorff_95_mm
        The larger of both directions' distance within which 95 % of the surface lies.
    average_mm
        Mean over both surfaces.
    """

    nsd_1mm: float
    nsd_2mm: float
    hausdorff_mm: float
    hausdorff_95_mm: float
    average_mm: float


def surface_agreement(
    first: NDArray[np.uint8], second: NDArray[np.uint8], spacing: Triple
) -> SurfaceAgreement:
    """Compare the surfaces of two masks on one grid.

    A surface has an element in each cell between eight voxel centres that it passes through; every mean
    weighs elements by their area, as Nikolov et al. (J Med Internet Res 2021;23:e26151) do.

    Parameters
    ----------
    first, second
        uint8 (z, y, x), not 0 in the lesion, neither empty.
    spacing
        Voxel size in mm, z, y, x.

    Raises
    ------
    InputError
        Where a mask is empty: there is no distance then.
    KernelError
        Where the shapes differ.

    Examples
    --------
    >>> one, other = np.zeros((2, 1, 1, 8), np.uint8)
    >>> one[..., 1:3], other[..., 2:6] = 1, 1
    >>> found = surface_agreement(one, other, (1.0, 1.0, 1.0))
    >>> found.nsd_2mm < 1, found.hausdorff_mm
    (True, 3.0)
    """
    sides = _core.measure_surface_distances(first, second, spacing=spacing)
    if not all(len(distances) for distances, _ in sides):
        raise InputError("a mask without a voxel has no surface")
    distances = np.concatenate([side[0] for side in sides], dtype=np.float64)
    areas = np.concatenate([side[1] for side in sides])
    return SurfaceAgreement(
        nsd_1mm=_share_within(1.0, distances, areas),
        nsd_2mm=_share_within(2.0, distances, areas),
        hausdorff_mm=float(distances.max()),
        hausdorff_95_mm=max(_holding(0.95, *side) for side in sides),
        average_mm=float(np.average(distances, weights=areas)),
    )


def _share_within(limit: float, distances: NDArray[np.float64], areas: NDArray[np.float64]) -> float:
    return float(np.average(distances <= limit * _ROUNDING, weights=areas))


def _holding(share: float, distances: NDArray[np.float32], areas: NDArray[np.float64]) -> float:
    """Return the smallest distance within which a share of a surface lies."""
    order = np.argsort(distances, kind="stable")
    below = np.cumsum(areas[order])
    return float(distances[order][np.searchsorted(below, share * below[-1])])
