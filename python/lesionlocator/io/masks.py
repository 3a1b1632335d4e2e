"""Label maps: which voxel belongs to which lesion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError, OutputError
from lesionlocator.geometry import Box
from lesionlocator.io import nifti, volumes
from lesionlocator.io.files import ending, write_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry, Shape

MAX_LABEL = 65535


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Lesion ids on a grid.

    Parameters
    ----------
    labels
        Shape (z, y, x), uint8 or uint16; 0 is background.
    geometry
        The grid, of the same shape.
    path
        The file, where there is one.

    Raises
    ------
    InputError
        Where dtype or shape is not as above.
    """

    labels: NDArray[np.uint8] | NDArray[np.uint16]
    geometry: Geometry
    path: Path | None = None

    def __post_init__(self) -> None:
        _check_labels(self.labels, self.geometry.shape, self.path or "label map")


def read_labelmap(path: str | Path) -> LabelMap:
    """Read a label map: uint8 where no label is above 255, else uint16. It may be empty.

    Raises
    ------
    InputError
        Where the file is no usable image (as for a scan), or a label is no whole number from 0 to 65535.
    """
    path = Path(path)
    volume = volumes.read_volume(path)
    lowest, highest = volume.value_range()
    if not (lowest >= 0 and highest <= MAX_LABEL):
        raise _illegal_label(path, highest if lowest >= 0 else lowest)
    dtype = np.uint8 if highest <= np.iinfo(np.uint8).max else np.uint16
    labels = volume.values(dtype)
    if not volume.is_whole:
        _check_whole(volume, labels, path)
    return LabelMap(labels, volume.geometry, path)


def write_labelmap(
    path: str | Path, labels: NDArray[np.uint8] | NDArray[np.uint16], geometry: Geometry
) -> None:
    """Write a label map (.nii.gz) on the grid of its image; wholly or not at all.

    Raises
    ------
    InputError
        Where dtype or shape do not fit.
    OutputError
        Where the file cannot be written.
    """
    write_mask_region(path, labels, Box.whole(geometry.shape), geometry)


def write_mask_region(
    path: str | Path, region: NDArray[np.uint8] | NDArray[np.uint16], box: Box, geometry: Geometry
) -> None:
    """Write a label map (.nii.gz) of which only a box may be nonzero; the cost is that of the box.

    Parameters
    ----------
    path
        The file; an older one is replaced, wholly or not at all.
    region
        Labels in the box, shape (z, y, x), uint8 or uint16.
    box
        Where the region lies.
    geometry
        The grid of the whole file: the image's.

    Raises
    ------
    InputError
        Where dtype, shape or box do not fit.
    OutputError
        Where the file cannot be written.
    """
    path = Path(path)
    if ending(path).lower() != ".nii.gz":
        raise OutputError(f"cannot write {path}: masks are written as .nii.gz")
    _check_labels(region, box.shape, path)
    if box.clipped(geometry.shape) != box:
        raise InputError(
            f"{path}: box {box.start} to {box.stop} leaves the grid of {geometry.shape} (z, y, x)"
        )
    with write_atomically(path) as partial:
        partial.write_bytes(nifti.nifti_mask(region, box, geometry))


def _check_labels(labels: NDArray[Any], shape: Shape, where: Path | str) -> None:
    if labels.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{where}: labels are {labels.dtype}; legal: uint8 or uint16")
    if labels.shape != shape:
        raise InputError(f"{where}: labels of shape {labels.shape} where {shape} (z, y, x) is expected")


def _check_whole(volume: volumes.Volume, labels: NDArray[Any], path: Path) -> None:
    for stored, whole in zip(volume.stored, labels, strict=True):
        values = stored.astype(np.float64) * volume.slope + volume.intercept
        wrong = values != whole
        if wrong.any():
            raise _illegal_label(path, values[wrong][0])


def _illegal_label(path: Path, label: float) -> InputError:
    return InputError(f"{path}: label {label:.10g} found; legal: whole numbers from 0 to {MAX_LABEL}")
