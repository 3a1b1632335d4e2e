"""Lesions of many kinds, drawn into a noise-free CT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import grown
from lesionlocator.synthetic.appearance import HAZY, IN_BONE, LesionKind, kind_in, look_of
from lesionlocator.synthetic.pieces import largest_piece
from lesionlocator.synthetic.sites import LesionSite, room_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Triple
    from lesionlocator.synthetic.scanner import Scanner


_LEAST, _LEAST_IN_BONE = 0.5, 0.25
"""Room that a lesion needs, as a fraction of its volume; large ones fill the bone that they are in."""


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
    scanner: Scanner,
) -> LesionKind | None:
    """Draw one lesion into ``hounsfield`` and ``labels``, both z, y, x and changed in place.

    It is one piece and stays clear of lesions already there (but may touch them), of skin and of what is
    outside the body. Ground glass stays in the lung and hides no vessels; what grows in bone stays near it.

    Returns
    -------
    LesionKind or None
        None, with nothing changed, where less than half of the lesion (in bone, a quarter) would have had
        room, or where nobody could tell it from what is around it, or see it in what ``scanner`` shows.
    """
    reach = np.ceil(0.8 * diameter_mm / np.asarray(spacing)).astype(int) + 2
    low = np.maximum(np.asarray(site.center) - reach, 0)
    high = np.minimum(np.asarray(site.center) + reach + 1, hounsfield.shape)
    block = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    kind = kind_in(rng, site.host)
    axes = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    depth = _depth(rng, axes, spacing, site, diameter_mm, spiculated=kind is LesionKind.SPICULATED)
    edge_mm = min(float(rng.uniform(0.8, 3.0)), 0.3 * diameter_mm)
    alpha = np.clip((1 - depth) * np.float32(diameter_mm / 2 / edge_mm) + 0.5, 0, 1)
    wanted = int((alpha >= 0.5).sum())
    alpha[~room_for(kind, tissue[block], spacing) | (labels[block] != 0)] = 0
    mask = largest_piece(alpha >= 0.5)
    if mask.sum() < max(1, (_LEAST_IN_BONE if kind in IN_BONE else _LEAST) * wanted):
        return None
    near = grown(mask, 2)
    alpha[~mask & ((alpha >= 0.5) | ~near)] = 0
    view = hounsfield[block]
    replaced = view[near & (tissue[block] == site.host)]
    if not replaced.size:
        return None
    around = float(replaced.mean())
    level = look_of(rng, kind, depth, host=site.host, around=around, spacing=spacing, diameter_mm=diameter_mm)
    if level is None:
        return None
    if kind in HAZY:
        level = np.maximum(level, view)
    change = alpha * (level - view)
    if not scanner.shows(change, mask):
        return None
    view += change
    labels[block][mask] = label
    return kind


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
