"""Painting tissues as ellipsoids, tubes and shells in a gently deformed patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.synthetic.fields import smooth_noise
from lesionlocator.synthetic.tissue import Tissue

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import ArrayLike, NDArray

    from lesionlocator.geometry import Shape, Triple

_DEFORMATION_MM = 4.0
_DEFORMATION_SCALE_MM = 55.0
_MARGIN_MM = 4 * _DEFORMATION_MM


class Canvas:
    """A tissue map under construction, addressed in patient millimetres.

    Millimetres are ordered z, y, x and grow towards the head, the back and the patient's left; z = 0 is the
    top of the diaphragm and y = x = 0 the middle of the body. All positions are bent by a smooth random
    deformation, so nothing that is painted as an ellipsoid ends as one.

    Parameters
    ----------
    rng
        Source of the deformation.
    shape, spacing
        Voxels, and mm between them, along z, y, x.
    start_mm
        Position of voxel (0, 0, 0).
    """

    def __init__(self, rng: np.random.Generator, shape: Shape, spacing: Triple, start_mm: Triple) -> None:
        self.tissue: NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)
        self.axes = [
            np.float32(a) + np.float32(s) * np.arange(n, dtype=np.float32)
            for a, s, n in zip(start_mm, spacing, shape, strict=True)
        ]
        z, y, x = (_DEFORMATION_SCALE_MM / s for s in spacing)
        grids = np.meshgrid(*self.axes, indexing="ij", sparse=True)
        self.position = [g + np.float32(_DEFORMATION_MM) * smooth_noise(rng, shape, (z, y, x)) for g in grids]

    def block(self, low: ArrayLike, high: ArrayLike) -> tuple[slice, slice, slice] | None:
        """Return the voxels that can lie between two corners in mm, or None where the canvas has none."""
        slices = []
        for axis, a, b in zip(self.axes, np.ravel(low), np.ravel(high), strict=True):
            first, last = np.searchsorted(axis, (a - _MARGIN_MM, b + _MARGIN_MM))
            if first >= last:
                return None
            slices.append(slice(int(first), int(last)))
        z, y, x = slices
        return z, y, x

    def fill(
        self,
        block: tuple[slice, slice, slice],
        mask: NDArray[np.bool_],
        tissue: Tissue,
        only: Collection[Tissue] | None = None,
    ) -> None:
        """Set the tissue under a mask over ``block``, or only where one of the tissues ``only`` is now."""
        view = self.tissue[block]
        if only is not None:
            allowed = np.zeros(len(Tissue), dtype=bool)
            allowed[list(only)] = True
            mask = mask & allowed[view]
        view[mask] = tissue

    def ellipsoid(
        self,
        center: ArrayLike,
        radii: ArrayLike,
        tissue: Tissue,
        *,
        tilt_degrees: float = 0.0,
        only: Collection[Tissue] | None = None,
    ) -> None:
        """Paint an ellipsoid, tilted about the y axis (head towards the patient's left)."""
        c, r = np.ravel(center).astype(np.float32), np.ravel(radii).astype(np.float32)
        reach = np.full(3, r.max()) if tilt_degrees else r
        block = self.block(c - reach, c + reach)
        if block is None:
            return
        z, y, x = (p[block] - k for p, k in zip(self.position, c, strict=True))
        if tilt_degrees:
            cos, sin = (np.float32(f(np.deg2rad(tilt_degrees))) for f in (np.cos, np.sin))
            z, x = cos * z + sin * x, cos * x - sin * z
        inside = (z / r[0]) ** 2 + (y / r[1]) ** 2 + (x / r[2]) ** 2 < 1
        self.fill(block, inside, tissue, only)

    def tube(
        self,
        path: ArrayLike,
        radius: float,
        tissue: Tissue,
        *,
        end_radius: float | None = None,
        only: Collection[Tissue] | None = None,
    ) -> None:
        """Paint a tube along the points of ``path``, (n, 3), tapering from ``radius`` to ``end_radius``."""
        points = np.asarray(path, dtype=np.float32)
        radii = np.linspace(radius, radius if end_radius is None else end_radius, len(points))
        for a, b, r in zip(points[:-1], points[1:], radii, strict=False):
            block = self.block(np.minimum(a, b) - r, np.maximum(a, b) + r)
            if block is None:
                continue
            offset = [p[block] - k for p, k in zip(self.position, a, strict=True)]
            step = b - a
            along = sum(o * s for o, s in zip(offset, step, strict=True)) / max(float(step @ step), 1e-6)
            along = np.clip(along, 0, 1)
            distance = sum((o - along * s) ** 2 for o, s in zip(offset, step, strict=True))
            self.fill(block, distance < r * r, tissue, only)
