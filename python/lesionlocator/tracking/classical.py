"""Registration of two CT scans of a patient without a learned network.

Three steps, from coarse to fine: the shift at which both scans look most alike, out of all there are; an
affine map; and a smooth displacement by symmetric demons (Vercauteren et al., Med Image Anal 2009;13:S61).
Voxels that only one of the scans shows take no part, so fields of view may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.tracking.coarse import BODY, CoarseScan, coarse_scan
from lesionlocator.tracking.displacement import DisplacementMap
from lesionlocator.tracking.sliding import best_shift

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.io import Scan

LEAST_SIMILARITY = 0.8
"""Below this similarity two scans are likely of different patients, or show nothing in common.

Synthetic whole-body and chest scans of one patient, shifted, turned, deformed and cut, gave 0.94 to 0.95; of
different patients, 0.63 to 0.70; of different parts of one patient, 0.22; two real scans of different
patients, 0.57.
"""

LEAST_OVERLAP = 0.2
"""Below this share of the smaller body in common, hardly any lesion can be followed."""

_BODY_HU = -600
_SLIDING_MM, _AFFINE_MM, _DEMONS_MM = 10.0, 8.0, 6.0
_DEMONS_LEVELS = ((2, 60), (1, 40))
"""How much coarser than the grid, and how many rounds, at each level."""
_LEAST_VOXELS = 8
"""Of an axis, for the displacement."""
_DECIMALS = 6
"""Of a displacement in mm."""
_STIFFNESS = 2.0
"""Width of the Gaussian, in voxels, that keeps the displacement smooth."""


@dataclass(frozen=True, eq=False)
class ClassicalRegistration:
    """How two scans of a patient correspond.

    Parameters
    ----------
    map
        From the follow-up to the baseline, and back.
    similarity
        Correlation of the two scans within the body after the affine map, -1 to 1. What the displacement
        adds does not count, as it also makes different patients alike.
    overlap
        Share of the smaller body that both scans show after the affine map, 0 to 1.
    """

    map: DisplacementMap
    similarity: float
    overlap: float

    @property
    def is_doubtful(self) -> bool:
        """Whether the scans look less alike than two of one patient do."""
        return not self.similarity >= LEAST_SIMILARITY

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against these being two scans of one patient that show the same part of the body."""
        found = []
        if self.is_doubtful:
            found.append(
                f"baseline and follow-up look alike by {self.similarity:.2f} only (at least "
                f"{LEAST_SIMILARITY} is usual): they may be of different patients or parts of the body"
            )
        if self.overlap < LEAST_OVERLAP:
            found.append(f"baseline and follow-up have only {self.overlap:.0%} of the smaller body in common")
        return tuple(found)


def register(baseline: Scan, followup: Scan) -> ClassicalRegistration:
    """Find where each place of the follow-up is in the baseline. The same scans give the same map.

    Raises
    ------
    InputError
        Where a scan shows no body (nothing denser than about -600 HU).
    """
    import SimpleITK

    sitk: Any = SimpleITK  # SWIG wrappers have no types
    for scan in (baseline, followup):
        if scan.voxels.max() <= _BODY_HU:
            raise InputError(f"{scan.name}: shows no body: no voxel is above {_BODY_HU} HU")
    shift = best_shift(*(coarse_scan(scan, _SLIDING_MM) for scan in (followup, baseline)))
    fixed, moving = (coarse_scan(scan, _AFFINE_MM) for scan in (followup, baseline))
    affine = _affine(sitk, fixed, moving, shift.offset_mm)
    fixed, moving = (coarse_scan(scan, _DEMONS_MM) for scan in (followup, baseline))
    warped, shown = _brought_over(sitk, fixed, moving, affine)
    similarity, overlap = _likeness(fixed, moving, warped, shown)
    field = sitk.DisplacementFieldTransform(_demons(sitk, fixed, np.where(shown, warped, fixed.values)))
    whole = sitk.CompositeTransform([affine, field])
    return ClassicalRegistration(_displacement(sitk, whole, fixed), similarity, overlap)


def _affine(sitk: Any, fixed: CoarseScan, moving: CoarseScan, offset_mm: NDArray[np.float64]) -> Any:
    """Return the affine map from follow-up to baseline, beginning at a shift."""
    transform = sitk.AffineTransform(3)
    transform.SetTranslation(offset_mm[::-1].tolist())
    centre = fixed.origin + (np.array(fixed.values.shape) - 1) / 2 * fixed.spacing
    transform.SetCenter(centre[::-1].tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfWorkUnits(1)  # more would round sums in an order that depends on the machine
    method.SetInterpolator(sitk.sitkLinear)
    method.SetMetricFixedMask(_image(sitk, fixed.valid.astype(np.uint8), fixed))
    method.SetMetricMovingMask(_image(sitk, moving.valid.astype(np.uint8), moving))
    method.SetMetricAsCorrelation()
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=4.0, minStep=0.05, numberOfIterations=60, gradientMagnitudeTolerance=1e-6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    begin = sitk.AffineTransform(transform)
    try:
        method.Execute(_image(sitk, fixed.values, fixed), _image(sitk, moving.values, moving))
    except RuntimeError:  # so little in common that there is nothing to optimise: the shift is all there is
        return begin
    return transform


def _brought_over(
    sitk: Any, fixed: CoarseScan, moving: CoarseScan, transform: Any
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the moving scan on the fixed grid, and where both show something."""
    target = _image(sitk, fixed.values, fixed)
    valid = _image(sitk, moving.valid.astype(np.uint8), moving)
    warped = sitk.Resample(_image(sitk, moving.values, moving), target, transform)
    shown = sitk.Resample(valid, target, transform, sitk.sitkNearestNeighbor)
    return sitk.GetArrayFromImage(warped), (sitk.GetArrayFromImage(shown) != 0) & fixed.valid


def _likeness(
    fixed: CoarseScan, moving: CoarseScan, warped: NDArray[np.float32], shown: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return similarity and overlap; 0 where nothing is common or all of it is of one value."""
    either = shown & ((fixed.values > BODY) | (warped > BODY))
    smaller = min(int((scan.values > BODY).sum()) for scan in (fixed, moving))
    common = int((shown & (fixed.values > BODY)).sum())
    a, b = fixed.values[either].astype(np.float64), warped[either].astype(np.float64)
    spread = float(a.std() * b.std()) if a.size else 0.0
    similarity = float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else 0.0
    return similarity, min(1.0, common / max(smaller, 1))


def _demons(sitk: Any, fixed: CoarseScan, moved: NDArray[np.float32]) -> Any:
    """Return the displacement on the fixed grid that brings a scan on the same grid over.

    Where both are equal, nothing pulls.
    """
    # The filter takes differences of neighbours, also where an axis has only one voxel: thin axes are padded.
    margin = [max(0, -(-(_LEAST_VOXELS - size) // 2)) for size in fixed.values.shape[::-1]]
    target, source = (
        sitk.ZeroFluxNeumannPad(_image(sitk, values, fixed), margin, margin)
        for values in (fixed.values, moved)
    )
    demons = sitk.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SmoothDisplacementFieldOn()
    demons.SetStandardDeviations(_STIFFNESS)
    field = sitk.Image(target.GetSize(), sitk.sitkVectorFloat64)
    field.CopyInformation(target)
    for factor, rounds in _DEMONS_LEVELS:
        level, moving = (sitk.BinShrink(image, [factor] * 3) for image in (target, source))
        same, pixels = sitk.Transform(), sitk.sitkVectorFloat64
        begin = sitk.Resample(
            field, level, same, sitk.sitkLinear, 0.0, pixels, useNearestNeighborExtrapolator=True
        )
        demons.SetNumberOfIterations(rounds)
        field = demons.Execute(level, moving, begin)
    return field


def _displacement(sitk: Any, transform: Any, grid: CoarseScan) -> DisplacementMap:
    image = _image(sitk, grid.values, grid)
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, image.GetSize(), image.GetOrigin(), image.GetSpacing()
    )
    # Filters on several threads differ in the last bits, by some 1e-13 mm.
    displacement = np.round(sitk.GetArrayFromImage(field), _DECIMALS)
    return DisplacementMap(displacement, grid.origin[::-1].copy(), grid.spacing)


def _image(sitk: Any, values: NDArray[Any], grid: CoarseScan) -> Any:
    image = sitk.GetImageFromArray(values)
    image.SetOrigin(grid.origin[::-1].tolist())
    image.SetSpacing([grid.spacing] * 3)
    return image
