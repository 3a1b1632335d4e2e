"""Voxels of NIfTI-1 files (.nii, .nii.gz), read by us: ITK fills what a truncated file lacks with zeros."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lesionlocator.errors import InputError

if TYPE_CHECKING:
    from io import BufferedIOBase
    from pathlib import Path

    from numpy.typing import NDArray

HEADER_BYTES = 348
_GZIP_MAGIC = b"\x1f\x8b"
_DEFLATE_MAX_RATIO = 1032
_DTYPES = {
    2: "u1",
    256: "i1",
    4: "i2",
    512: "u2",
    8: "i4",
    768: "u4",
    1024: "i8",
    1280: "u8",
    16: "f4",
    64: "f8",
}
_OTHER_TYPES = {
    1: "binary",
    32: "complex",
    1792: "complex",
    2048: "complex",
    128: "RGB",
    2304: "RGBA",
    1536: "float128",
}


@dataclass(frozen=True)
class NiftiHeader:
    """What a NIfTI-1 header says of the voxels that follow it.

    Parameters
    ----------
    shape
        Voxels along z, y, x.
    dtype
        Type and byte order of the stored numbers.
    offset
        First byte of the voxels in the (uncompressed) file.
    slope, intercept
        A voxel's value is ``slope * stored + intercept``.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def voxel_bytes(self) -> int:
        """Number of bytes of all voxels."""
        return math.prod(self.shape) * self.dtype.itemsize


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
            raw = file.read(HEADER_BYTES)
        header = _parsed(raw)
        available = path.stat().st_size * (_DEFLATE_MAX_RATIO if _is_gzip(path) else 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if header.offset + header.voxel_bytes > available:
        raise InputError(
            f"{path}: is truncated or damaged: its header declares shape {header.shape} of {header.dtype}, "
            f"{header.voxel_bytes} bytes, more than a file of {path.stat().st_size} bytes can hold"
        )
    return header


def read_nifti_voxels(path: Path, header: NiftiHeader) -> NDArray[Any]:
    """Read the stored numbers, shape (z, y, x), in native byte order and without slope and intercept.

    Raises
    ------
    InputError
        Where the file ends early or its compressed data are damaged.
    """
    voxels = np.empty(header.shape, header.dtype)
    try:
        with _opened(path) as file:
            file.seek(header.offset)
            found = file.readinto(voxels.reshape(-1).view(np.uint8).data)
            file.read(1)  # makes gzip compare its checksum
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is truncated or damaged ({error})") from error
    if found != header.voxel_bytes:
        raise InputError(f"{path}: is truncated: it holds {found} of {header.voxel_bytes} bytes of voxels")
    if header.dtype.isnative:
        return voxels
    native: NDArray[Any] = voxels.byteswap(inplace=True).view(header.dtype.newbyteorder())
    return native


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC


def _opened(path: Path) -> BufferedIOBase:
    return gzip.open(path, "rb") if _is_gzip(path) else path.open("rb")


def _parsed(raw: bytes) -> NiftiHeader:
    if len(raw) < HEADER_BYTES:
        raise InputError(f"is no NIfTI image: {len(raw)} bytes, less than a header of {HEADER_BYTES}")
    order = next((order for order in "<>" if struct.unpack_from(f"{order}i", raw)[0] == HEADER_BYTES), None)
    if order is None or raw[344:348] != b"n+1\0":
        raise InputError("is no NIfTI-1 image in one file (magic number missing)")
    (code,) = struct.unpack_from(f"{order}h", raw, 70)
    if code not in _DTYPES:
        kind = _OTHER_TYPES.get(code, "unknown type")
        raise InputError(f"voxels are {kind} (datatype {code}); legal: one real number for each voxel")
    offset, slope, intercept = struct.unpack_from(f"{order}3f", raw, 108)
    _check_spacing(struct.unpack_from(f"{order}3f", raw, 80))
    return NiftiHeader(
        _shape(struct.unpack_from(f"{order}8h", raw, 40)),
        np.dtype(order + _DTYPES[code]),
        _offset(offset),
        # What is not finite, and a slope of 0, count as not given.
        slope if math.isfinite(slope) and slope != 0 else 1.0,
        intercept if math.isfinite(intercept) else 0.0,
    )


def _shape(dim: tuple[int, ...]) -> tuple[int, int, int]:
    dimension, sizes = dim[0], dim[1 : dim[0] + 1]
    if not 1 <= dimension <= 7 or min(sizes) < 1:
        raise InputError(f"header is damaged: dim is {dim}; legal: 1 to 7, then that many positive sizes")
    if dimension >= 5 and sizes[4] != 1:
        raise InputError(f"voxels are vectors of {sizes[4]} numbers; legal: one real number for each voxel")
    if dimension < 3 or any(n != 1 for n in sizes[3:]):
        shape = tuple(reversed(sizes))
        raise InputError(f"image has {dimension} dimensions, shape {shape}; legal: 3 (z, y, x)")
    return sizes[2], sizes[1], sizes[0]


def _check_spacing(spacing: tuple[float, ...]) -> None:
    if not all(math.isfinite(mm) and mm > 0 for mm in spacing):
        raise InputError(f"spacing (x, y, z) is {spacing} mm; legal: positive and finite")


def _offset(value: float) -> int:
    if not math.isfinite(value):
        raise InputError(f"header is damaged: voxel offset is {value}")
    return max(int(value), HEADER_BYTES)
