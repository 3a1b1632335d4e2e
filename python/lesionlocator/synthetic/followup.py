"""A synthetic follow-up of any CT whose lesions are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.filling import soften
from lesionlocator.geometry import Box, Geometry
from lesionlocator.prompts.components import Region, regions
from lesionlocator.synthetic.fates import Fate, LesionChange, Plan
from lesionlocator.synthetic.newcomers import add_new
from lesionlocator.synthetic.pieces import instances
from lesionlocator.synthetic.regrowth import Scene, change_single, merge
from lesionlocator.synthetic.warp import Warp, anatomy_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple
    from lesionlocator.io import LabelMap, Scan

_SLICES_MM = (1.0, 1.5, 2.0, 2.5, 3.0, 5.0)
_SLICE_RATIO = (0.5, 2.0)
_PIXEL_RATIO = (0.85, 1.25)
_CROP = (0.1, 0.04, 0.04)
_TABLE_MM = 20.0
_NOISE_HU = (3.0, 12.0)
_AIR_HU = -1024.0
_SLAB = 16
_SMALLEST_AXIS = 8
_MOST_NEW = 3
_LEAST_IN_VIEW = 0.5
"""Share of a lesion that a follow-up must show to say what became of it."""


@dataclass(frozen=True, eq=False)
class SyntheticFollowup:
    """A follow-up and its truth.

    Parameters
    ----------
    voxels
        HU of the follow-up, int16, z, y, x, on ``geometry``.
    labels
        Its lesions, uint8, or uint16 beyond 255, same shape.
    geometry
        Its grid.
    baseline_labels
        The lesions of the baseline, numbered 1, 2, ... without gaps, on the baseline's grid.
    changes
        One entry for each lesion, and one more for the smaller part of a split one. A lesion that is there at
        both timepoints has the same label in both, apart from those that merged or split.
    """

    voxels: NDArray[np.int16]
    labels: NDArray[np.uint8] | NDArray[np.uint16]
    geometry: Geometry
    baseline_labels: NDArray[np.uint8] | NDArray[np.uint16]
    changes: tuple[LesionChange, ...]


def make_followup(
    seed: int,
    scan: Scan,
    lesions: LabelMap,
    *,
    fates: Mapping[int, Fate] | None = None,
    new_lesions: int | None = None,
) -> SyntheticFollowup:
    """Return a synthetic follow-up of a scan; the same arguments give the same voxels.

    The anatomy is deformed smoothly, the field of view cropped, the patient lies elsewhere on the table, and
    spacing and noise are others.

    Parameters
    ----------
    seed
        Decides everything that is random.
    scan, lesions
        The baseline on one grid. Where the only label is 1, the 26-connected components are the lesions.
    fates
        What becomes of lesions, by label; those not named stay as they are. By default drawn for all.
    new_lesions
        How many to add, if there is room; by default up to 3.

    Raises
    ------
    InputError
        Where scan and label map have different grids, an axis has fewer than 8 voxels, there are too many
        lesions for a label map, or ``fates`` cannot be met.
    """
    difference = scan.geometry.difference(lesions.geometry)
    if difference is not None:
        raise InputError(
            f"{lesions.path or 'label map'}: is not on the grid of {scan.path or scan.name}: {difference}"
        )
    if min(scan.voxels.shape) < _SMALLEST_AXIS:
        raise InputError(
            f"{scan.path or scan.name}: has shape {scan.voxels.shape} (z, y, x); "
            f"legal: {_SMALLEST_AXIS} or more along each axis"
        )
    rng = np.random.default_rng([seed, 9])
    numbered, given = _consecutive(lesions)
    found = regions(numbered)
    spacing = scan.geometry.spacing
    if fates is None:
        plan = Plan.drawn(rng, found, spacing)
    else:
        plan = Plan.of({_number(given, label): fate for label, fate in fates.items()}, found, spacing)
    scene = Scene(scan.voxels.copy(), numbered.copy(), spacing)
    changes = _change_all(rng, scene, plan, found)
    wanted = int(rng.integers(_MOST_NEW + 1)) if new_lesions is None else new_lesions
    changes += add_new(rng, scene, wanted, first_label=_next(changes))
    geometry, warp = _other_grid(rng, scan.geometry)
    labels = warp.labels(scene.labels)
    changes = _in_view(changes, _volumes_ml(scene.labels, scan.geometry), _volumes_ml(labels, geometry))
    return SyntheticFollowup(
        voxels=_scanned(rng, scene, warp, seed),
        labels=_compact(labels),
        geometry=geometry,
        baseline_labels=_compact(numbered),
        changes=tuple(
            LesionChange(
                c.fate, c.baseline, c.followup, None if c.baseline is None else given[c.baseline - 1]
            )
            for c in changes
        ),
    )


def _consecutive(lesions: LabelMap) -> tuple[NDArray[np.uint16], list[int]]:
    """Return lesions numbered 1, 2, ..., and the label that each had."""
    found = [region.label for region in regions(lesions.labels)]
    if found == [1]:
        parts = instances(lesions.labels.astype(np.uint8))
        count = int(parts.max())
        if count > np.iinfo(np.uint16).max:
            raise InputError(f"{lesions.path or 'label map'}: has {count} components; legal: up to 65535")
        return parts.astype(np.uint16), [1] * count
    table = np.zeros(65536, np.uint16)
    table[found] = np.arange(1, len(found) + 1)
    return table[lesions.labels], found


def _number(given: list[int], label: int) -> int:
    if set(given) == {1}:
        return label
    if label not in given:
        raise InputError(f"lesion {label} is not in the label map; it has {given}")
    return given.index(label) + 1


def _next(changes: list[LesionChange]) -> int:
    return 1 + max((max(c.baseline or 0, c.followup or 0) for c in changes), default=0)


def _change_all(
    rng: np.random.Generator, scene: Scene, plan: Plan, found: list[Region]
) -> list[LesionChange]:
    box = {region.label: region.box for region in found}
    changes = []
    single = dict(plan.single)
    for pair in plan.pairs:
        both = _around(box[pair[0]], box[pair[1]])
        if merge(rng, scene, pair, both):
            changes += [LesionChange(Fate.MERGED, label, pair[0], None) for label in pair]
        else:
            single |= dict.fromkeys(pair, Fate.STABLE)
    spare = len(found) + 1
    for label, fate in sorted(single.items()):
        did = change_single(rng, scene, label, box[label], fate, spare=spare)
        changes.append(LesionChange(did, label, None if did is Fate.GONE else label, None))
        if did is Fate.SPLIT:
            changes.append(LesionChange(did, label, spare, None))
            spare += 1
    return sorted(changes, key=lambda change: (change.baseline or 0, change.followup or 0))


def _around(first: Box, second: Box) -> Box:
    low = np.minimum(first.start, second.start).tolist()
    high = np.maximum(first.stop, second.stop).tolist()
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def _other_grid(rng: np.random.Generator, baseline: Geometry) -> tuple[Geometry, Warp]:
    """Return the follow-up's grid, and how it looks at the baseline's."""
    shape, old = np.asarray(baseline.shape), np.asarray(baseline.spacing)
    slices = [s for s in _SLICES_MM if _SLICE_RATIO[0] <= s / old[0] <= _SLICE_RATIO[1]] or [float(old[0])]
    pixel = float(rng.uniform(*_PIXEL_RATIO))
    new = np.array([float(rng.choice(slices)), pixel * old[1], pixel * old[2]])
    cut = rng.uniform(0, _CROP, (2, 3)) * shape
    extent = shape - cut.sum(axis=0)
    size = np.maximum(np.floor(extent * old / new).astype(int), 1)
    new = np.where(size < _SMALLEST_AXIS, extent * old / _SMALLEST_AXIS, new)
    size = np.maximum(size, _SMALLEST_AXIS)
    step = new / old
    start = cut[0] + step / 2 - 0.5
    grid, spacing = _shape(size), _triple(np.round(new, 6))
    table = rng.uniform(-_TABLE_MM, _TABLE_MM, 3)
    origin = baseline.voxel_to_lps(_triple(start)) + table
    geometry = Geometry(grid, spacing, _triple(origin), baseline.direction_lps)
    nodes = anatomy_nodes(rng, grid, spacing, baseline.spacing)
    return geometry, Warp(_triple(start), _triple(step), nodes, grid)


def _scanned(rng: np.random.Generator, scene: Scene, warp: Warp, seed: int) -> NDArray[np.int16]:
    """Return the deformed scan with noise of its own, made slab by slab."""
    level = np.float32(np.exp(rng.uniform(*np.log(_NOISE_HU))))
    in_plane = float(rng.uniform(0.05, 0.2))
    out = np.empty(warp.shape, np.int16)
    for first in range(0, warp.shape[0], _SLAB):
        stop = min(first + _SLAB, warp.shape[0])
        slab = warp.image(scene.voxels, first=first, stop=stop, outside=_AIR_HU)
        white = np.random.default_rng([seed, 10, first]).standard_normal(slab.shape, dtype=np.float32)
        noise = soften(white, (0.0, in_plane, in_plane))
        slab += noise * (level / max(float(noise.std()), np.float32(1e-6)))
        out[first:stop] = np.clip(np.rint(slab), -1024, 3071)
    return out


def _volumes_ml(labels: NDArray[np.uint16], geometry: Geometry) -> NDArray[np.float64]:
    voxels = np.bincount(labels.ravel(), minlength=65536)
    return voxels.astype(np.float64) * geometry.voxel_volume_ml


def _in_view(
    changes: list[LesionChange], whole: NDArray[np.float64], seen: NDArray[np.float64]
) -> list[LesionChange]:
    """Return what is still true of lesions once the follow-up's grid has been laid over them.

    Parameters
    ----------
    changes
        What became of the lesions.
    whole, seen
        Volume of each label, and the volume of it that the follow-up shows.
    """
    true = []
    for change in changes:
        label = change.followup
        if label is None or seen[label] >= _LEAST_IN_VIEW * whole[label]:
            true.append(change)
        elif change.baseline is not None:
            true.append(LesionChange(Fate.OUT_OF_VIEW, change.baseline, label if seen[label] else None, None))
    return true


def _compact(labels: NDArray[np.uint16]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    return labels.astype(np.uint8) if labels.max(initial=0) <= np.iinfo(np.uint8).max else labels


def _shape(values: NDArray[np.int64]) -> Shape:
    z, y, x = (int(v) for v in values)
    return z, y, x


def _triple(values: NDArray[np.float64]) -> Triple:
    z, y, x = (float(v) for v in values)
    return z, y, x
