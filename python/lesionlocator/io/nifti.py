"""Voxels of NIfTI-1 files (.nii, .nii.gz), read by us: ITK fills what a truncated file lacks with zeros."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator import _core
from lesionlocator.errors import InputError
from lesionlocator.io.nifti_header import HEADER_BYTES, NiftiHeader, build_header, parse_header

if TYPE_CHECKING:
    from io import BufferedIOBase
    from pathlib import Path

    from numpy.typing import NDArray

    from lesionlocator.geometry import Box, Geometry

_GZIP_MAGIC = b"\x1f\x8b"
_DEFLATE_MAX_RATIO = 1032


def read_nifti_header(path: Path) -> NiftiHeader:
    """Read and check the header of a NIfTI-1 file.

    Raises
    ------
    InputError
        Where the file is no NIfTI-1 image of three dimensions with one real number for each voxel, has a
        spacing that is not positive, or cannot hold as many voxels as it declares.
    """
    try:
        with _opened(path) as file:
            header = parse_header(file.read(HEADER_BYTES))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    size = path.stat().st_size
    if header.offset + header.voxel_bytes > size * (_DEFLATE_MAX_RATIO if _is_gzip(path) else 1):
        raise InputError(
            f"{path}: is truncated or damaged: its header declares shape {header.shape} of {header.dtype}, "
            f"{header.voxel_bytes} bytes, more than a file of {size} bytes can hold"
        )
    return header


def read_nifti_voxels(path: Path, header: NiftiHeader) -> NDArray[Any]:
    """Read the stored numbers, shape (z, y, x), in native byte order and without slope and intercept.

    A file that is not compressed is mapped into memory: what is never looked at is never read, and what is
    written to the array stays out of the file.

    Raises
    ------
    InputError
        Where the file ends early or its compressed data are damaged.
    """
    voxels = _inflated(path, header) if _is_gzip(path) else _mapped(path, header)
    if header.dtype.isnative:
        return voxels
    native: NDArray[Any] = voxels.byteswap(inplace=True).view(header.dtype.newbyteorder())
    return native


def nifti_mask(region: NDArray[np.uint8] | NDArray[np.uint16], box: Box, geometry: Geometry) -> bytes:
    """Return the .nii.gz file of a mask that is zero outside ``box``.

    Raises
    ------
    OutputError
        Where an axis is too long for NIfTI-1.
    """
    header = build_header(geometry, region.dtype)
    return _core.files_compress_mask(region, header=header, shape=geometry.shape, start=box.start)


def _inflated(path: Path, header: NiftiHeader) -> NDArray[Any]:
    # The header comes first in the same memory; what is before it puts the voxels on aligned addresses.
    first = -header.offset % header.dtype.itemsize
    memory = np.empty(first + header.offset + header.voxel_bytes, np.uint8)
    _core.files_read_gzip(path, memory[first:])
    return memory[first + header.offset :].view(header.dtype).reshape(header.shape)


def _mapped(path: Path, header: NiftiHeader) -> NDArray[Any]:
    try:
        voxels = np.memmap(path, header.dtype, "c", header.offset, header.shape).view(np.ndarray)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    # The kernels take no numbers that straddle an address.
    return voxels if voxels.flags.aligned else voxels.copy()


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def _opened(path: Path) -> BufferedIOBase:
    return gzip.open(path, "rb") if _is_gzip(path) else path.open("rb")
