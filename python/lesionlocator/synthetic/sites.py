"""Where lesions grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import grown_along
from lesionlocator.synthetic.appearance import HAZY, IN_BONE, LesionKind
from lesionlocator.synthetic.tissue import WALLS, Tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple


# Tissues where lesions arise, and how often.
_HOSTS: dict[Tissue, float] = {
    Tissue.LUNG: 5, Tissue.LIVER: 5, Tissue.FAT: 4, Tissue.MUSCLE: 2.5, Tissue.MARROW: 2.5,
    Tissue.SPLEEN: 1.5, Tissue.KIDNEY: 1.5, Tissue.PANCREAS: 1, Tissue.BOWEL: 1, Tissue.BRAIN: 1,
    Tissue.HEART: 0.3, Tissue.BONE: 0.5, Tissue.MEDULLA: 0.5,
}  # fmt: skip
_OUTSIDE = (Tissue.AIR, Tissue.COUCH)
_NEAR_BONE_MM, _NEAR_SKIN_MM, _VESSEL_MM = 4.0, 4.0, 5.0


@dataclass(frozen=True)
class LesionSite:
    """Where a lesion grows: a voxel (z, y, x) and the tissue there."""

    center: Shape
    host: Tissue


def random_site(
    rng: np.random.Generator, tissue: NDArray[np.uint8], spacing: Triple, diameter_mm: float
) -> LesionSite | None:
    """Draw a place for a lesion, by host tissue first, preferably deep enough to hold it.

    Parameters
    ----------
    rng
        Source of randomness.
    tissue
        Tissue codes, z, y, x.
    spacing
        mm along z, y, x.
    diameter_mm
        Size of the lesion to be placed.

    Returns
    -------
    LesionSite or None
        None where no tissue that can have lesions is in the array.
    """
    shares = host_shares(tissue)
    if not shares:
        return None
    host = list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]
    return site_in(host, rng, tissue, spacing, diameter_mm)


def host_shares(tissue: NDArray[np.uint8]) -> dict[Tissue, float]:
    """Return how often lesions arise in each of the tissues of an array that can have them; the sum is 1."""
    count = np.bincount(tissue.ravel(), minlength=len(Tissue))
    weights = {host: w * min(1.0, count[host] / 500) for host, w in _HOSTS.items() if count[host] > 0}
    total = sum(weights.values())
    return {host: float(weight / total) for host, weight in weights.items()}


def site_in(
    host: Tissue, rng: np.random.Generator, tissue: NDArray[np.uint8], spacing: Triple, diameter_mm: float
) -> LesionSite:
    """Draw a place for a lesion in a tissue that is in the array; other parameters as :func:`random_site`."""
    voxels = np.flatnonzero(tissue == host)
    candidates = np.stack(np.unravel_index(rng.choice(voxels, 12), tissue.shape), axis=1)
    step = np.rint(0.35 * diameter_mm / np.asarray(spacing)).astype(int)
    around = candidates[:, None] + np.concatenate([np.diag(step), -np.diag(step)])
    inside = np.all((around >= 0) & (around < tissue.shape), axis=2)
    at = tuple(np.moveaxis(np.clip(around, 0, np.array(tissue.shape) - 1), 2, 0))
    held = ((tissue[at] == host) & inside).sum(axis=1)
    z, y, x = (int(v) for v in candidates[int(np.argmax(np.minimum(held, 5)))])
    return LesionSite((z, y, x), host)


def room_for(kind: LesionKind, tissue: NDArray[np.uint8], spacing: Triple) -> NDArray[np.bool_]:
    """Return where in an array of tissue codes (z, y, x; voxels of ``spacing`` mm) a lesion may grow."""
    outside, walls = np.isin(tissue, _OUTSIDE), np.isin(tissue, WALLS)
    if kind in IN_BONE:
        inside = _near(walls, spacing, _NEAR_BONE_MM)
    elif kind in HAZY:
        lung = _near(tissue == Tissue.LUNG, spacing, _VESSEL_MM / 2)
        inside = ~_near(~lung, spacing, _VESSEL_MM / 2)  # with the vessels in it
    else:
        inside = ~walls
    skin = tissue == Tissue.SKIN  # partial volume of air in real scans, where it may also be far from skin
    if skin.any():
        outside |= skin & _near(outside, spacing, _NEAR_SKIN_MM)
    return inside & ~outside


def _near(mask: NDArray[np.bool_], spacing: Triple, mm: float) -> NDArray[np.bool_]:
    """Return a mask with what is as many mm from it along the axes."""
    z, y, x = (round(mm / step) for step in spacing)
    return grown_along(mask, (z, y, x))
