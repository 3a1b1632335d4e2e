"""Lesions that were not there before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.synthetic.fates import Fate, LesionChange
from lesionlocator.synthetic.inpaint import grain
from lesionlocator.synthetic.lesions import insert_lesion
from lesionlocator.synthetic.naming import body_mask, named_tissues
from lesionlocator.synthetic.patient import random_diameter
from lesionlocator.synthetic.scanner import Scanner
from lesionlocator.synthetic.sites import LesionSite, random_site
from lesionlocator.synthetic.tissue import Tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape
    from lesionlocator.synthetic.regrowth import Scene

_COARSE_MM = 3.0
_DIAMETERS_MM = (5.0, 25.0)


def add_new(rng: np.random.Generator, scene: Scene, count: int, *, first_label: int) -> list[LesionChange]:
    """Add up to ``count`` lesions in place, where a coarse look at the scan says that one may grow."""
    steps = [max(round(_COARSE_MM / s), 1) for s in scene.spacing]
    some = tuple(slice(None, None, step) for step in steps)
    coarse = named_tissues(scene.voxels[some])
    body = body_mask(scene.voxels[some])
    coarse[~body | (scene.labels[some] > 0)] = Tissue.AIR
    z, y, x = (s * k for s, k in zip(scene.spacing, steps, strict=True))
    added: list[LesionChange] = []
    for _ in range(4 * count):
        if len(added) == count:
            break
        diameter = random_diameter(rng, *_DIAMETERS_MM)
        site = random_site(rng, coarse, (z, y, x), diameter)
        if site is None:
            break
        label = first_label + len(added)
        a, b, c = (n * k for n, k in zip(site.center, steps, strict=True))
        if _insert(rng, scene, (a, b, c), diameter=diameter, label=label, body=body, steps=steps):
            added.append(LesionChange(Fate.NEW, None, label, None))
    return added


def _insert(
    rng: np.random.Generator,
    scene: Scene,
    at: Shape,
    *,
    diameter: float,
    label: int,
    body: NDArray[np.bool_],
    steps: list[int],
) -> bool:
    """Draw a lesion at a voxel, with the noise of the scan; False where it has no room.

    ``body`` tells every ``steps``-th voxel that is in the body.
    """
    reach = np.ceil(1.2 * diameter / np.asarray(scene.spacing)).astype(int) + 3
    low = np.maximum(np.asarray(at) - reach, 0)
    high = np.minimum(np.asarray(at) + reach + 1, scene.labels.shape)
    block = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    hounsfield = scene.voxels[block].astype(np.float32)
    tissue = named_tissues(hounsfield)
    near = np.ix_(*(np.arange(a, b) // k for a, b, k in zip(low, high, steps, strict=True)))
    tissue[~body[near]] = Tissue.AIR
    z, y, x = (int(a - b) for a, b in zip(at, low, strict=True))
    site = LesionSite((z, y, x), Tissue(int(tissue[z, y, x])))
    if site.host is Tissue.AIR:
        return False
    noise, labels = grain(hounsfield), scene.labels[block]
    kind = insert_lesion(
        rng,
        hounsfield,
        labels,
        tissue,
        spacing=scene.spacing,
        site=site,
        diameter_mm=diameter,
        label=label,
        scanner=Scanner.that_left(noise[tissue != Tissue.AIR]),
    )
    if kind is None:
        return False
    hounsfield += np.where(labels == label, noise, 0)
    scene.voxels[block] = np.rint(hounsfield)
    return True
