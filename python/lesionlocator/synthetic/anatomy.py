"""A synthetic body without lesions, as tissues and as a noise-free CT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.synthetic.canvas import Canvas
from lesionlocator.synthetic.fields import smooth_noise
from lesionlocator.synthetic.organs import paint_organs
from lesionlocator.synthetic.tissue import Phase, intensities
from lesionlocator.synthetic.trunk import Build, paint_trunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple

_COVERAGE_MM = (-520.0, 520.0)


@dataclass(frozen=True)
class Anatomy:
    """Part of a body on a grid.

    Parameters
    ----------
    tissue
        Codes of :class:`~lesionlocator.synthetic.tissue.Tissue`, uint8, z, y, x.
    hounsfield
        HU before noise and blur, int16, z, y, x.
    spacing
        mm along z, y, x.
    """

    tissue: NDArray[np.uint8]
    hounsfield: NDArray[np.int16]
    spacing: Triple


def build_anatomy(seed: int, shape: Shape, spacing: Triple, *, middle_mm: float | None = None) -> Anatomy:
    """Return the part of patient ``seed`` that a grid covers.

    Parameters
    ----------
    seed
        Names the patient.
    shape, spacing
        Voxels, and mm between them, along z, y, x.
    middle_mm
        Height of the middle slice in mm above the diaphragm; by default drawn from where the body is.
    """
    rng = np.random.default_rng([seed, 1])
    extent = [n * s for n, s in zip(shape, spacing, strict=True)]
    low, high = _COVERAGE_MM[0] + extent[0] / 2, _COVERAGE_MM[1] - extent[0] / 2
    drawn = float(rng.uniform(low, high)) if low < high else 0.0
    middle = drawn if middle_mm is None else middle_mm
    start = (middle - extent[0] / 2, -extent[1] / 2, -extent[2] / 2)
    build = Build.random(rng)
    canvas = Canvas(rng, shape, spacing, start)
    paint_trunk(canvas, build, rng)
    paint_organs(canvas, build, rng)
    phase = Phase(int(rng.choice(3, p=[0.3, 0.2, 0.5])))
    level, texture = intensities(rng, phase)
    hounsfield = level[canvas.tissue]
    fine = (max(5.0 / spacing[0], 1.0), max(5.0 / spacing[1], 1.0), max(5.0 / spacing[2], 1.0))
    hounsfield += texture[canvas.tissue] * smooth_noise(rng, shape, fine)
    return Anatomy(canvas.tissue, np.clip(np.rint(hounsfield), -1024, 3071).astype(np.int16), spacing)
