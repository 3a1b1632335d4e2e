"""Letting the lesions of a scan grow, shrink, move, vanish, merge and split, in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.filling import filled, grown, soften
from lesionlocator.geometry import Box
from lesionlocator.synthetic.fates import Fate
from lesionlocator.synthetic.inpaint import without
from lesionlocator.synthetic.pieces import largest_piece
from lesionlocator.synthetic.warp import Warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple

    Labels = NDArray[np.uint16]

_SCANNED_EDGE = (0.2, 0.2, 0.2)
"""How scanners blur a lesion: its outermost voxels are partly of its host."""
_DRAWN_EDGE = (0.1, 0.1, 0.1)
"""The same of a lesion drawn anew; less, as the follow-up is scanned once more."""
_LEAST_SUBSTANCE = 0.5
"""How much of a voxel a lesion fills at least, to count as its voxel."""
_GROWTH = (1.5, 4.0)
_SHRINKAGE = (0.2, 0.65)
_MOVE_MM = (3.0, 10.0)
_MARGIN_MM = 12.0
_HOST_SLACK_HU = 80.0
_TRIES = 8
_SMALLEST_KEPT = 0.6
"""Fraction of a changed lesion that must have room for the change to be made."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A scan and its lesions, changed in place.

    Parameters
    ----------
    voxels
        HU, z, y, x.
    labels
        Lesions, same shape.
    spacing
        mm.
    """

    voxels: NDArray[np.int16] | NDArray[np.float32]
    labels: Labels
    spacing: Triple


@dataclass(frozen=True, eq=False)
class _Lesion:
    """A lesion lifted out of a block of the scan: what is behind it, what it is made of, where it may be."""

    block: tuple[slice, slice, slice]
    mask: NDArray[np.bool_]
    behind: NDArray[np.float32]
    inside: NDArray[np.float32]
    room: NDArray[np.bool_]

    @property
    def center(self) -> NDArray[np.float64]:
        """Its centroid in voxels of the block."""
        center: NDArray[np.float64] = np.argwhere(self.mask).mean(axis=0)
        return center


def change_single(
    rng: np.random.Generator, scene: Scene, label: int, box: Box, fate: Fate, *, spare: int
) -> Fate:
    """Let one lesion change, and return what it really did: there may be no room for more.

    Parameters
    ----------
    rng
        Decides how much, and where to.
    scene
        Changed in place.
    label, box
        The lesion, and the smallest block that holds it.
    fate
        What to do; neither ``MERGED`` nor ``NEW``.
    spare
        A free label, for the smaller part where it splits.
    """
    if fate is Fate.STABLE:
        return fate
    lesion = _lifted(rng, scene, (label,), box)
    if fate is Fate.GONE:
        _draw(scene, lesion, {label: np.zeros_like(lesion.mask)}, lesion.inside)
        return fate
    if fate is Fate.SPLIT:
        parts = _halves(rng, lesion, scene.spacing)
        if parts is None:
            return change_single(rng, scene, label, box, Fate.SHRUNK, spare=spare)
        _draw(scene, lesion, {label: parts[0], spare: parts[1]}, lesion.inside)
        return fate
    for _ in range(_TRIES):
        scale, shift = _drawn_change(rng, fate, scene.spacing)
        mask, inside = _transformed(lesion, scale, shift)
        wanted = int(mask.sum())
        mask = largest_piece(mask & lesion.room)
        if mask.any() and mask.sum() >= _SMALLEST_KEPT * wanted and _did(fate, mask, lesion.mask):
            _draw(scene, lesion, {label: mask}, inside)
            return fate
    return Fate.STABLE


def merge(rng: np.random.Generator, scene: Scene, labels: tuple[int, int], box: Box) -> bool:
    """Let two lesions grow into one with the first label; False, with nothing changed, where none can."""
    lesion = _lifted(rng, scene, labels, box)
    view = scene.labels[lesion.block]
    centers = [np.argwhere(view == label).mean(axis=0) for label in labels]
    sizes = [float((view == label).sum()) for label in labels]
    spacing = np.asarray(scene.spacing)
    radius = 0.7 * (3 * min(sizes) * float(np.prod(spacing)) / (4 * np.pi)) ** (1 / 3)
    bridge = _capsule(lesion.mask.shape, centers, spacing, max(radius, 1.5 * float(spacing.max())))
    mask = largest_piece((lesion.mask | bridge) & (lesion.room | lesion.mask))
    if not all((mask & (view == label)).any() for label in labels):
        return False
    _draw(scene, lesion, {labels[0]: mask}, lesion.inside)
    return True


def _lifted(rng: np.random.Generator, scene: Scene, labels: tuple[int, ...], box: Box) -> _Lesion:
    margin = np.ceil(_MARGIN_MM / np.asarray(scene.spacing) + 0.3 * np.asarray(box.shape)).astype(int)
    low, high = np.maximum(np.asarray(box.start) - margin, 0), np.asarray(box.stop) + margin
    block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    hounsfield = scene.voxels[block].astype(np.float32)
    view = scene.labels[block]
    mask = np.isin(view, labels)
    others = (view > 0) & ~mask
    behind = without(rng, hounsfield, mask, others)
    ring = grown(mask, 3) & ~grown(mask, 1) & ~others
    host = hounsfield[ring] if ring.any() else hounsfield[mask]
    low_hu, high_hu = np.quantile(host, (0.05, 0.95)) + np.array([-_HOST_SLACK_HU, _HOST_SLACK_HU])
    room = (mask | ((behind >= low_hu) & (behind <= high_hu))) & ~others
    return _Lesion(block, mask, behind, filled(_substance(hounsfield, behind, mask), mask), room)


def _substance(
    hounsfield: NDArray[np.float32], behind: NDArray[np.float32], mask: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the HU of what a lesion is made of, in its mask: that of its edge without the share of its host.

    Drawn as it was scanned, an edge would be blurred once more each time, and a lesion look ever smaller than
    its mask.
    """
    filling = np.maximum(soften(mask.astype(np.float32), _SCANNED_EDGE), np.float32(_LEAST_SUBSTANCE))
    whole = behind + (hounsfield - behind) / filling
    return np.clip(whole, hounsfield[mask].min(), hounsfield[mask].max())


def _draw(
    scene: Scene, lesion: _Lesion, masks: dict[int, NDArray[np.bool_]], inside: NDArray[np.float32]
) -> None:
    """Put what is behind a lesion in its place, and the lesion's substance where the masks are."""
    view = scene.labels[lesion.block]
    others = (view > 0) & ~lesion.mask
    view[lesion.mask] = 0
    anywhere = np.zeros_like(lesion.mask)
    for label, mask in masks.items():
        view[mask] = label
        anywhere |= mask
    alpha = soften(anywhere.astype(np.float32), _DRAWN_EDGE)
    drawn = lesion.behind + alpha * (inside - lesion.behind)
    hounsfield = scene.voxels[lesion.block]
    hounsfield[~others] = np.rint(drawn[~others])


def _drawn_change(rng: np.random.Generator, fate: Fate, spacing: Triple) -> tuple[float, NDArray[np.float64]]:
    """Return how much larger in length a lesion becomes, and by how many voxels it moves."""
    low, high = _GROWTH if fate is Fate.GROWN else _SHRINKAGE
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    if fate is Fate.MOVED:
        shift = direction * rng.uniform(*_MOVE_MM) / np.asarray(spacing)
        return float(rng.uniform(0.9, 1.1)), np.rint(shift)
    return float(np.exp(rng.uniform(np.log(low), np.log(high))) ** (1 / 3)), np.zeros(3)


def _transformed(
    lesion: _Lesion, scale: float, shift: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return mask and substance of a lesion scaled about its centre and moved by ``shift`` voxels."""
    start = lesion.center - (lesion.center + shift) / scale
    shape: Shape = (lesion.mask.shape[0], lesion.mask.shape[1], lesion.mask.shape[2])
    step = (1 / scale, 1 / scale, 1 / scale)
    warp = Warp.affine((float(start[0]), float(start[1]), float(start[2])), step, shape)
    mask = warp.image(lesion.mask.astype(np.float32), outside=0.0) > 0.5
    typical = float(lesion.inside[lesion.mask].mean())
    return mask, warp.image(lesion.inside, outside=typical)


def _did(fate: Fate, after: NDArray[np.bool_], before: NDArray[np.bool_]) -> bool:
    if fate is Fate.GROWN:
        return bool(after.sum() > before.sum())
    return fate is not Fate.SHRUNK or bool(after.sum() < before.sum())


def _halves(
    rng: np.random.Generator, lesion: _Lesion, spacing: Triple
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Return the larger and the smaller part of a lesion cut across its long axis; None where too small."""
    points = np.argwhere(lesion.mask)
    mm = (points - points.mean(axis=0)) * np.asarray(spacing)
    axis = np.linalg.svd(mm, full_matrices=False)[2][0]
    along = mm @ axis
    gap = max(2.5 * max(spacing), 0.2 * float(np.ptp(along)))
    cut = float(rng.uniform(-0.1, 0.1)) * float(np.ptp(along))
    parts = []
    for side in (along > cut + gap / 2, along < cut - gap / 2):
        part = np.zeros_like(lesion.mask)
        part[tuple(points[side].T)] = True
        parts.append(largest_piece(part))
    parts.sort(key=lambda part: -int(part.sum()))
    return (parts[0], parts[1]) if parts[1].sum() >= 2 else None


def _capsule(
    shape: tuple[int, ...], centers: list[NDArray[np.float64]], spacing: NDArray[np.float64], radius: float
) -> NDArray[np.bool_]:
    """Return the voxels within ``radius`` mm of the line between two centres."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1) * spacing
    a, b = centers[0] * spacing, centers[1] * spacing
    step = b - a
    along = np.clip((grid - a) @ step / max(float(step @ step), 1e-6), 0, 1)
    distance: NDArray[np.float64] = np.linalg.norm(grid - a - along[..., None] * step, axis=-1)
    return distance <= radius
