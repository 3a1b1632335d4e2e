"""Scans: the voxels of a CT and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from lesionlocator.errors import InputError
from lesionlocator.io import dicom, volumes
from lesionlocator.io.channels import chosen_channel_files
from lesionlocator.io.files import case_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lesionlocator.geometry import Geometry, Orientation
    from lesionlocator.io.dicom import DicomSource

_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, eq=False)
class Scan:
    """An image volume on its grid.

    Parameters
    ----------
    name
        What results are named after.
    voxels
        Shape (z, y, x), int16 or float32, finite; kept as a read-only view, not copied.
    geometry
        The grid, of the same shape.
    path
        The file, where there is one; the folder or zip of a DICOM series.
    source
        The DICOM files, where it was read from such.
    further
        Images on the same grid that a network of several channels sees as well, such as PET.

    Raises
    ------
    InputError
        Where dtype, shape, a value or the grid of a further image is not as above.
    """

    name: str
    voxels: NDArray[np.int16] | NDArray[np.float32]
    geometry: Geometry
    path: Path | None = None
    source: DicomSource | None = None
    further: tuple[Scan, ...] = ()

    def __post_init__(self) -> None:
        where = self.path or self.name
        if self.voxels.dtype not in (np.int16, np.float32):
            raise InputError(f"{where}: voxels are {self.voxels.dtype}; legal: int16 or float32")
        if self.voxels.shape != self.geometry.shape:
            raise InputError(
                f"{where}: voxels of shape {self.voxels.shape} on a grid of {self.geometry.shape} (z, y, x)"
            )
        _check_finite(self.voxels, where)
        for other in self.further:
            difference = self.geometry.difference(other.geometry)
            if difference is not None:
                raise InputError(f"{other.path or other.name}: is not on the grid of {where}: {difference}")
        view = self.voxels.view()
        view.flags.writeable = False
        object.__setattr__(self, "voxels", view)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from lesionlocator.io.display import scan_html

        return scan_html(self)

    def oriented(self, orientation: Orientation) -> Scan:
        """Return the scan with its axes reordered and flipped; the voxels are a view, not a copy."""
        voxels = cast("NDArray[np.int16]", orientation.view(self.voxels))
        further = tuple(scan.oriented(orientation) for scan in self.further)
        return replace(self, voxels=voxels, geometry=orientation.geometry(self.geometry), further=further)


def read_scan(path: str | Path, *, series: str | None = None, channels: int = 1) -> Scan:
    """Read a scan (.nii.gz, .nii, .nrrd, .mha, or DICOM), which is named after its file or folder.

    Whole numbers that fit int16 are kept as int16, everything else as float32.

    Parameters
    ----------
    path
        An image file; or a folder, a zip or a multi-frame file with a DICOM series.
    series
        The UID or number of the DICOM series; None for the only usable CT series.
    channels
        How many images the model takes. Of several, ``path`` is the first, called ``<case>_0000``; the others
        lie beside it, called ``<case>_0001`` and so on.

    Raises
    ------
    InputError
        Where the file is missing, of another format, damaged, truncated, not 3D, has several numbers for each
        voxel, a spacing that is not positive, or voxels that are not finite; where a channel is missing, or
        is not on the grid of the first.
    """
    return read_channels(chosen_channel_files(Path(path), channels), series=series)


def read_channels(paths: Sequence[Path], *, series: str | None = None) -> Scan:
    """Read the images of one case, the first of which names it; raises what :func:`read_scan` does."""
    scan = _read(paths[0], series)
    return replace(scan, further=tuple(_read(path, series) for path in paths[1:])) if paths[1:] else scan


def _read(path: Path, series: str | None) -> Scan:
    if dicom.is_dicom(path):
        chosen = dicom.choose_series(path, series)
        stack = chosen.usable
        return Scan(scan_name(path), dicom.read_voxels(chosen), stack.geometry, path, chosen.source)
    _check_no_series(path, series)
    volume = volumes.read_volume(path)
    fits = volume.is_whole and _within_int16(volume)
    # A float64 beyond float32 becomes infinite, which the scan then refuses.
    with np.errstate(over="ignore"):
        voxels = volume.values(np.int16 if fits else np.float32)
    return Scan(case_name(path), voxels, volume.geometry, path)


def scan_name(path: Path) -> str:
    """Return what the results of a scan are named after: its file without ending, or its folder."""
    return path.resolve().name if path.is_dir() else case_name(path)


def read_geometry(path: str | Path, *, series: str | None = None) -> Geometry:
    """Read the grid of a scan without its voxels; parameters are those of :func:`read_scan`.

    Raises
    ------
    InputError
        As :func:`read_scan`, apart from what only the voxels show.
    """
    path = Path(path)
    if dicom.is_dicom(path):
        return dicom.choose_series(path, series).usable.geometry
    _check_no_series(path, series)
    return volumes.read_geometry(path)


def _check_no_series(path: Path, series: str | None) -> None:
    if series is not None:
        raise InputError(f"{path}: series {series} is asked for, and this is no DICOM")


def _within_int16(volume: volumes.Volume) -> bool:
    if not volume.is_scaled and np.can_cast(volume.stored.dtype, np.int16):
        return True
    lowest, highest = volume.value_range()
    return _INT16.min <= lowest and highest <= _INT16.max


def _check_finite(voxels: NDArray[np.int16] | NDArray[np.float32], where: Path | str) -> None:
    if voxels.dtype == np.int16 or (np.isfinite(voxels.min()) and np.isfinite(voxels.max())):
        return
    wrong = sum(part.size - np.count_nonzero(np.isfinite(part)) for part in voxels)
    raise InputError(f"{where}: {wrong} of {voxels.size} voxels are NaN or infinite; legal: finite numbers")
