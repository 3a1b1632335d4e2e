"""Scans brought to coarse grids along the patient's axes, where registration compares them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry
    from lesionlocator.io import Scan

_TISSUE_HU = (-1000.0, -200.0, 250.0, 1000.0)
_TISSUE_VALUE = (0.0, 0.4, 1.0, 1.2)
"""Soft tissue, where organs differ by few HU, weighs more than the step from air; bone and metal less."""

BODY = 0.2
"""Values above this are of the body, not of air or lung (about -600 HU)."""

_OUTSIDE = -32768
_SLAB_VOXELS = 1 << 24
"""Voxels of a scan that SimpleITK is given at a time, as it takes a copy."""


@dataclass(frozen=True, eq=False)
class CoarseScan:
    """A scan on a grid along the LPS axes with the same distance between voxels everywhere.

    Parameters
    ----------
    values
        float32, z, y, x: 0 for air, 1 for dense soft tissue.
    valid
        Whether the scan shows a voxel; the grid is the box around the scan, which may be oblique.
    origin
        Centre of voxel (0, 0, 0) in LPS mm, ordered z, y, x.
    spacing
        Distance of voxels in mm.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    origin: NDArray[np.float64]
    spacing: float


def coarse_scan(scan: Scan, spacing: float) -> CoarseScan:
    """Average a scan down and resample it to ``spacing`` mm along the patient's axes."""
    import SimpleITK

    sitk: Any = SimpleITK  # SWIG wrappers have no types
    geometry = scan.geometry
    factors = [max(1, int(spacing / size)) for size in geometry.spacing[::-1]]
    factors = [min(factor, size) for factor, size in zip(factors, scan.voxels.shape[::-1], strict=True)]
    image = _shrunk(sitk, scan, factors)
    corners = geometry.voxel_to_lps(_corners(geometry))[:, ::-1]
    low, high = corners.min(axis=0), corners.max(axis=0)
    shape = np.maximum(1, np.ceil((high - low) / spacing)).astype(int)
    origin = (low + high) / 2 - (shape - 1) / 2 * spacing
    resample = sitk.ResampleImageFilter()
    resample.SetSize(shape[::-1].tolist())
    resample.SetOutputOrigin(origin[::-1].tolist())
    resample.SetOutputSpacing([spacing] * 3)
    resample.SetDefaultPixelValue(_OUTSIDE)
    hounsfield = sitk.GetArrayFromImage(resample.Execute(image))
    valid = hounsfield > _OUTSIDE
    values = np.interp(hounsfield, _TISSUE_HU, _TISSUE_VALUE).astype(np.float32)
    return CoarseScan(np.where(valid, values, np.float32(0)), valid, origin, spacing)


def _shrunk(sitk: Any, scan: Scan, factors: list[int]) -> Any:
    """Average bins of ``factors`` (x, y, z) voxels, slab by slab; a whole scan is not copied."""
    slices, rows, columns = scan.voxels.shape
    depth = factors[2] * max(1, _SLAB_VOXELS // (factors[2] * rows * columns))
    starts = range(0, slices - slices % factors[2], depth)
    slabs = [sitk.BinShrink(_image(sitk, scan, slice(start, start + depth)), factors) for start in starts]
    image = sitk.GetImageFromArray(np.concatenate([sitk.GetArrayViewFromImage(slab) for slab in slabs]))
    image.SetSpacing(slabs[0].GetSpacing())
    image.SetOrigin(slabs[0].GetOrigin())
    image.SetDirection(slabs[0].GetDirection())
    return image


def _image(sitk: Any, scan: Scan, slices: slice) -> Any:
    """Return some slices of a scan; their origin is that of the scan."""
    image = sitk.GetImageFromArray(scan.voxels[slices])
    image.SetSpacing(scan.geometry.spacing[::-1])
    image.SetOrigin(scan.geometry.origin_lps)
    image.SetDirection(scan.geometry.direction_lps)
    return image


def _corners(geometry: Geometry) -> NDArray[np.float64]:
    """Return the outer corners of a grid in voxels, shape (8, 3)."""
    return np.array(list(itertools.product(*((-0.5, n - 0.5) for n in geometry.shape))))
