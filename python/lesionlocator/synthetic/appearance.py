"""What lesions look like in a noise-free CT."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.synthetic.fields import smooth_noise
from lesionlocator.synthetic.tissue import WALLS, Tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Triple


class LesionKind(Enum):
    """How a lesion looks in CT."""

    SOLID = "solid"
    SPICULATED = "spiculated"
    RING = "ring"
    NECROTIC = "necrotic"
    CYSTIC = "cystic"
    CALCIFIED = "calcified"
    PART_SOLID = "part-solid"
    GROUND_GLASS = "ground glass"
    SCLEROTIC = "sclerotic"
    LYTIC = "lytic"


_IN_LUNG = {
    LesionKind.SOLID: 0.35, LesionKind.SPICULATED: 0.15, LesionKind.PART_SOLID: 0.18,
    LesionKind.GROUND_GLASS: 0.1, LesionKind.NECROTIC: 0.12, LesionKind.CALCIFIED: 0.1,
}  # fmt: skip
IN_BONE = {LesionKind.SCLEROTIC: 0.5, LesionKind.LYTIC: 0.5}
_IN_SOFT = {
    LesionKind.SOLID: 0.42, LesionKind.SPICULATED: 0.08, LesionKind.RING: 0.2,
    LesionKind.NECROTIC: 0.15, LesionKind.CYSTIC: 0.05, LesionKind.CALCIFIED: 0.1,
}  # fmt: skip
HAZY = (LesionKind.PART_SOLID, LesionKind.GROUND_GLASS)
_HAZE_HU = 150.0
"""How much denser than the lung around it ground glass is at least."""


def kind_in(rng: np.random.Generator, host: Tissue) -> LesionKind:
    """Draw how a lesion of a tissue looks."""
    if host is Tissue.LUNG:
        table = _IN_LUNG
    elif host in WALLS:
        table = IN_BONE
    else:
        table = _IN_SOFT
    return list(table)[int(rng.choice(len(table), p=list(table.values())))]


def look_of(
    rng: np.random.Generator,
    kind: LesionKind,
    depth: NDArray[np.float32],
    *,
    host: Tissue,
    around: float,
    spacing: Triple,
    diameter_mm: float,
) -> NDArray[np.float32] | None:
    """Return the HU of a lesion, float32, (z, y, x), or None where it would look too much like its host.

    Parameters
    ----------
    rng, kind
        Source of randomness, and how the lesion looks.
    depth
        0 at its centre and 1 at its boundary, (z, y, x).
    host, around
        The tissue it grows in, and the HU of that.
    spacing, diameter_mm
        mm along z, y, x, and its longest diameter.
    """
    scale = (max(4 / spacing[0], 1.0), max(4 / spacing[1], 1.0), max(4 / spacing[2], 1.0))
    shape = (depth.shape[0], depth.shape[1], depth.shape[2])
    grain = smooth_noise(rng, shape, scale)
    core = depth < rng.uniform(0.4, 0.7)
    level = _solid_level(rng, host, around, diameter_mm)
    look = np.full(shape, level, dtype=np.float32)
    if kind is LesionKind.RING:
        look[:] = max(around, 40) + rng.uniform(35, 110)
        look[depth < rng.uniform(0.55, 0.8)] = min(around, 60) - rng.uniform(15, 45)
    elif kind is LesionKind.NECROTIC:
        look[core] = -930 if host is Tissue.LUNG and rng.random() < 0.5 else rng.uniform(0, 30)
    elif kind is LesionKind.CYSTIC:
        look[:] = level = float(rng.uniform(-5, 15))
    elif kind is LesionKind.CALCIFIED:
        look[grain > rng.uniform(-0.5, 0.8)] = rng.uniform(220, 800)
    elif kind is LesionKind.PART_SOLID:
        look[~core] = max(rng.uniform(-650, -350), around + _HAZE_HU)
    elif kind is LesionKind.GROUND_GLASS:
        look[:] = max(rng.uniform(-680, -420), around + _HAZE_HU)
    elif kind is LesionKind.SCLEROTIC:
        look[:] = around + rng.uniform(250, 700)
    elif kind is LesionKind.LYTIC:
        look[:] = level = float(rng.uniform(15, 90))
    if kind in {LesionKind.CYSTIC, LesionKind.LYTIC} and abs(level - around) < _faintest(diameter_mm):
        return None
    return look + np.float32(rng.uniform(2, 14)) * grain


def _solid_level(rng: np.random.Generator, host: Tissue, around: float, diameter_mm: float) -> float:
    if host is Tissue.LUNG:
        return float(rng.uniform(-30, 100))
    if host is Tissue.FAT:
        return float(rng.uniform(20, 140))
    if host in WALLS:
        return around
    faintest = _faintest(diameter_mm)
    contrast = float(rng.uniform(faintest, faintest + 55))
    return around - contrast if rng.random() < 0.65 else around + contrast


def _faintest(diameter_mm: float) -> float:
    """Return the least HU between a lesion and what is around it: both small and faint, nobody sees it."""
    return 20 + 150 / diameter_mm
