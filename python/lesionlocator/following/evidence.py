"""Whether a follow-up still shows a lesion where registration expects it.

A segmentation model that is prompted by a box answers with some mask also where nothing is left to find. What
is left of the lesion's contrast tells both apart.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.io import Scan
    from lesionlocator.results.lesion import LesionMask

LEAST_CONTRAST = 0.35
"""Share of a lesion's contrast in the earlier scan below which it counts as gone."""

_TELLING_HU = 15.0
"""Contrast from which on it says anything: less may be noise."""
_RING_MM = (2.0, 6.0)
_CORE = 0.5
"""The core is what lies deeper than this share of the depth, so that a lesion may shrink around it."""
_SHIFTS_MM = (-5.0, -2.5, 0.0, 2.5, 5.0)
"""How far a registration may be off."""
_MOST_VOXELS = 2000
"""Of core and ring, from which medians are taken."""


@dataclass(frozen=True, eq=False)
class _Place:
    """Voxels of the core of a mask, and of a ring around it, (n, 3)."""

    core: NDArray[np.int64]
    ring: NDArray[np.int64]

    @classmethod
    def of(cls, mask: LesionMask, scan: Scan) -> _Place:
        spacing = scan.geometry.spacing
        margin = [int(np.ceil(_RING_MM[1] / mm)) for mm in spacing]
        pairs = zip(mask.box.start, mask.box.stop, margin, strict=True)
        (z0, z1), (y0, y1), (x0, x1) = ((a - m, b + m) for a, b, m in pairs)
        block = Box((z0, y0, x0), (z1, y1, x1))
        inner = mask.box.shifted((-z0, -y0, -x0))
        region = np.zeros(block.shape, np.uint8)
        region[inner.slices] = mask.region
        outside = _distance_mm(region, spacing)
        core = outside <= _CORE * outside.min()
        ring = (outside > _RING_MM[0]) & (outside <= _RING_MM[1])
        return cls(_some(core, block), _some(ring, block))


def remaining_contrast(
    earlier: Scan, mask: LesionMask, followup: Scan, expected: LesionMask, found: LesionMask
) -> float | None:
    """Return which share of a lesion's contrast is left in a follow-up, about 1 where it has not changed.

    Contrast is the median of the lesion's core minus that of a ring around it. In the follow-up, the core is
    looked for where it is expected and some millimetres around; where it fits best counts. It has to stand
    out both from the earlier ring and from a present one: around where it is expected, or, as it may have
    grown, around what was found.

    Parameters
    ----------
    earlier, mask
        A scan, and the lesion in it.
    followup, expected, found
        The later scan; where in it registration puts the lesion, and what the network found.

    Returns
    -------
    float or None
        None where the lesion had too little contrast to tell, or the follow-up does not show its place.
    """
    before, place, grown = (
        _Place.of(one, scan) for one, scan in ((mask, earlier), (expected, followup), (found, followup))
    )
    core, ring = _median(earlier, before.core), _median(earlier, before.ring)
    if core is None or ring is None or abs(core - ring) < _TELLING_HU:
        return None
    contrast, steps = core - ring, np.asarray(followup.geometry.spacing)
    around_found, shares = _median(followup, grown.ring), []
    for shift_mm in itertools.product(_SHIFTS_MM, repeat=3):
        shift = np.rint(np.asarray(shift_mm) / steps).astype(np.int64)
        now, around = (_median(followup, points + shift) for points in (place.core, place.ring))
        if now is not None:
            present = [r for r in (around, around_found) if r is not None]
            apart = [(now - r) / contrast for r in present]
            shares.append(min((now - ring) / contrast, max(apart, default=np.inf)))
    return max(shares, default=None)


def _median(scan: Scan, points: NDArray[np.int64]) -> float | None:
    """Return the median of some voxels in HU; None where the scan shows none of them."""
    inside = np.all((points >= 0) & (points < scan.geometry.shape), axis=1)
    z, y, x = points[inside].T
    return float(np.median(scan.voxels[z, y, x])) if len(z) else None


def _distance_mm(region: NDArray[np.uint8], spacing: tuple[float, float, float]) -> NDArray[np.float32]:
    """Return the distance to the border of a mask, negative inside."""
    import SimpleITK

    sitk: Any = SimpleITK  # SWIG wrappers have no types
    image = sitk.GetImageFromArray(region)
    image.SetSpacing(spacing[::-1])
    distance = sitk.SignedMaurerDistanceMap(image, False, False, True)
    return np.asarray(sitk.GetArrayFromImage(distance), np.float32)


def _some(mask: NDArray[np.bool_], block: Box) -> NDArray[np.int64]:
    """Return voxels of a mask evenly, at most so many."""
    points = np.argwhere(mask)
    return points[:: max(1, -(-len(points) // _MOST_VOXELS))] + np.asarray(block.start)
