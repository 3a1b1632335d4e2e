"""Lesions of many kinds, drawn into a noise-free CT."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import grown
from lesionlocator.synthetic.fields import smooth_noise
from lesionlocator.synthetic.pieces import largest_piece
from lesionlocator.synthetic.tissue import Tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple


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
_IN_BONE = {LesionKind.SCLEROTIC: 0.5, LesionKind.LYTIC: 0.5}
_IN_SOFT = {
    LesionKind.SOLID: 0.42, LesionKind.SPICULATED: 0.08, LesionKind.RING: 0.2,
    LesionKind.NECROTIC: 0.15, LesionKind.CYSTIC: 0.05, LesionKind.CALCIFIED: 0.1,
}  # fmt: skip

# Tissues where lesions arise, and how often.
_HOSTS: dict[Tissue, float] = {
    Tissue.LUNG: 5, Tissue.LIVER: 5, Tissue.FAT: 4, Tissue.MUSCLE: 2.5, Tissue.MARROW: 2.5,
    Tissue.SPLEEN: 1.5, Tissue.KIDNEY: 1.5, Tissue.PANCREAS: 1, Tissue.BOWEL: 1, Tissue.BRAIN: 1,
    Tissue.HEART: 0.3, Tissue.BONE: 0.5, Tissue.MEDULLA: 0.5,
}  # fmt: skip
_WALLS = (Tissue.BONE, Tissue.MARROW, Tissue.DISC)
_OUTSIDE = (Tissue.AIR, Tissue.COUCH)
_HAZY = (LesionKind.PART_SOLID, LesionKind.GROUND_GLASS)
_HAZE_HU = 150.0
"""How much denser than the lung around it ground glass is at least."""
_LEAST, _LEAST_IN_BONE = 0.5, 0.25
"""Room that a lesion needs, as a fraction of its volume; large ones fill the bone that they are in."""
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


def insert_lesion(
    rng: np.random.Generator,
    hounsfield: NDArray[np.float32],
    labels: NDArray[np.unsignedinteger],
    tissue: NDArray[np.uint8],
    *,
    spacing: Triple,
    site: LesionSite,
    diameter_mm: float,
    label: int,
) -> LesionKind | None:
    """Draw one lesion into ``hounsfield`` and ``labels``, both z, y, x and changed in place.

    It is one piece and stays clear of lesions already there (but may touch them), of skin and of what is
    outside the body. Ground glass stays in the lung and hides no vessels; what grows in bone stays near it.

    Returns
    -------
    LesionKind or None
        None, with nothing changed, where less than half of the lesion (in bone, a quarter) would have had
        room, or where nobody could tell it from what is around it.
    """
    reach = np.ceil(0.8 * diameter_mm / np.asarray(spacing)).astype(int) + 2
    low = np.maximum(np.asarray(site.center) - reach, 0)
    high = np.minimum(np.asarray(site.center) + reach + 1, hounsfield.shape)
    block = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    kind = _kind(rng, site.host)
    axes = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    depth = _depth(rng, axes, spacing, site, diameter_mm, spiculated=kind is LesionKind.SPICULATED)
    edge_mm = min(float(rng.uniform(0.8, 3.0)), 0.3 * diameter_mm)
    alpha = np.clip((1 - depth) * np.float32(diameter_mm / 2 / edge_mm) + 0.5, 0, 1)
    wanted = int((alpha >= 0.5).sum())
    alpha[~_room(kind, tissue[block], spacing) | (labels[block] != 0)] = 0
    mask = largest_piece(alpha >= 0.5)
    if mask.sum() < max(1, (_LEAST_IN_BONE if kind in _IN_BONE else _LEAST) * wanted):
        return None
    alpha[~mask & ((alpha >= 0.5) | ~grown(mask, 2))] = 0
    view = hounsfield[block]
    replaced = view[grown(mask, 2) & (tissue[block] == site.host)]
    if not replaced.size:
        return None
    around = float(replaced.mean())
    level = _look(rng, kind, depth, host=site.host, around=around, spacing=spacing, diameter_mm=diameter_mm)
    if level is None:
        return None
    if kind in _HAZY:
        level = np.maximum(level, view)
    view += alpha * (level - view)
    labels[block][mask] = label
    return kind


def _room(kind: LesionKind, tissue: NDArray[np.uint8], spacing: Triple) -> NDArray[np.bool_]:
    """Return where a lesion may grow."""
    outside, walls = np.isin(tissue, _OUTSIDE), np.isin(tissue, _WALLS)
    if kind in _IN_BONE:
        inside = _near(walls, spacing, _NEAR_BONE_MM)
    elif kind in _HAZY:
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
    wider = mask.copy()
    for axis, step in enumerate(spacing):
        along = np.moveaxis(wider, axis, 0)
        for _ in range(round(mm / step)):
            before = along.copy()
            along[1:] |= before[:-1]
            along[:-1] |= before[1:]
    return wider


def _depth(
    rng: np.random.Generator,
    axes: list[NDArray[np.int64]],
    spacing: Triple,
    site: LesionSite,
    diameter_mm: float,
    *,
    spiculated: bool,
) -> NDArray[np.float32]:
    """Return 0 at a lesion's centre and 1 at its boundary: an ellipsoid with a wavy or spiky boundary."""
    subvoxel = rng.uniform(-0.5, 0.5, 3)
    mm = [
        ((a - c + j) * s).astype(np.float32)
        for a, c, j, s in zip(axes, site.center, subvoxel, spacing, strict=True)
    ]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype(np.float32)
    semi = (diameter_mm / 2 * np.array([1.0, rng.uniform(0.65, 1), rng.uniform(0.65, 1)])).astype(np.float32)
    z, y, x = mm[0][:, None, None], mm[1][None, :, None], mm[2][None, None, :]
    u = [(row[0] * z + row[1] * y + row[2] * x) / r for row, r in zip(turn, semi, strict=True)]
    radius = np.sqrt(u[0] ** 2 + u[1] ** 2 + u[2] ** 2)
    inverse = 1 / np.maximum(radius, np.float32(1e-3))
    waves = 4 if diameter_mm < 8 else 7
    roughness, finest = float(rng.uniform(0.03, 0.3)), float(rng.uniform(2.5, 7))
    bumps = np.zeros_like(radius)
    for wave in rng.normal(size=(waves, 3)):
        k = (wave * rng.uniform(1.2, finest) / np.linalg.norm(wave)).astype(np.float32)
        bumps += np.cos(
            (u[0] * k[0] + u[1] * k[1] + u[2] * k[2]) * inverse + np.float32(rng.uniform(0, 2 * np.pi))
        )
    edge = np.maximum(1 + np.float32(roughness / np.sqrt(waves / 2)) * bumps, np.float32(0.3))
    if spiculated:
        edge = _spikes(rng, u, inverse, 0.75 * edge)
    return radius / edge


def _spikes(
    rng: np.random.Generator,
    u: list[NDArray[np.float32]],
    inverse: NDArray[np.float32],
    edge: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return a boundary with spikes to about the unit sphere, each a few tenths of it wide at its foot."""
    for ray in rng.normal(size=(int(rng.integers(8, 20)), 3)):
        d = (ray / np.linalg.norm(ray)).astype(np.float32)
        cosine = (u[0] * d[0] + u[1] * d[1] + u[2] * d[2]) * inverse
        edge = edge + np.float32(rng.uniform(0.2, 0.5)) * np.exp(
            np.float32(rng.uniform(25, 60)) * (cosine - 1)
        )
    return np.minimum(edge, np.float32(1.4))


def _kind(rng: np.random.Generator, host: Tissue) -> LesionKind:
    if host is Tissue.LUNG:
        table = _IN_LUNG
    elif host in _WALLS:
        table = _IN_BONE
    else:
        table = _IN_SOFT
    return list(table)[int(rng.choice(len(table), p=list(table.values())))]


def _look(
    rng: np.random.Generator,
    kind: LesionKind,
    depth: NDArray[np.float32],
    *,
    host: Tissue,
    around: float,
    spacing: Triple,
    diameter_mm: float,
) -> NDArray[np.float32] | None:
    """Return a lesion's HU where ``depth`` is its depth map and ``around`` the HU of its host.

    None where it would look too much like its host.
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
    if host in _WALLS:
        return around
    faintest = _faintest(diameter_mm)
    contrast = float(rng.uniform(faintest, faintest + 55))
    return around - contrast if rng.random() < 0.65 else around + contrast


def _faintest(diameter_mm: float) -> float:
    """Return the least HU between a lesion and what is around it: both small and faint, nobody sees it."""
    return 20 + 150 / diameter_mm
