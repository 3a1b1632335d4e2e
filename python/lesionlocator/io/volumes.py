"""Any supported image file as stored numbers, their scale and the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.io import itk, nifti
from lesionlocator.io.files import IMAGE_ENDINGS, ending

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry


@dataclass(frozen=True, eq=False)
class Volume:
    """Numbers as a file stores them, shape (z, y, x); a voxel's value is ``slope * stored + intercept``."""

    stored: NDArray[Any]
    geometry: Geometry
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_scaled(self) -> bool:
        """Whether values are not the stored numbers."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    @property
    def is_whole(self) -> bool:
        """Whether the types alone say that every value is a whole number."""
        return self.stored.dtype.kind in "iu" and self.slope.is_integer() and self.intercept.is_integer()

    def value_range(self) -> tuple[float, float]:
        """Return the smallest and largest value; NaN where there is one."""
        ends = (float(end) * self.slope + self.intercept for end in (self.stored.min(), self.stored.max()))
        lowest, highest = sorted(ends)
        return lowest, highest

    def values(self, dtype: type[np.generic]) -> NDArray[Any]:
        """Return the values as ``dtype``, which must be able to hold them; a view where it can be."""
        if not self.is_scaled:
            return _cast(self.stored, np.dtype(dtype))
        out = np.empty(self.stored.shape, dtype)
        # ITK scales in float64 what it has stored as float32, unless the file is of float64.
        wide = self.stored.dtype == np.float64 or np.dtype(dtype).kind != "f"
        for source, target in zip(self.stored, out, strict=True):
            stored = source if wide else source.astype(np.float32)
            target[...] = stored.astype(np.float64) * self.slope + self.intercept
        return out


def read_volume(path: Path) -> Volume:
    """Read an image file.

    Raises
    ------
    InputError
        Where the file is missing, of another format, damaged, truncated, or no 3D image of real numbers.
    """
    if not _is_nifti(path):
        geometry = itk.read_geometry(path)
        return Volume(itk.read_voxels(path), geometry)
    header = nifti.read_nifti_header(path)
    stored = nifti.read_nifti_voxels(path, header)
    geometry = itk.read_geometry(path)
    if geometry.shape != header.shape:
        raise InputError(f"{path}: header is damaged: shape {header.shape} or {geometry.shape} (z, y, x)")
    return Volume(stored, geometry, header.slope, header.intercept)


def read_geometry(path: Path) -> Geometry:
    """Read the grid of an image file without its voxels.

    Raises
    ------
    InputError
        As :func:`read_volume`, apart from what only the voxels show.
    """
    if _is_nifti(path):
        nifti.read_nifti_header(path)
    return itk.read_geometry(path)


def _is_nifti(path: Path) -> bool:
    found = ending(path).lower()
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if found not in IMAGE_ENDINGS:
        raise InputError(f"{path}: is no image file; legal endings: {', '.join(IMAGE_ENDINGS)}")
    return found in {".nii", ".nii.gz"}


def _cast(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    same_bits = array.dtype.kind in "iu" and dtype.kind in "iu" and array.dtype.itemsize == dtype.itemsize
    return array.view(dtype) if same_bits else array.astype(dtype, copy=False)
