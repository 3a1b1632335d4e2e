"""The voxels of a series, slice by slice, each by its own rescale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.io import itk
from lesionlocator.io.dicom.locations import on_disk

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lesionlocator.io.dicom.series import Series

_INT16 = np.iinfo(np.int16)


def read_voxels(series: Series) -> NDArray[np.int16] | NDArray[np.float32]:
    """Read the voxels of a series, shape (z, y, x): int16 where all values are such, else float32.

    Raises
    ------
    InputError
        Where the series cannot be used, or a file is damaged or truncated.
    """
    stack = series.usable
    names = list(dict.fromkeys(name for name, _ in stack.slices))
    voxels: NDArray[Any] = np.empty(stack.geometry.shape, np.int16)
    with on_disk(series.location, names) as paths:
        if series.first.is_multiframe:
            if len(set(stack.rescale)) > 1:
                raise InputError(
                    f"{series.location / names[0]}: frames are rescaled in {len(set(stack.rescale))} ways; "
                    "legal in a multi-frame file: one"
                )
            frames = _read(paths[names[0]], series.location / names[0])
            images = (frames[number] for _, number in stack.slices)
        else:
            images = (_read(paths[name], series.location / name)[0] for name, _ in stack.slices)
        for place, image in enumerate(images):
            if voxels.dtype == np.int16 and not _fits_int16(image):
                voxels = voxels.astype(np.float32)
            if image.shape != voxels.shape[1:]:
                raise InputError(
                    f"{series.location / stack.slices[place][0]}: pixels are of shape {image.shape}, "
                    f"where the header says {voxels.shape[1:]}"
                )
            voxels[place] = image
    return voxels


def _read(path: Path, shown: Path) -> NDArray[Any]:
    try:
        return itk.read_voxels(path, image_io="GDCMImageIO")
    except InputError as error:
        raise InputError(f"{shown}: pixels cannot be read: damaged or truncated") from error


def _fits_int16(image: NDArray[Any]) -> bool:
    if image.dtype.kind not in "iu":
        return False
    if np.can_cast(image.dtype, np.int16):
        return True
    return bool(_INT16.min <= image.min() and image.max() <= _INT16.max)
