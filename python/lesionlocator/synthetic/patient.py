"""A whole synthetic scan: anatomy, lesions, scanner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lesionlocator.geometry import Geometry
from lesionlocator.synthetic.anatomy import Anatomy, build_anatomy
from lesionlocator.synthetic.appearance import LesionKind
from lesionlocator.synthetic.lesions import insert_lesion
from lesionlocator.synthetic.scanner import Scanner
from lesionlocator.synthetic.sites import random_site
from lesionlocator.synthetic.tissue import Tissue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Shape, Triple

_ATTEMPTS_PER_LESION = 20


@dataclass(frozen=True)
class SyntheticLesion:
    """What a label of a synthetic scan stands for."""

    label: int
    kind: LesionKind
    host: Tissue
    diameter_mm: float


@dataclass(frozen=True)
class SyntheticScan:
    """A synthetic CT and its truth.

    Parameters
    ----------
    voxels
        HU, int16, z, y, x.
    labels
        Lesion instances 1, 2, ... without gaps, uint8, same shape.
    geometry
        The grid; axes run towards head, back and left.
    lesions
        One entry for each label, in order.
    """

    voxels: NDArray[np.int16]
    labels: NDArray[np.uint8]
    geometry: Geometry
    lesions: tuple[SyntheticLesion, ...]


def random_diameter(rng: np.random.Generator, low_mm: float = 3.0, high_mm: float = 60.0) -> float:
    """Draw a lesion's longest diameter, small ones more often: uniform in its logarithm."""
    return float(np.exp(rng.uniform(np.log(low_mm), np.log(high_mm))))


def make_patient(
    seed: int,
    shape: Shape,
    spacing: Triple,
    *,
    lesions: int = 8,
    middle_mm: float | None = None,
    diameters_mm: tuple[float, float] = (3.0, 60.0),
) -> SyntheticScan:
    """Return the scan of a synthetic patient; the same arguments give the same voxels.

    Parameters
    ----------
    seed
        Names the patient.
    shape, spacing
        Voxels, and mm between them, along z, y, x. The whole body is about 900 x 260 x 400 mm.
    lesions
        How many lesions to try to place, up to 255; where the grid has no room, there are fewer.
    middle_mm
        Height of the middle slice in mm above the diaphragm; by default drawn.
    diameters_mm
        Range of the lesions' longest diameters.
    """
    anatomy = build_anatomy(seed, shape, spacing, middle_mm=middle_mm)
    rng = np.random.default_rng([seed, 2])
    hounsfield = anatomy.hounsfield.astype(np.float32)
    labels = np.zeros(shape, dtype=np.uint8)
    scanner = Scanner.drawn(np.random.default_rng([seed, 21]))
    placed = place_lesions(
        rng, hounsfield, labels, anatomy, scanner, count=lesions, diameters_mm=diameters_mm
    )
    origin = (
        -(shape[2] - 1) * spacing[2] / 2,
        -(shape[1] - 1) * spacing[1] / 2,
        -(shape[0] - 1) * spacing[0] / 2,
    )
    return SyntheticScan(
        scanner.scan(rng, hounsfield), labels, Geometry(shape, spacing, origin), tuple(placed)
    )


def place_lesions(
    rng: np.random.Generator,
    hounsfield: NDArray[np.float32],
    labels: NDArray[np.uint8],
    anatomy: Anatomy,
    scanner: Scanner,
    *,
    count: int,
    diameters_mm: tuple[float, float],
) -> list[SyntheticLesion]:
    """Draw up to ``count`` lesions into ``hounsfield`` and ``labels``, both changed in place; say which.

    Parameters
    ----------
    rng
        Decides all of them.
    hounsfield, labels
        On the grid of ``anatomy``.
    anatomy, scanner
        Where lesions may grow, and through what they must be seen.
    count, diameters_mm
        How many to try to place, and the range of their longest diameters.
    """
    placed: list[SyntheticLesion] = []
    for _ in range(count * _ATTEMPTS_PER_LESION):
        if len(placed) == count:
            break
        diameter = random_diameter(rng, *diameters_mm)
        site = random_site(rng, anatomy.tissue, anatomy.spacing, diameter)
        if site is None:
            break
        label = len(placed) + 1
        kind = insert_lesion(
            rng,
            hounsfield,
            labels,
            anatomy.tissue,
            spacing=anatomy.spacing,
            site=site,
            diameter_mm=diameter,
            label=label,
            scanner=scanner,
        )
        if kind is not None:
            placed.append(SyntheticLesion(label, kind, site.host, diameter))
    return placed
